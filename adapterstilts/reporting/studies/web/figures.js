// Gains by language, cost against gain, learning curves, groups of languages, stages.
const bars = (gains, side) => {
  const known = gains.map((one) => one && !missing(one[1]));
  return { [`error_${side}`]: { type: "data", symmetric: false, thickness: 1.2, width: 2,
    array: gains.map((one, place) => (known[place] ? one[2] - one[0] : 0)), arrayminus: gains.map((one, place) => (known[place] ? one[0] - one[1] : 0)) } };
};

// The mean of several gains has no interval of its own.
const together = (gains) => (gains.length === 1 ? gains[0] : gains.length ? [mean(gains.map((one) => one[0])), null, null, null] : null);

function drawLanguages() {
  const arms = chosenArms();
  const cells = gaining(arms);
  const targets = [...new Set(cells.map((one) => one.target))];
  const sources = [...new Set(cells.map((one) => one.source))];
  const panels = targets.map((target) => languagePanel(target, sources, cells.filter((one) => one.target === target))).filter(Boolean);
  const section = show("languages", panels.length);
  section.querySelector("p").textContent = arms.length > 1
    ? `Means over ${arms.length} arms (${arms.map((arm) => arm.name).join("; ")}). Choose one above for its intervals.`
    : "Gain over “none” in points with 95% intervals, one figure for each target.";
  section.querySelector(".key").replaceChildren(markKey(sources.map(named)));
  section.querySelector(".panels").replaceChildren(...panels);
}

function languagePanel(target, sources, cells) {
  const shown = [...new Set(cells.flatMap(({ cell }) => Object.keys(cell.languages)))].filter((name) => !chosen.language || name === chosen.language);
  const gain = (source, language) => together(cells.filter((one) => one.source === source)
    .map(({ cell }) => valueOf(cell, language).gain).filter((one) => one && !missing(one[0])));
  const lines = sources.map((source, mark) => ({ source, mark, gains: shown.map((language) => gain(source, language)) })).filter((line) => line.gains.some(Boolean));
  if (!lines.length || !shown.length) return null;
  const rows = lines.flatMap((line) => shown.map((language, place) => [line.source, language, withEnds(line.gains[place])])).filter((row) => row[2]);
  // Beside each other, so that intervals do not hide each other.
  const step = 0.7 / Math.max(1, lines.length);
  const build = () => ({
    traces: lines.map((line, place) => ({
      type: "scatter", mode: "markers", name: plain(named(line.source)),
      x: shown.map((_, at) => at + (place - (lines.length - 1) / 2) * step), y: line.gains.map((one) => one?.[0] ?? null),
      ...bars(line.gains, "y"), marker: marked(line.mark),
      text: shown.map((language, at) => plain(`${named(line.source)} to ${target}, ${language}: ${withEnds(line.gains[at])}`)), hoverinfo: "text",
    })),
    layout: { showlegend: false, xaxis: { tickvals: shown.map((_, at) => at), ticktext: shown.map(plain), range: [-0.6, shown.length - 0.4], zeroline: false },
      yaxis: { title: "gain, points" } },
  });
  return figure(target, build, table(`Gain by language: ${target}`, ["from", "language", "gain #"], rows), { height: 230 });
}

const costNames = { parameters: "trained parameters (target phase)", stored: "stored, MB", seconds: "training, seconds", flops: "training, FLOPs", kwh: "training, kWh" };

function costOf({ cell, arm }, name) {
  if (name === "stored") return cell.cost.stored / 1e6;
  if (name !== "kwh") return cell.cost[name];
  // Energy is told of an arm, and goes with its seconds.
  const of = data.efficiency.find((one) => !missing(one.kwh) && one.seconds && Object.entries(one.axes).every(([axis, value]) => arm.axes[axis] === undefined || arm.axes[axis] === value));
  return of ? (cell.cost.seconds * of.kwh) / of.seconds : null;
}

