// What is chosen for all tables and figures. It is in the address, so that a link shows the same.
const names = ["language", "seed", "cost", "points", "curve", "cell", ...Object.keys(data.axes).map((axis) => `axis.${axis}`)];
const chosen = {};
const listeners = [];

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of names) chosen[name] = given.get(name) ?? "";
  for (const [axis, values] of Object.entries(data.axes))
    if (!values.includes(chosen[`axis.${axis}`])) chosen[`axis.${axis}`] = "";
  if (!languageNames.includes(chosen.language)) chosen.language = "";
  if (!seedNames.includes(chosen.seed)) chosen.seed = "";
  if (!data.cells[Number(chosen.cell)]) chosen.cell = "";
}

function choose(name, value, { quiet = false } = {}) {
  if (chosen[name] === value) return;
  chosen[name] = value;
  const given = new URLSearchParams(Object.entries(chosen).filter(([, one]) => one));
  history.replaceState(null, "", `#${given}`);
  if (!quiet) listeners.forEach((listener) => listener());
}

const languageNames = [...new Set(data.cells.flatMap((cell) => Object.keys(cell.languages)))].sort();
const seedNames = [...new Set(data.cells.flatMap((cell) => cell.seeds.filter((one) => one.seed !== null).map((one) => String(one.seed))))].sort((a, b) => a - b);

// Whether what has these axes belongs to what is chosen; an axis that it does not have is not looked at.
function fits(axes) {
  return Object.keys(data.axes).every((axis) => {
    const wanted = chosen[`axis.${axis}`];
    return !wanted || axes[axis] === undefined || axes[axis] === wanted;
  });
}

const chosenArms = () => data.arms.filter((arm) => fits(arm.axes));

// Score and gain of a cell for the chosen language and seed. Of one seed there is no interval.
function valueOf(cell, language = chosen.language, seed = chosen.seed) {
  const reference = cell.reference === null ? null : data.cells[cell.reference];
  if (seed) {
    const [own, other] = [cell, reference].map((one) => {
      const of = one?.seeds.find((found) => String(found.seed) === seed) ?? (one && one.seeds.length === 1 && one.seeds[0].seed === null ? one.seeds[0] : null);
      return of ? (language ? of.languages[language] : of.score) : null;
    });
    return { score: own ?? null, gain: missing(own) || missing(other) ? null : [own - other, null, null, null] };
  }
  if (language) return { score: cell.languages[language]?.score ?? null, gain: cell.languages[language]?.gain ?? null };
  return { score: cell.score, gain: cell.gain };
}

// The cells of arms that have a gain, each with its arm.
function gaining(arms = chosenArms()) {
  return arms.flatMap((arm) =>
    arm.cells.filter(([source]) => source !== "none").map(([source, target, number]) => ({ arm, source, target, number, cell: data.cells[number] })));
}

function drawChoices() {
  const form = find("choices");
  const every = (values) => [["", "all"], ...values.map((value) => [value, value || "none"])];
  const lists = Object.entries(data.axes).map(([axis, values]) =>
    select(axis.replaceAll("_", " "), every(values), chosen[`axis.${axis}`], (value) => choose(`axis.${axis}`, value)));
  if (languageNames.length > 1)
    lists.push(select("language", [["", "mean without English"], ...languageNames.map((name) => [name, name])], chosen.language, (value) => choose("language", value)));
  if (seedNames.length > 1)
    lists.push(select("seed", [["", "mean of all"], ...seedNames.map((name) => [name, name])], chosen.seed, (value) => choose("seed", value)));
  const any = names.some((name) => chosen[name] && (name.startsWith("axis.") || ["language", "seed"].includes(name)));
  const clear = make("button", { type: "button", class: "clear", disabled: !any, onclick: () => {
    for (const name of names) if (name !== "cell") chosen[name] = name.startsWith("axis.") || ["language", "seed"].includes(name) ? "" : chosen[name];
    history.replaceState(null, "", "#");
    listeners.forEach((listener) => listener());
  } }, "Show all");
  const focused = [...form.querySelectorAll("select, button")].indexOf(document.activeElement);
  form.replaceChildren(...lists, clear);
  form.hidden = !lists.length;
  if (focused >= 0) form.querySelectorAll("select, button")[focused]?.focus();
}
