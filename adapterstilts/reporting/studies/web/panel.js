// One cell in full: scores by language and seed, what it cost, its runs, and answers that changed.
function openPanel(number) {
  choose("cell", String(number), { quiet: true });
  const cell = data.cells[number];
  const source = cell.source;
  const panel = find("panel");
  const close = make("button", { type: "button", class: "close", autofocus: true, onclick: () => panel.close() }, "Close");
  panel.replaceChildren(
    make("header", {}, make("h2", { id: "panel-title" }, `${source} to ${cell.axes.to}`), close),
    make("div", { class: "panel-body" }, panelSummary(cell, source), panelLanguages(cell), panelSeeds(cell), panelAnswers(cell), panelRuns(cell)));
  if (!panel.open) panel.showModal();
  panel.querySelector(".panel-body").scrollTop = 0;
}

function panelSummary(cell, source) {
  const facts = [
    ["What", cell.title], ...Object.entries(cell.axes).filter(([axis]) => !["from", "to"].includes(axis)).map(([axis, value]) => [axis.replaceAll("_", " "), value]),
    ["Split", cell.split], ["Score", [score(cell.score), cell.spread && `± ${score(cell.spread)} over seeds`].filter(Boolean).join(" ")],
    ["Gain", cell.gain && `${withEnds(cell.gain)}${isSignificant(cell.gain) ? " ★" : ""}`], ["p after Holm", cell.gain && probability(cell.gain[3])],
    ["Gain in English", cell.englishGain && withEnds(cell.englishGain)], ["Compared with", cell.against], ["Interval about", cell.gain && cell.scope],
    ["Trained parameters", counted(cell.cost.parameters)], ["Stored", `${(cell.cost.stored / 1e6).toFixed(2)} MB`], ["Training", `${seconds(cell.cost.seconds)}, ${prefixed(cell.cost.flops)}FLOPs`],
    ...data.published.filter((one) => one.axes.from === source && one.axes.to === cell.axes.to).map((one) => ["Published", `${one.value} (${one.source})`]),
  ];
  return make("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => make("div", { class: name === "Published" && "published" }, make("dt", {}, name), make("dd", {}, value))));
}

function panelLanguages(cell) {
  const labels = Object.entries(cell.labels);
  const rows = Object.entries(cell.languages).map(([name, one]) => [name, score(one.score), ...labels.map(([metric]) => score(one.metrics[metric])),
    withEnds(one.gain) + (isSignificant(one.gain) ? " ★" : ""), probability(one.gain?.[3]), counted(one.metrics.examples)]);
  return make("section", {}, make("h3", {}, "Languages"),
    table("Scores by language", ["language", "score #", ...labels.map(([, label]) => `${label} #`), "gain #", "p after Holm #", "examples #"], rows));
}

function panelSeeds(cell) {
  const shown = Object.keys(cell.languages);
  const rows = cell.seeds.map((one) => [missing(one.seed) ? "none" : String(one.seed), score(one.score), ...shown.map((name) => score(one.languages[name]))]);
  return make("section", {}, make("h3", {}, "Seeds"), table("Scores by seed", ["seed", "score #", ...shown.map((name) => `${name} #`)], rows));
}

function panelAnswers(cell) {
  if (!cell.answers.length) return cell.reference === null ? null : make("section", {}, make("h3", {}, "Answers that changed"), make("p", { class: "muted" }, "None is known."));
  const part = (title, list) => list.length ? [make("h4", {}, title), table(title, ["example", "language", "gold", `${data.cells[cell.reference].row}`, "this cell"],
    list.map((one) => [one.id, one.language, one.gold || "not kept", one.before, one.now]), "answers")] : [];
  return make("section", {}, make("h3", {}, "Answers that changed"),
    make("p", { class: "muted" }, "Some of those of the first seed that changed most, the languages in turn. All predictions are in the runs below."),
    part("Right or better before, wrong or worse now", cell.answers.filter((one) => one.change < 0)),
    part("Wrong or worse before, right or better now", cell.answers.filter((one) => one.change > 0)));
}

function panelRuns(cell) {
  return make("section", {}, make("h3", {}, "Runs"), make("ul", { class: "runs" }, cell.runs.map((run) => make("li", {}, make("strong", {}, run.name), " ", make("code", {}, run.folder),
    make("span", { class: "links" }, run.files.map((name) => make("a", { href: `${run.address}/${name}` }, name)),
      run.files.length ? null : "not in the store any more")))));
}

find("panel").addEventListener("close", () => {
  const number = chosen.cell;
  choose("cell", "", { quiet: true });
  document.querySelector(`button[data-cell="${number}"]`)?.focus();
});
// The space around the panel closes it too.
find("panel").addEventListener("click", (event) => event.target === find("panel") && find("panel").close());
