// Intermediate tasks down, targets across: score, gain, and whether it is significant. Every cell is a button.
function drawHeatMaps() {
  const arms = chosenArms();
  const gains = gaining(arms).map(({ cell }) => valueOf(cell).gain?.[0]).filter((one) => !missing(one));
  const widest = Math.max(0.1, ...gains.map(Math.abs));
  find("heat-maps").replaceChildren(...arms.map((arm, place) => {
    const drawn = heatMap(arm, widest);
    if (arms.length === 1) return drawn;
    return make("details", { class: "arm", open: place < 4 }, make("summary", {}, make("h3", {}, arm.name)), drawn);
  }));
  if (!arms.length) find("heat-maps").replaceChildren(make("p", { class: "note" }, "No cell has all that is chosen above."));
  find("heat-legend").hidden = !gains.length;
  find("heat-ends").textContent = `−${widest.toFixed(1)} to +${widest.toFixed(1)} points`;
  const what = chosen.language ? `in ${chosen.language}` : "mean of the languages other than English";
  const which = chosen.seed ? `seed ${chosen.seed}, which alone has no interval` : "mean of all seeds";
  const listed = Object.entries(data.short).map(([source, shown]) => ` ${shown}: ${source.replaceAll("+", ", ")}.`).join("");
  const notes = chosen.language ? "" : data.notes.map((note) => ` ${note}`).join("");
  const shares = arms.some((arm) => arm.sources.some((source) => shareOf(arm, source))) ? " (1 of 2): the mean is over so many of the targets alone." : "";
  find("heat-note").textContent = `Task score in percent, ${what}, ${which}; below it the gain over “none” in points. Choose a cell for its languages, seeds, runs and answers.${notes}${shares}${listed}`;
}

const gainsOf = (arm, source) => arm.cells.filter(([own]) => own === source).map(([, , one]) => valueOf(data.cells[one]).gain?.[0]).filter((one) => !missing(one));

// Of how many targets a row has a gain, where other rows have more.
function shareOf(arm, source) {
  const [own, most] = [gainsOf(arm, source).length, Math.max(...arm.sources.map((one) => gainsOf(arm, one).length))];
  return source !== "none" && own && own < most ? `(${own} of ${most})` : "";
}

function heatMap(arm, widest) {
  const at = new Map(arm.cells.map(([source, target, number]) => [JSON.stringify([source, target]), number]));
  const head = make("tr", {}, make("th", { scope: "col" }, make("span", { class: "axis" }, "from ↓ to →")),
    arm.targets.map((target) => make("th", { scope: "col" }, target)), make("th", { scope: "col", class: "mean" }, "mean gain"));
  const rows = arm.sources.map((source) => {
    const numbers = arm.targets.map((target) => at.get(JSON.stringify([source, target])));
    return make("tr", {}, make("th", { scope: "row", title: source }, named(source)),
      numbers.map((number, place) => (number === undefined ? make("td", { class: "empty" }, "·") : heatCell(number, source, arm.targets[place], widest))),
      make("td", { class: "mean" }, source === "none" ? "" : [signed(mean(gainsOf(arm, source))), shareOf(arm, source)].join(" ")));
  });
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Heat map ${arm.name}` },
    make("table", { class: arm.targets.length > 8 ? "heat close" : "heat" }, make("caption", { class: "hidden-caption" }, `Score and gain: ${arm.name}`),
      make("thead", {}, head), make("tbody", {}, rows)));
}

function heatCell(number, source, target, widest) {
  const { score: value, gain } = valueOf(data.cells[number]);
  const clear = isSignificant(gain);
  const side = !gain || gain[0] === 0 ? "" : gain[0] > 0 ? "plus" : "minus";
  const published = data.published.filter((one) => one.axes.from === source && one.axes.to === target);
  const said = [`${source} to ${target}`, `score ${score(value) || "unknown"}`, gain && `gain ${withEnds(gain)}`, clear && "significant",
    ...published.map((one) => `published ${one.value}`)].filter(Boolean).join(", ");
  const button = make("button", { type: "button", class: `cell ${side}${clear ? " clear-gain" : ""}`, "aria-label": said, "data-cell": number,
    "--share": gain ? Math.min(100, (100 * Math.abs(gain[0])) / widest).toFixed(0) : 0, onclick: () => openPanel(number) },
    make("span", { class: "score" }, score(value) || "?"),
    gain && make("span", { class: "gain" }, signed(gain[0]), clear ? make("b", {}, "★") : null),
    published.map((one) => make("span", { class: "published-value", title: one.source }, String(one.value))));
  return make("td", {}, button);
}
