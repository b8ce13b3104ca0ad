// Figures by plotly.js, which is unpacked from this file, in the colours of the page.
const drawn = new Map();
let ready = false;

async function unpackLibrary() {
  const packed = Uint8Array.from(atob(find("library").textContent.trim()), (letter) => letter.charCodeAt(0));
  const text = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  document.head.append(make("script", {}, text));
  find("library").remove();
  ready = Boolean(window.Plotly);
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const series = (place) => colour(`series-${place % 8}`);
const symbols = ["circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon"];
const signs = ["●", "■", "◆", "▲", "✚", "✖", "★", "⬢"];
// Which of them a place has: of 64 places, no two are alike in colour and shape.
const shape = (place) => (place + Math.floor(place / 8)) % 8;
const marked = (place) => ({ color: series(place), symbol: symbols[shape(place)], size: 8 });
// What the marks of several figures stand for.
const markKey = (names) => make("p", { class: "legend marks" }, names.length > 1
  ? names.map((name, place) => make("span", {}, make("b", { "--mark": `var(--series-${place % 8})` }, signs[shape(place)]), ` ${name}`)) : null);
// Plotly reads some markup in its texts.
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const short = (text, most = 28) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function axisStyle(axis = {}) {
  return { gridcolor: colour("line"), zerolinecolor: colour("muted"), linecolor: colour("line"), automargin: true, ...axis,
    title: axis.title ? { text: axis.title, standoff: 8 } : undefined };
}

// A figure with its title, and its numbers as a table. `build` gives { traces, layout } in the colours of now.
function figure(title, build, rows, { height = 260, wide = false } = {}) {
  const place = make("div", { class: "plot", role: "img", "aria-label": title, "--height": `${height}px` });
  const whole = make("figure", { class: wide ? "wide" : "" }, make("figcaption", {}, title), place, rows ? folded("Numbers", rows) : null);
  drawn.set(place, () => {
    if (!place.querySelector(".plot-container")) place.replaceChildren();
    const { traces, layout } = build();
    const onPaper = document.documentElement.classList.contains("paper");
    const whole = {
      height, autosize: true, ...(onPaper ? { width: place.clientWidth } : {}), margin: { l: 48, r: 12, t: 8, b: 40 }, paper_bgcolor: "transparent", plot_bgcolor: "transparent", hovermode: "closest",
      font: { family: "system-ui, sans-serif", size: 12, color: colour("text") }, showlegend: traces.length > 1,
      legend: { orientation: "h", y: -0.2, yanchor: "top", font: { size: 11 }, itemsizing: "constant" },
      hoverlabel: { bgcolor: colour("card"), bordercolor: colour("muted"), font: { color: colour("text") } },
      ...layout, xaxis: axisStyle(layout.xaxis), yaxis: axisStyle(layout.yaxis),
    };
    return window.Plotly.react(place, traces, whole, { displayModeBar: false, responsive: true });
  });
  return whole;
}

// Draws what is on the page and forgets what no longer is.
function drawFigures() {
  for (const [place, draw] of drawn) {
    if (!place.isConnected) {
      if (ready) window.Plotly.purge(place);
      drawn.delete(place);
    } else if (ready) draw();
    else place.textContent = "Drawing…";
  }
}

function withoutFigures() {
  for (const place of drawn.keys()) place.textContent = "This browser cannot draw the figure; its numbers are below.";
}
