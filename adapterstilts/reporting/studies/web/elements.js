// Elements and numbers as text. Text from data only ever becomes text nodes and attributes, never markup.
const data = JSON.parse(document.getElementById("data").textContent);
for (const cell of data.cells) cell.runs = cell.runs.map(([name, place]) => ({ name, ...data.runs[place] }));
const find = (id) => document.getElementById(id);

// An element of this name, with attributes, listeners (onclick), and children: elements or text.
function make(name, attributes = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) found.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) found.style.setProperty(key, value);
    else found.setAttribute(key, value === true ? "" : String(value));
  }
  found.append(...children.flat().filter((one) => one !== null && one !== undefined));
  return found;
}

const missing = (value) => value === null || value === undefined || Number.isNaN(value);
// One decimal; what lies in the middle goes to the even one, as in the other files of the report.
const tenths = (value) => (value % 1 === 0.25 ? value - 0.05 : value).toFixed(1);
const score = (value) => (missing(value) ? "" : tenths(value));
const signed = (value) => (missing(value) ? "" : (value < 0 ? "−" : "+") + tenths(Math.abs(value)));
const named = (source) => data.short[source] ?? source;
const ends = (gain) => (!gain || missing(gain[1]) ? "" : `[${signed(gain[1])}, ${signed(gain[2])}]`);
const withEnds = (gain) => (gain ? [signed(gain[0]), ends(gain)].filter(Boolean).join(" ") : "");
const isSignificant = (gain) => Boolean(gain) && !missing(gain[3]) && gain[3] < data.significant;
const probability = (value) => (missing(value) ? "" : value < 0.001 ? "< 0.001" : value.toFixed(3));
const counted = (value) => (missing(value) ? "" : Math.round(value).toLocaleString("en"));
const precise = (value) => (missing(value) ? "" : Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 }));
// With a prefix of the SI, as 1.99 T.
function prefixed(value) {
  if (missing(value)) return "";
  const place = value < 1000 ? 0 : Math.min(6, Math.floor(Math.log10(value) / 3));
  return `${Number((value / 1000 ** place).toPrecision(3))} ${["", "k", "M", "G", "T", "P", "E"][place]}`;
}

const mean = (values) => (values.length ? values.reduce((sum, one) => sum + one, 0) / values.length : null);

function seconds(value) {
  if (missing(value)) return "";
  if (value >= 7200) return `${(value / 3600).toFixed(1)} h`;
  return value >= 120 ? `${(value / 60).toFixed(1)} min` : `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
}

// A table with a head; `names` that end in " #" are of numbers. Cells are texts or elements.
function table(caption, names, rows, classes = "") {
  const number = names.map((name) => name.endsWith(" #"));
  const cell = (one, place) =>
    make(place ? "td" : "th", { class: number[place] && "number", scope: place ? null : "row" }, one);
  const head = names.map((name, place) => make("th", { scope: "col", class: number[place] && "number" }, name.replace(/ #$/, "")));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make("table", { class: classes },
      make("caption", { class: "hidden-caption" }, caption),
      make("thead", {}, make("tr", {}, head)),
      make("tbody", {}, rows.map((row) => make("tr", {}, row.map(cell))))));
}

// A table without the columns that have nothing in them.
function filledTable(caption, names, rows) {
  const filled = names.map((_, place) => rows.some((row) => row[place] !== ""));
  const kept = (list) => list.filter((_, place) => filled[place]);
  return table(caption, kept(names), rows.map(kept));
}

// The numbers of a figure for those who read tables.
const folded = (label, inside) => make("details", {}, make("summary", {}, label), inside);

// A labelled choice of one of [value, label] pairs.
function select(label, options, value, onchange) {
  const id = `choice-${label.replaceAll(/\W/g, "-")}`;
  const list = make("select", { id, onchange: () => onchange(list.value) },
    options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
  return make("div", { class: "choice" }, make("label", { for: id }, label), list);
}

function show(id, there) {
  const section = find(id);
  section.hidden = !there;
  return section;
}
