// Everything once, again when something is chosen, and in other colours when the theme changes.
function drawAll() {
  drawChoices();
  drawHeatMaps();
  drawLanguages();
  drawCosts();
  drawLearning();
  drawGroups();
  drawEfficiency();
  drawAgreement();
  drawStages();
  drawFigures();
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";

function showTheme() {
  find("theme").setAttribute("aria-pressed", String(isDark()));
  drawFigures();
}

find("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  showTheme();
});
dark.addEventListener("change", showTheme);

// Paper is light and as wide as it is, which figures have to be told before, and nothing on it can be unfolded.
const folds = new Map();
let before;
addEventListener("beforeprint", () => {
  before = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  document.documentElement.classList.add("paper");
  document.querySelectorAll("details.arm").forEach((one) => { folds.set(one, one.open); one.open = true; });
  drawFigures();
});
addEventListener("afterprint", () => {
  document.documentElement.classList.remove("paper");
  if (before) document.documentElement.dataset.theme = before;
  else delete document.documentElement.dataset.theme;
  folds.forEach((open, one) => (one.open = open));
  folds.clear();
  drawFigures();
});

listeners.push(drawAll);
function fromAddress() {
  readAddress();
  drawAll();
  if (chosen.cell) openPanel(Number(chosen.cell));
  else if (find("panel").open) find("panel").close();
}
addEventListener("hashchange", fromAddress);
fromAddress();
showTheme();
unpackLibrary().then(drawFigures).catch(withoutFigures).finally(() => (document.documentElement.dataset.drawn = String(ready)));
