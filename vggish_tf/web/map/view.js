// View: the part of the plane that is on the screen. Units: CSS pixels of the stage, y down.

const MARGIN = 28; // pixels around all points
const CLOSEST = 1e6; // times nearer than the whole

export class View {
  constructor(x, y) {
    const [left, right] = extent(x);
    const [low, high] = extent(y);
    this.bounds = { left, right, low, high };
    this.width = this.height = 1;
    this.scale = this.whole = 1; // pixels for a unit of the plane: now, and with all points in view
    this.x = this.y = 0; // the point in the middle
  }

  resize(width, height) {
    const zoom = this.zoom;
    [this.width, this.height] = [width, height];
    this.whole = this.scaleOfAll();
    this.scale = this.whole * zoom;
  }

  get zoom() {
    return this.scale / this.whole;
  }

  scaleOfAll() {
    const { left, right, low, high } = this.bounds;
    const room = (size) => Math.max(size - 2 * MARGIN, 1);
    const scales = [room(this.width) / (right - left), room(this.height) / (high - low)];
    const scale = Math.min(...scales.filter(Number.isFinite));
    return Number.isFinite(scale) ? scale : 1; // all points have the same place
  }

  fit() {
    const { left, right, low, high } = this.bounds;
    this.scale = this.whole;
    [this.x, this.y] = [(left + right) / 2, (low + high) / 2];
  }

  toScreen(x, y) {
    return [
      this.width / 2 + (x - this.x) * this.scale,
      this.height / 2 - (y - this.y) * this.scale,
    ];
  }

  toPlane(left, top) {
    return [
      this.x + (left - this.width / 2) / this.scale,
      this.y - (top - this.height / 2) / this.scale,
    ];
  }

  panBy(right, down) {
    this.x -= right / this.scale;
    this.y += down / this.scale;
  }

  /** Zooms, and keeps the point at a place on the screen there. */
  zoomAt(left, top, factor) {
    const [x, y] = this.toPlane(left, top);
    const zoom = Math.min(Math.max(this.zoom * factor, 0.2), CLOSEST);
    this.scale = this.whole * zoom;
    const [now, below] = this.toScreen(x, y);
    this.panBy(left - now, top - below);
  }

  /** Moves the view if a point is not on the screen or is too close to its edge. */
  reveal(x, y) {
    const [left, top] = this.toScreen(x, y);
    const inside = (at, size) => at > MARGIN && at < size - MARGIN;
    if (inside(left, this.width) && inside(top, this.height)) return;
    [this.x, this.y] = [x, y];
  }
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
