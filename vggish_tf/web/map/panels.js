// Panels: the texts beside the points. They change only their own elements.
import { magma } from "./colours.js";
import { about, clock, nameOf, neighboursOf, pathOf, segments } from "./data.js";
import { splitPath, timeOf } from "./data.js";

const MOST_CLASSES = 200; // lines of the legend
const thousands = (number) => number.toLocaleString("en");

export const element = (id) => document.getElementById(id);
export const counted = (number, noun) => `${thousands(number)} ${noun}${number === 1 ? "" : "s"}`;

function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function swatch(colour) {
  const made = make("span", { className: "swatch" });
  made.style.background = colour;
  return made;
}

/** Fills the head of the page, and the list of facts. */
export function describe(count) {
  const files = counted(about.files.length, "file");
  element("facts").textContent = [
    `${counted(count, "segment")} of ${files}`, about.projection, about.leftOut,
  ].filter(Boolean).join(" · ");
  element("untrained").hidden = !about.untrained;
  element("untrained").textContent =
    "UNTRAINED WEIGHTS: the places of the points and their neighbours mean nothing.";
  const facts = {
    "Weights": about.weights, "Profile": about.profile, "Pooled by": about.pool,
    "Points": `${about.projection}, of rows scaled to length 1`,
    "Neighbours": "by the cosine of rows, as in vggish-tf search",
    "Made by": `vggish-tf ${about.version}`,
  };
  for (const [name, fact] of Object.entries(facts).filter(([, fact]) => fact))
    element("about-list").append(make("dt", { textContent: name }), make("dd", { textContent: fact }));
}

/** Shows the selected segment and its neighbours; `go` is called with a neighbour on a click. */
export function showSegment(number, { className, colourOf, go }) {
  element("hint").hidden = number >= 0;
  element("which").hidden = element("selected").hidden = number < 0;
  if (number < 0) return;
  const [name, folder] = splitPath(pathOf(number));
  element("swatch").style.background = colourOf(number);
  tell("name", name);
  tell("where", [folder, className(number)].filter(Boolean).join(" · "));
  tell("when", timeOf(number));
  showLogMel(number);
  const near = neighboursOf(number);
  element("near-title").hidden = !near.length;
  element("near").replaceChildren(...near.map(([other, cosine]) => line(other, cosine, colourOf, go)));
}

/** Sets a text only if it changes, since a screen reader reads it aloud. */
function tell(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

function line(number, cosine, colourOf, go) {
  const button = make(
    "button",
    { type: "button", title: pathOf(number), onclick: () => go(number) },
    swatch(colourOf(number)),
    make("span", { className: "number", textContent: cosine.toFixed(3) }),
    make("span", { textContent: nameOf(number) }),
    make("span", { className: "number", textContent: clock(segments.start[number]) }),
  );
  return make("li", {}, button);
}

function showLogMel(number) {
  const [width, height] = about.logMel?.shape ?? [0, 0];
  const first = number * width * height;
  const bytes = segments.logMel?.subarray(first, first + width * height);
  const there = bytes?.some((byte) => byte > 0) ?? false;
  element("log-mel").hidden = !there;
  element("no-log-mel").hidden = there;
  element("no-log-mel").textContent = about.logMel
    ? "No log-mel: its sound was not found."
    : "No log-mel: make the map with vggish-tf map --log-mel.";
  if (!there) return;
  paintLogMel(bytes, width, height);
  const [end, start] = [segments.end[number], segments.start[number]];
  [element("low").textContent, element("high").textContent] = about.logMel.hertz.map(
    (hertz) => `${thousands(hertz)} Hz`,
  );
  element("from").textContent = clock(start);
  element("to").textContent = clock(end);
}

/** Draws a log-mel, (frames, bins) of bytes from 1 to 255, with the lowest bin below. */
function paintLogMel(bytes, width, height) {
  const canvas = element("picture");
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  bytes.forEach((byte, at) => {
    const place = 4 * ((height - 1 - (at % height)) * width + Math.floor(at / height));
    image.data.set([...magma((byte - 1) / 254), 255], place);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

let following = 0; // the next call that moves the cursor

/** Shows the state of the player, its message, and its position. */
export function showPlaying(player) {
  element("play").textContent = player.playing ? "Stop" : "Play";
  element("sound").textContent = player.message;
  element("cursor").hidden = !player.playing;
  const follow = () => {
    if (!player.playing) return;
    element("cursor").style.left = `${100 * player.share}%`;
    following = requestAnimationFrame(follow);
  };
  cancelAnimationFrame(following);
  follow();
}

/** Shows a button for each class, the largest first; `toggle` is called with a class on a click. */
export function showLegend(classes, hidden, toggle) {
  const some = classes.slice(0, MOST_CLASSES);
  element("legend").replaceChildren(...some.map((each) => legendLine(each, hidden, toggle)));
  const rest = classes.length - some.length;
  element("more").textContent = rest ? `and ${thousands(rest)} smaller ones` : "";
  element("toggle").textContent = hidden.size ? "Show all" : "Hide all";
}

function legendLine({ number, name, title, count, colour }, hidden, toggle) {
  const button = make(
    "button",
    { type: "button", title, onclick: (event) => toggle(number, event.shiftKey) },
    swatch(colour),
    make("span", { textContent: name }),
    make("span", { className: "number", textContent: thousands(count) }),
  );
  button.setAttribute("aria-pressed", String(!hidden.has(number)));
  return make("li", {}, button);
}

/** Shows the number of segments in the lasso. */
export function showChosen(numbers) {
  element("chosen").hidden = !numbers;
  if (numbers) element("count").textContent = `${counted(numbers.length, "segment")} in the lasso`;
}

/** Shows the number of segments that the search has found. */
export function showMatches(text, found, files) {
  element("matches").textContent = text
    ? `${counted(found, "segment")} in ${counted(files, "file")}`
    : "";
}

/** Shows the name and time of a segment beside the pointer; −1 hides them. */
export function showTip(number, [left, top], view) {
  const tip = element("tip");
  tip.hidden = number < 0;
  if (number < 0) return;
  tip.textContent = `${nameOf(number)}, ${timeOf(number)}`;
  const across = left > view.width / 2 ? `calc(${left - 14}px - 100%)` : `${left + 14}px`;
  tip.style.transform = `translate(${across}, ${Math.min(top + 10, view.height - 40)}px)`;
}
