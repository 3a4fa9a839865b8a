// Gestures: pointers, wheel and keys on the map → calls of functions. They change nothing themselves.

const STILL = 5; // pixels: a shorter drag is a click
const STEP = 60; // pixels; an arrow key moves the map by so many

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Listens to events on the stage; `on` has a function for each action. */
export function listen(stage, on) {
  new Pointers(stage, on);
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const factor = Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002));
      on.zoom(...placeOf(stage, event), factor);
    },
    { passive: false },
  );
  stage.addEventListener("keydown", (event) => event.target === stage && keyOnMap(event, on));
  document.addEventListener("keydown", (event) => keyAnywhere(event, on));
}

function placeOf(stage, event) {
  const box = stage.getBoundingClientRect();
  return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
}

function keyOnMap(event, on) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = ARROWS[event.key];
  if (arrow && event.shiftKey) on.pan(-STEP * arrow[0], -STEP * arrow[1]);
  else if (arrow) on.step(...arrow);
  else if (event.key === "+" || event.key === "=") on.zoomKey(1.5);
  else if (event.key === "-") on.zoomKey(1 / 1.5);
  else if (event.key === "0" || event.key === "Home") on.fit();
  else if (event.key === "Enter" || event.key === " ") on.play();
  else if (event.key === "n" || event.key === "N") on.nearest();
  else return;
  event.preventDefault();
}

function keyAnywhere(event, on) {
  if (event.key === "Escape") on.back();
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  on.search();
}

/** One pointer pans, clicks or draws a lasso; two pinch. */
class Pointers {
  constructor(stage, on) {
    [this.stage, this.on] = [stage, on];
    this.down = new Map(); // pointer → its place
    this.state = "none"; // or "click", "pan", "lasso", "pinch"
    for (const kind of ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave"])
      stage.addEventListener(kind, (event) => this[kind](event));
  }

  pointerdown(event) {
    if (event.target.closest("#tools") || event.button > 0) return;
    this.stage.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, placeOf(this.stage, event));
    if (this.state === "lasso") this.on.lassoEnd(false);
    this.state = this.down.size > 1 ? "pinch" : "click";
    this.from = placeOf(this.stage, event);
    if (this.state === "click" && (event.shiftKey || this.on.isLasso())) {
      this.state = "lasso";
      this.on.lasso(this.from);
    }
    this.on.over(null);
  }

  pointermove(event) {
    const [now, before] = [placeOf(this.stage, event), this.down.get(event.pointerId)];
    if (!before) {
      if (event.pointerType === "mouse") this.on.over(event.target.closest("#tools") ? null : now);
      return;
    }
    if (this.state === "pinch") this.pinch(event.pointerId, now);
    else if (this.state === "lasso") this.on.lasso(now);
    else if (this.state === "pan" || distance(now, this.from) > STILL) {
      const last = this.state === "pan" ? before : this.from;
      this.state = "pan";
      this.stage.classList.add("panning");
      this.on.pan(now[0] - last[0], now[1] - last[1]);
    }
    this.down.set(event.pointerId, now);
  }

  pinch(id, now) {
    const [other] = [...this.down].filter(([each]) => each !== id).map(([, place]) => place);
    const before = this.down.get(id);
    const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    const [from, to] = [middle(before, other), middle(now, other)];
    this.on.pan(to[0] - from[0], to[1] - from[1]);
    this.on.zoom(...to, distance(now, other) / Math.max(distance(before, other), 1));
  }

  pointerup(event) {
    if (!this.down.delete(event.pointerId)) return;
    if (this.state === "click") this.on.click(this.from, event.pointerType);
    if (this.state === "lasso") this.on.lassoEnd(true);
    this.rest();
  }

  pointercancel(event) {
    this.down.delete(event.pointerId);
    if (this.state === "lasso") this.on.lassoEnd(false);
    this.rest();
  }

  pointerleave() {
    this.on.over(null);
  }

  /** After a pinch, the remaining finger pans. */
  rest() {
    this.state = this.down.size ? "pan" : "none";
    this.stage.classList.remove("panning");
  }
}

function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
