// The map of sounds: its state, and the actions of gestures and panels.
//
// window.vggishMap, at the end, is for scripts and tests.
import { about, count, csvOf, neighboursOf, segments } from "./data.js";
import { listen } from "./gestures.js";
import { Grid } from "./grid.js";
import { Looks } from "./looks.js";
import { Marks } from "./marks.js";
import { painterFor } from "./painter.js";
import { describe, element, showChosen, showLegend, showMatches, showPlaying } from "./panels.js";
import { showSegment, showTip } from "./panels.js";
import { Player } from "./player.js";
import { saveAs } from "./save.js";
import { View } from "./view.js";

const REACH = { mouse: 8, touch: 20, pen: 12 }; // pixels around a pointer

const stage = element("stage");
const { x, y } = segments;
const view = new View(x, y);
const grid = new Grid(x, y, view.bounds);
const painter = painterFor(element("points"), x, y);
const place = (number) => view.toScreen(x[number], y[number]);
const marks = new Marks(element("marks"), view, place);
const player = new Player(element("audio"), () => showPlaying(player));

const state = { selected: -1, over: -1, lasso: [], isLasso: false };
const looks = new Looks(painter, repaint);
const { canBePicked, colourOf } = looks;

// Colours and what is shown.

function colourBy(kind) {
  looks.colourBy(kind);
  showClasses();
}

function showClasses() {
  showLegend(looks.classes, looks.hidden, toggle);
  showSelected();
}

function toggle(number, alone) {
  const others = looks.classes.map((each) => each.number).filter((each) => each !== number);
  const hidden = new Set(alone ? others : looks.hidden);
  if (!alone && !hidden.delete(number)) hidden.add(number);
  looks.hide(hidden);
  showClasses();
  const line = looks.classes.findIndex((each) => each.number === number);
  element("legend").querySelectorAll("button")[line]?.focus();
}

function hideAllOrNone() {
  looks.hide(new Set(looks.hidden.size ? [] : looks.classes.map((each) => each.number)));
  showClasses();
}

// Painting, once a frame.

let asked = false;

function repaint() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    paint();
  });
}

function paint() {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  for (const canvas of [element("points"), element("marks")]) {
    const size = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  }
  painter.paint(view, radius(), ratio);
  const near = state.selected < 0 ? [] : neighboursOf(state.selected).map(([other]) => other);
  marks.paint({
    selected: state.selected, over: state.over, lasso: state.lasso, ratio, radius: radius(),
    near: near.filter((number) => !looks.isHidden(number)), colour: colourOf,
  });
}

/** The radius of points, in pixels: smaller if there are many, larger after zooming in. */
function radius() {
  const many = count <= 300 ? 6 : count <= 3000 ? 4.5 : count <= 20000 ? 3 : 2.2;
  return many * Math.min(Math.max(view.zoom ** 0.25, 1), 2.5);
}

function resize() {
  const first = view.width === 1;
  view.resize(stage.clientWidth, stage.clientHeight);
  if (first) view.fit();
  paint();
}

// Actions.

function select(number, play = true) {
  state.selected = number;
  if (number >= 0) view.reveal(x[number], y[number]);
  player.stop();
  player.message = "";
  if (number >= 0 && play) player.play(number);
  showSelected();
  showPlaying(player);
  repaint();
}

function showSelected() {
  showSegment(state.selected, { className: looks.className, colourOf, go: goTo });
}

/** Selects a neighbour, and keeps the focus in the list. */
function goTo(number) {
  select(number, element("at-once").checked);
  element("near").querySelector("button")?.focus();
}

const picked = ([left, top], reach) =>
  grid.nearest(...view.toPlane(left, top), Math.max(radius() + 3, reach) / view.scale, canBePicked);

/** The nearest point in a direction; distance across the direction counts three times. */
function neighbourOnScreen(right, down) {
  const from = state.selected < 0 ? [view.width / 2, view.height / 2] : place(state.selected);
  let [best, least] = [-1, Infinity];
  for (let number = 0; number < count; number++) {
    if (number === state.selected || !canBePicked(number)) continue;
    const [left, top] = place(number);
    const [across, along] = [left - from[0], top - from[1]];
    const ahead = across * right + along * down;
    if (state.selected >= 0 && ahead <= 0) continue;
    const aside = Math.abs(across * down + along * right);
    const away = state.selected < 0 ? Math.hypot(across, along) : Math.hypot(ahead, 3 * aside);
    if (away < least) [best, least] = [number, away];
  }
  return best;
}