function drawCosts() {
  const cells = gaining().map((one) => ({ ...one, gain: valueOf(one.cell).gain })).filter((one) => one.gain && !missing(one.gain[0]));
  const section = show("costs", cells.length);
  if (!cells.length) return;
  const there = Object.keys(costNames).filter((name) => cells.some((one) => costOf(one, name) > 0));
  const several = new Set(cells.map((one) => one.arm)).size > 1;
  const sorts = { arm: "a method", source: "an intermediate task of a method", cell: "a cell" };
  const sort = sorts[chosen.points] ? chosen.points : several ? "arm" : "source";
  const varied = there.find((one) => new Set(costPoints(cells, sort, one).map((point) => point.x)).size > 1) ?? there[0];
  const name = there.includes(chosen.cost) ? chosen.cost : varied;
  section.querySelector(".controls").replaceChildren(
    select("cost", there.map((one) => [one, costNames[one]]), name, (value) => choose("cost", value)),
    select("each point is", Object.entries(sorts), sort, (value) => choose("points", value)));
  const points = costPoints(cells, sort, name);
  const front = paretoFront(points);
  section.querySelector("p").textContent = "Means over the cells of a point. On the line are those that no other one beats in both, cost and gain.";
  const rows = points.map((one) => [one.label, precise(one.x), signed(one.y), front.includes(one) ? "yes" : "", String(one.count)]);
  const build = () => ({
    traces: [
      { type: "scatter", mode: "lines", name: "Pareto front", x: front.map((one) => one.x), y: front.map((one) => one.y),
        line: { color: colour("muted"), dash: "dot", shape: "hv" }, hoverinfo: "skip" },
      { type: "scatter", mode: points.length > 14 ? "markers" : "markers+text", name: sorts[sort], x: points.map((one) => one.x), y: points.map((one) => one.y),
        text: points.map((one) => ` ${plain(short(one.label))} `), textposition: points.map((one) => (beyond(points, one) ? "middle left" : "middle right")), textfont: { size: 11 },
        hovertext: points.map((one) => plain(`${one.label}: ${signed(one.y)} points for ${precise(one.x)} (${one.count} cells)`)), hoverinfo: "text", cliponaxis: false,
        marker: { size: 10, color: points.map((one) => (front.includes(one) ? series(0) : colour("card"))), line: { color: series(0), width: 2 } } },
    ],
    layout: { showlegend: false, xaxis: { title: costNames[name], ...(logarithmic(points) ? { type: "log", dtick: "D2", exponentformat: "SI" } : {}), ...roomy(points, logarithmic(points)) }, yaxis: { title: "mean gain, points" }, margin: { l: 52, r: 28, t: 24, b: 44 } },
  });
  section.querySelector(".body").replaceChildren(figure(`${costNames[name]} against gain`, build,
    table("Cost and gain", ["what", `${costNames[name]} #`, "gain #", "on the front", "cells #"], rows), { height: 340, wide: true }));
}

const logarithmic = (points) => Math.max(...points.map((one) => one.x)) > 20 * Math.min(...points.map((one) => one.x));

// Whether a point is so far to the right that its name is better on its left.
const beyond = (points, point) => points.some((one) => one.x < point.x) && points.filter((one) => one.x > point.x).length < points.length / 3;

// Room at both sides for the names of points.
function roomy(points, log) {
  const values = points.map((one) => (log ? Math.log10(one.x) : one.x));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.18;
  return { range: [low - room, high + room] };
}

function costPoints(cells, sort, name) {
  // What has no intermediate task is no part of an arm's mean.
  const labels = { arm: (one) => (one.arm.controls.includes(one.source) ? `${one.source} · ${one.arm.name}` : one.arm.name), source: (one) => (data.arms.length > 1 ? `${named(one.source)} · ${one.arm.name}` : named(one.source)),
    cell: (one) => `${named(one.source)} to ${one.target}${data.arms.length > 1 ? ` · ${one.arm.name}` : ""}` };
  const groups = Map.groupBy ? Map.groupBy(cells, labels[sort]) : cells.reduce((found, one) => found.set(labels[sort](one), [...(found.get(labels[sort](one)) ?? []), one]), new Map());
  return [...groups].map(([label, own]) => {
    const costs = own.map((one) => costOf(one, name)).filter((one) => one > 0);
    return { label, x: mean(costs), y: mean(own.map((one) => one.gain[0])), count: own.length };
  }).filter((one) => one.x > 0);
}

function paretoFront(points) {
  let best = -Infinity;
  return [...points].sort((a, b) => a.x - b.x || b.y - a.y).filter((one) => one.y > best && ((best = one.y), true));
}

// Run folder to what it is called: what it leads to where that is one thing, or else the folder.
function runNames() {
  const users = new Map();
  for (const arm of chosenArms())
    for (const [source, target, number] of arm.cells)
      for (const run of data.cells[number].runs) {
        const seed = seedNames.length > 1 ? run.name.match(/, seed .*$/)?.[0] ?? "" : "";
        const label = `${named(source)} to ${target}${data.arms.length > 1 && source !== "none" ? ` · ${arm.name}` : ""}${seed}`;
        users.set(run.folder, (users.get(run.folder) ?? new Set()).add(label));
      }
  return new Map([...users].map(([folder, labels]) => [folder, labels.size === 1 ? [...labels][0] : folder.split(/[\\/]/).pop()]));
}

