// Looks: the visible points and their colours, by classes, a search and a lasso.
import { category } from "./colours.js";
import { about, count, segments, splitPath } from "./data.js";

const FAINT = 40; // alpha of points that a search or a lasso leaves out

export class Looks {
  /** `changed` is called after the colours have changed. */
  constructor(painter, changed) {
    [this.painter, this.changed] = [painter, changed];
    [this.classes, this.hidden] = [[], new Set()]; // of the chosen kind
    this.matches = null; // for each file, whether it matches the search; null without a search
    this.chosen = null; // the segments of the lasso; null without one
    this.colours = new Uint8Array(4 * count);
    this.mixed = shuffled(count); // so that no class is painted on top of all others
  }

  isHidden = (number) => this.hidden.has(this.classOf[number]);
  isMatch = (number) => !this.matches || this.matches[segments.file[number]] === 1;
  canBePicked = (number) => !this.isHidden(number) && this.isMatch(number);
  colourOf = (number) => this.palette[this.classOf[number]];
  className = (number) =>
    this.kind === "file" ? "" : about.classes[this.kind][this.classOf[number]];

  /** Colours the points by folder, label or file; the largest class is the first, all are shown. */
  colourBy(kind) {
    const names = about.classes[kind] ?? about.files;
    [this.kind, this.classOf] = [kind, kind === "file" ? segments.file : segments[kind]];
    const sizes = new Uint32Array(names.length);
    for (const number of this.classOf) sizes[number]++;
    const order = [...names.keys()].filter((number) => sizes[number]);
    order.sort((a, b) => sizes[b] - sizes[a] || (names[a] < names[b] ? -1 : 1));
    this.palette = Array(names.length);
    this.classes = order.map((number, rank) => {
      const [colour, title] = [category(rank), names[number]];
      this.palette[number] = colour;
      const name = kind === "file" ? splitPath(title)[0] : title;
      return { number, name, title, count: sizes[number], colour };
    });
    this.hide(new Set());
  }

  /** Hides these classes, by their numbers, and shows the others. */
  hide(hidden) {
    this.hidden = hidden;
    this.recolour();
  }

  /** Sets the segments of a lasso; null removes it. */
  choose(numbers) {
    this.chosen = numbers;
    this.recolour();
  }

  /** Searches for a part of a path; returns the numbers of segments and files with it. */
  search(text) {
    const plain = (each) => each.normalize("NFC").toLowerCase();
    const part = plain(text);
    const isIn = (path) => Number(plain(path).includes(part));
    this.matches = part ? Uint8Array.from(about.files, isIn) : null;
    this.recolour();
    if (!this.matches) return [0, 0];
    const files = this.matches.reduce((sum, match) => sum + match, 0);
    return [segments.file.filter((file) => this.matches[file]).length, files];
  }

  /** Gives the colours to the painter; points in full colour are painted on top of faint ones. */
  recolour() {
    const chosen = this.chosen && new Set(this.chosen);
    const bytes = this.palette.map((hex) =>
      [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)),
    );
    const [faint, full] = [[], []];
    for (const number of this.mixed) {
      if (this.isHidden(number)) continue;
      const isFaint = !this.isMatch(number) || (chosen && !chosen.has(number));
      (isFaint ? faint : full).push(number);
      this.colours.set(bytes[this.classOf[number]], 4 * number);
      this.colours[4 * number + 3] = isFaint ? FAINT : 255;
    }
    this.painter.colour(this.colours, Uint32Array.from(faint.concat(full)));
    this.changed();
  }
}

/** 0, 1, 2 … in a random order, which is the same each time. */
function shuffled(length) {
  const order = Uint32Array.from({ length }, (_, at) => at);
  let random = 1;
  for (let at = length - 1; at > 0; at--) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((random / 2 ** 32) * (at + 1));
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}
