// Axes of a picture on a canvas: margins, ticks with units, a colour bar. Nothing is computed here.

export const MARGIN = { left: 76, right: 66, top: 8, bottom: 20 };
const FONT = "12px system-ui, sans-serif";
const BAR = 12; // pixels

/** Fits the size of a canvas to its place on the page; returns its context and the box inside. */
export function prepare(canvas) {
  const scale = globalThis.devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = FONT;
  const box = {
    left: MARGIN.left, top: MARGIN.top,
    width: Math.max(1, width - MARGIN.left - MARGIN.right),
    height: Math.max(1, height - MARGIN.top - MARGIN.bottom),
  };
  return { context, box };
}

/** The colours of the page, from style.css. */
export function theme(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  return { text: colour("--text"), faint: colour("--faint"), line: colour("--line") };
}

/** Draws ticks on the left, [[share of the height from below, label]], and the name of the axis. */
export function upAxis({ context, box }, ticks, name, colours) {
  context.fillStyle = colours.text;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const [share, label] of ticks) context.fillText(label, box.left - 6, box.top + (1 - share) * box.height);
  context.save();
  context.translate(11, box.top + box.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillStyle = colours.faint;
  context.fillText(name, 0, 0);
  context.restore();
}

/** Draws seconds below: round numbers, as many as fit. */
export function timeAxis({ context, box }, start, end, colours) {
  const step = niceStep((end - start) / Math.max(2, box.width / 60));
  context.fillStyle = colours.text;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (let time = Math.ceil(start / step) * step; time <= end + 1e-9; time += step) {
    const x = box.left + ((time - start) / (end - start)) * box.width;
    context.fillText(`${Number(time.toFixed(3))} s`, x, box.top + box.height + 4);
  }
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}

/** Draws a colour bar on the right, with the numbers at its ends and a unit. */
export function colourBar({ context, box }, colour, [low, high], unit, colours) {
  const left = box.left + box.width + 8, steps = Math.round(box.height);
  for (let i = 0; i < steps; i++) {
    const [red, green, blue] = colour((i + 0.5) / steps);
    context.fillStyle = `rgb(${red},${green},${blue})`;
    context.fillRect(left, box.top + box.height - ((i + 1) * box.height) / steps, BAR, box.height / steps + 0.5);
  }
  context.fillStyle = colours.text;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(short(high), left + BAR + 4, box.top + 5);
  context.fillText(short(low), left + BAR + 4, box.top + box.height - 5);
  context.fillStyle = colours.faint;
  context.save();
  context.translate(left + BAR + 10, box.top + box.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(unit, 0, 0);
  context.restore();
}

/** A number with two or three digits. */
export function short(number) {
  if (!Number.isFinite(number)) return "–";
  if (number && Math.abs(number) < 1e-3) return number.toExponential(1);
  return String(Number(number.toPrecision(number >= 100 || number <= -100 ? 3 : 2)));
}