function drawLearning() {
  const sorts = { eval_score: "validation score in English", loss: "training loss" };
  const runs = [...runNames()].filter(([folder]) => folder in data.learning);
  const there = Object.keys(sorts).filter((name) => runs.some(([folder]) => data.learning[folder][name].length));
  const section = show("learning", there.length);
  if (!there.length) return;
  const name = there.includes(chosen.curve) ? chosen.curve : there[0];
  const curves = runs.map(([folder, label]) => ({ label, points: data.learning[folder][name] })).filter((curve) => curve.points.length);
  const most = 16;
  section.querySelector("p").textContent = "Each run once, however many cells use it." + (curves.length > most ? ` The first ${most} of ${curves.length}: choose above to see others.` : "");
  section.querySelector(".controls").replaceChildren(select("curve", there.map((one) => [one, sorts[one]]), name, (value) => choose("curve", value)));
  const narrow = window.innerWidth < 800;
  const shown = curves.slice(0, most);
  const build = () => ({
    traces: shown.map((curve, place) => ({ type: "scatter", mode: "lines", name: plain(short(curve.label, 40)), x: curve.points.map((one) => one[0]), y: curve.points.map((one) => one[1]),
      line: { color: series(place), width: 1.8, dash: ["solid", "dash"][Math.floor(place / 8) % 2] }, hovertemplate: `${plain(curve.label)}<br>step %{x}: %{y:.3g}<extra></extra>` })),
    layout: { xaxis: { title: "step" }, yaxis: { title: sorts[name] },
      legend: narrow ? { orientation: "h", y: -0.25, yanchor: "top", font: { size: 10 } } : { orientation: "v", x: 1.02, y: 1, font: { size: 11 } } },
  });
  const rows = curves.map((curve) => [curve.label, counted(curve.points.at(-1)[0]), precise(curve.points[0][1]), precise(curve.points.at(-1)[1])]);
  const height = narrow ? 300 + 20 * shown.length : Math.max(320, 60 + 20 * shown.length);
  section.querySelector(".body").replaceChildren(figure(sorts[name], build, table("Learning curves", ["run", "steps #", "first #", "last #"], rows), { height, wide: true }));
}

function drawGroups() {
  const list = data.groups.filter((one) => fits(one.axes) && (!chosen.language || one.languages.includes(chosen.language)));
  const section = show("groups", data.groups.length);
  section.querySelector("p").textContent = list.length ? "Mean gain over targets in points with 95% intervals." : "No group has all that is chosen above.";
  const axes = axesOf(list);
  const label = (one) => axes.map((axis) => named(one.axes[axis] ?? "")).filter(Boolean).join(" · ") || "all";
  const lines = [...new Set(list.map(label))];
  section.querySelector(".key").replaceChildren(markKey(lines));
  section.querySelector(".panels").replaceChildren(...[...new Set(list.map((one) => one.sort))].map((sort) => groupPanel(sort, list.filter((one) => one.sort === sort), lines, label)));
}

function groupPanel(sort, list, lines, label) {
  const groups = [...new Set(list.map((one) => one.name))];
  const step = 0.7 / Math.max(1, lines.length);
  const build = () => ({
    traces: lines.map((line, place) => {
      const own = list.filter((one) => label(one) === line);
      return { type: "scatter", mode: "markers", name: plain(line), x: own.map((one) => one.gain[0]),
        y: own.map((one) => groups.indexOf(one.name) + (place - (lines.length - 1) / 2) * step), ...bars(own.map((one) => one.gain), "x"),
        marker: marked(place),
        text: own.map((one) => plain(`${one.name} (${one.languages.join(", ")}), ${line}: ${withEnds(one.gain)}`)), hoverinfo: "text" };
    }),
    layout: { showlegend: false, xaxis: { title: "gain, points" }, yaxis: { tickvals: groups.map((_, at) => at), ticktext: groups.map(plain), range: [groups.length - 0.4, -0.6], zeroline: false } },
  });
  const rows = list.map((one) => [one.name, label(one), withEnds(one.gain), one.languages.join(", ")]);
  return figure(`By ${sort}`, build, table(`Gain by ${sort}`, [sort, "what", "gain #", "languages"], rows), { height: 70 + groups.length * Math.max(34, 11 * lines.length) });
}

function stageFigure(stages) {
  const ends = stages.flatMap((one) => [one.estimated.seconds, one.measured.seconds]);
  const line = [Math.min(...ends), Math.max(...ends)];
  const build = () => ({
    traces: [
      { type: "scatter", mode: "lines", x: line, y: line, line: { color: colour("muted"), dash: "dot" }, hoverinfo: "skip" },
      { type: "scatter", mode: "markers", x: stages.map((one) => one.estimated.seconds), y: stages.map((one) => one.measured.seconds), marker: { color: series(0), size: 8, opacity: 0.75 },
        text: stages.map((one) => plain(`${one.name}: ${seconds(one.estimated.seconds)} estimated, ${seconds(one.measured.seconds)} measured`)), hoverinfo: "text" },
    ],
    layout: { showlegend: false, xaxis: { title: "estimated seconds", type: "log", dtick: "D2" }, yaxis: { title: "measured seconds", type: "log", dtick: "D2" } },
  });
  return figure("Seconds of each stage; on the line, the estimate was right", build, null, { height: 300 });
}