function setLasso(isLasso) {
  state.isLasso = isLasso;
  element("lasso").setAttribute("aria-pressed", String(isLasso));
  stage.classList.toggle("drawing", isLasso);
}

function choose(numbers) {
  if (!numbers) state.lasso = [];
  showChosen(numbers);
  looks.choose(numbers);
}

function search() {
  const text = element("search").value.trim();
  showMatches(text, ...looks.search(text));
}

/** The next segment that the search has found. */
function nextMatch() {
  for (let step = 1; step <= count; step++) {
    const number = (state.selected + step) % count;
    if (looks.matches && canBePicked(number)) return select(number, element("at-once").checked);
  }
}

function save() {
  saveAs("segments.csv", "text/csv", csvOf(looks.chosen));
}

/** Undoes one thing: a lasso, a search, a selection. */
function back() {
  if (state.isLasso || state.lasso.length || looks.chosen) [setLasso(false), choose(null)];
  else if (element("search").value) [(element("search").value = ""), search()];
  else select(-1);
}

function play() {
  if (player.playing) player.stop();
  else if (state.selected >= 0) player.play(state.selected);
}

listen(stage, {
  isLasso: () => state.isLasso,
  pan: (right, down) => [view.panBy(right, down), repaint()],
  zoom: (...how) => [view.zoomAt(...how), repaint()],
  zoomKey: (factor) => [view.zoomAt(view.width / 2, view.height / 2, factor), repaint()],
  fit: () => [view.fit(), repaint()],
  click: (at, kind) => select(picked(at, REACH[kind] ?? 8), element("at-once").checked),
  step(right, down) {
    const number = neighbourOnScreen(right, down);
    if (number >= 0) select(number, element("at-once").checked);
  },
  nearest() {
    const [first] = state.selected < 0 ? [] : neighboursOf(state.selected);
    if (first) select(first[0], element("at-once").checked);
  },
  over(at) {
    const number = at ? picked(at, REACH.mouse) : -1;
    showTip(number, at ?? [0, 0], view);
    stage.classList.toggle("over", number >= 0);
    if (number !== state.over) [(state.over = number), repaint()];
  },
  lasso(at) {
    if (looks.chosen) choose(null);
    state.lasso.push(view.toPlane(...at));
    repaint();
  },
  lassoEnd(whole) {
    setLasso(false);
    const enough = whole && state.lasso.length > 2;
    choose(enough ? grid.inside(state.lasso, canBePicked) : null);
  },
  play, back,
  search: () => element("search").focus(),
});

element("lasso").onclick = () => setLasso(!state.isLasso);
element("nearer").onclick = () => [view.zoomAt(view.width / 2, view.height / 2, 1.5), repaint()];
element("farther").onclick = () => [view.zoomAt(view.width / 2, view.height / 2, 1 / 1.5), repaint()];
element("whole").onclick = () => [view.fit(), repaint()];
element("play").onclick = play;
element("save").onclick = save;
element("clear").onclick = () => choose(null);
element("search").oninput = search;
element("search").addEventListener("keydown", (event) => event.key === "Enter" && nextMatch());
element("colour").onchange = (event) => colourBy(event.target.value);
element("toggle").onclick = hideAllOrNone;

const kinds = [...Object.keys(about.classes), "file"];
element("colour").append(...kinds.map((kind) => new Option(kind, kind)));
const useful = ["label", "folder", "file"].find((kind) => (about.classes[kind] ?? about.files).length > 1);
element("colour").value = useful && kinds.includes(useful) ? useful : "folder";
describe(count);
stage.setAttribute("aria-label", `Map of ${count} segments`);
colourBy(element("colour").value);
new ResizeObserver(resize).observe(stage);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
resize();

/**
 * For scripts and tests. Numbers are those of segments, in the order of the archive.
 *
 *   place(number)        the place of a segment: { x, y } in pixels of the window
 *   select(number)       selects a segment, like a click
 *   neighbours(number)   [[number, cosine], …]
 *   state()              the selected segment, those in the lasso, and those that are shown
 *   pan(right, down)     moves the map and paints it immediately
 */
window.vggishMap = {
  count,
  painter: painter.name,
  place(number) {
    const [[left, top], box] = [place(number), stage.getBoundingClientRect()];
    return { x: box.left + stage.clientLeft + left, y: box.top + stage.clientTop + top };
  },
  select: (number) => select(number, element("at-once").checked),
  neighbours: neighboursOf,
  state: () => ({
    selected: state.selected, chosen: looks.chosen, playing: player.playing,
    shown: [...segments.file.keys()].filter(canBePicked),
  }),
  pan: (right, down) => [view.panBy(right, down), paint()],
};
