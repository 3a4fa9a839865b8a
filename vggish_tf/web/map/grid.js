// Grid: points in square cells of the plane, so that those near a place are found without examining
// all points.

const POINTS_A_CELL = 2;
const MOST_CELLS = 1024; // along a side

export class Grid {
  constructor(x, y, bounds) {
    [this.x, this.y, this.bounds] = [x, y, bounds];
    const [width, height] = [bounds.right - bounds.left, bounds.high - bounds.low];
    const size = Math.sqrt((width * height * POINTS_A_CELL) / x.length);
    this.size = Math.max(size, Math.max(width, height) / MOST_CELLS) || 1;
    this.columns = Math.floor(width / this.size) + 1;
    this.rows = Math.floor(height / this.size) + 1;
    this.sort();
  }

  /** Sorts the points by their cells, by counting. */
  sort() {
    const cell = Uint32Array.from(this.x, (x, at) => this.cellOf(x, this.y[at]));
    this.first = new Uint32Array(this.columns * this.rows + 1);
    for (const each of cell) this.first[each + 1]++;
    for (let at = 1; at < this.first.length; at++) this.first[at] += this.first[at - 1];
    const next = this.first.slice();
    this.points = new Uint32Array(cell.length);
    cell.forEach((each, number) => (this.points[next[each]++] = number));
  }

  column(x) {
    const column = Math.floor((x - this.bounds.left) / this.size);
    return Math.max(0, Math.min(this.columns - 1, column));
  }

  row(y) {
    const row = Math.floor((y - this.bounds.low) / this.size);
    return Math.max(0, Math.min(this.rows - 1, row));
  }

  cellOf(x, y) {
    return this.row(y) * this.columns + this.column(x);
  }

  /** Calls `visit` with each point in the cells that a box touches. */
  inBox(left, right, low, high, visit) {
    const [from, to] = [this.column(left), this.column(right)];
    for (let row = this.row(low); row <= this.row(high); row++) {
      const last = this.first[row * this.columns + to + 1];
      for (let at = this.first[row * this.columns + from]; at < last; at++) visit(this.points[at]);
    }
  }

  /** The accepted point nearest to a place, within a distance; −1 for none. */
  nearest(x, y, distance, accepts) {
    let [best, least] = [-1, distance * distance];
    this.inBox(x - distance, x + distance, y - distance, y + distance, (point) => {
      const away = (this.x[point] - x) ** 2 + (this.y[point] - y) ** 2;
      if (away <= least && (away < least || best < 0) && accepts(point)) [best, least] = [point, away];
    });
    return best;
  }

  /** The accepted points inside a polygon [[x, y], …], by the even-odd rule, in order. */
  inside(polygon, accepts) {
    const [xs, ys] = [polygon.map(([x]) => x), polygon.map(([, y]) => y)];
    const box = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const found = [];
    this.inBox(...box, (point) => {
      if (accepts(point) && isInside(this.x[point], this.y[point], polygon)) found.push(point);
    });
    return found.sort((a, b) => a - b);
  }
}

function isInside(x, y, polygon) {
  let inside = false;
  for (let at = 0, last = polygon.length - 1; at < polygon.length; last = at++) {
    const [[ax, ay], [bx, by]] = [polygon[at], polygon[last]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}
