// Tables of what arms gain for what they cost, of agreement, and of stages.
// The axes that tell the members of a list apart, intermediate task and target first.
function axesOf(list) {
  const all = ["from", "to", ...Object.keys(data.axes)];
  const varied = all.filter((axis) => new Set(list.map((one) => one.axes[axis])).size > 1);
  return varied.length ? varied : Object.keys(list[0]?.axes ?? {});
}

function drawEfficiency() {
  const list = data.efficiency.filter((one) => fits(one.axes));
  const section = show("efficiency", data.efficiency.length);
  const axes = axesOf(list);
  const every = new Set(data.efficiency.flatMap((one) => one.cells.map(String))).size;
  const differ = data.efficiency.some((one) => one.cells.length < every);
  const rows = list.map((one) => [...axes.map((axis) => one.axes[axis] ?? ""), withEnds(one.gain),
    differ ? `${one.cells.length} of ${every}` : "",
    one.retained ? `${one.retained[0].toFixed(0)}%${missing(one.retained[1]) ? "" : ` [${one.retained[1].toFixed(0)}, ${one.retained[2].toFixed(0)}]`}` : "",
    counted(one.parameters), (one.stored_bytes / 1e6).toFixed(2), counted(one.seconds), precise(one.kwh)]);
  section.querySelector(".body").replaceChildren(filledTable("Gain for what it costs",
    [...axes, "gain #", "over #", "of full #", "trained parameters #", "stored MB #", "seconds #", "kWh #"], rows));
}

function drawAgreement() {
  const list = data.agreement.filter((one) => fits(one.axes));
  const section = show("agreement", data.agreement.length);
  const axes = axesOf(list);
  const shown = languageNames.filter((name) => list.some((one) => name in one.languages) && (!chosen.language || name === chosen.language));
  const shaded = (value) => (missing(value) ? "" : make("span", { class: "shaded", "--share": Math.max(0, value) }, score(value)));
  const rows = list.map((one) => [...axes.map((axis) => named(one.axes[axis] ?? "")), shaded(one.share), withEnds(one.gain), ...shown.map((name) => shaded(one.languages[name]))]);
  section.querySelector(".body").replaceChildren(table("Agreement with English",
    [...axes, "mean #", "gain #", ...shown.map((name) => `${name} #`)], rows));
}

function drawStages() {
  const section = show("stages", data.stages.length);
  if (!data.stages.length) return;
  const both = data.stages.filter((one) => one.estimated.seconds && one.measured.seconds);
  const errors = both.map((one) => one.measured.seconds / one.estimated.seconds);
  const sum = (list, side) => list.reduce((total, one) => total + one[side].seconds, 0);
  const states = [...new Set(data.stages.map((one) => one.state))].map((state) => `${data.stages.filter((one) => one.state === state).length} ${state}`);
  const middle = [...errors].sort((a, b) => a - b)[Math.floor(errors.length / 2)];
  section.querySelector("p").textContent = `${states.join(", ")}.` + (both.length
    ? ` Of ${both.length} that were estimated and ran: ${seconds(sum(both, "estimated"))} estimated, ${seconds(sum(both, "measured"))} measured; the median stage took ${middle.toFixed(2)} times its estimate.` : "");
  section.querySelector(".panels").replaceChildren(...(both.length ? [stageFigure(both)] : []));
  const most = 300;
  const urgent = { failed: 0, running: 1, waiting: 2 };
  const shown = [...data.stages].sort((a, b) => (urgent[a.state] ?? 3) - (urgent[b.state] ?? 3)).slice(0, most);
  const rows = shown.map((one) => [one.name, one.state + (one.error ? `: ${one.error}` : ""), seconds(one.estimated.seconds), seconds(one.measured.seconds),
    one.estimated.seconds && one.measured.seconds ? `× ${(one.measured.seconds / one.estimated.seconds).toFixed(2)}` : "",
    prefixed(one.measured.flops || one.estimated.flops).trim(), missing(one.measured.memory_bytes) ? "" : counted(one.measured.memory_bytes / 1e6),
    missing(one.measured.disk_bytes) ? "" : (one.measured.disk_bytes / 1e6).toFixed(2)]);
  const label = data.stages.length > most ? `${most} of ${data.stages.length} stages (all are in results.json)` : `All ${data.stages.length} stages`;
  section.querySelector(".body").replaceChildren(folded(label, table("Stages",
    ["stage", "state", "estimated #", "measured #", "measured / estimated #", "FLOPs #", "memory MB #", "disk MB #"], rows)));
}
