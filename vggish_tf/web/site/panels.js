// Panels: a picture for each stage, in the colours and units of `vggish-tf inspect`.

import { MARGIN, colourBar, prepare, theme, timeAxis, upAxis } from "./axes.js";
import { magma, signed } from "./colours.js";
import { Track, furthest } from "./track.js";

const COLUMNS = 960; // of a picture: 9.6 s of a microphone
const DECIBELS = 80; // the range of the colours
const SILENCE = -200; // dB
const CLOSEST = 12; // pixels between the lines of examples; closer lines become ticks
const TICK = 5; // pixels

/** One stage: rows over time. */
class Panel {
  constructor(canvas, { rows, colours, unit, name, ticks, range, reduce }) {
    Object.assign(this, { canvas, rows, colours, unit, name, ticks, range, reduce });
    this.cursor = document.createElement("div");
    this.cursor.className = "cursor";
    canvas.after(this.cursor);
    this.start();
  }

  start(numFrames) {
    this.track = new Track(this.rows, COLUMNS, numFrames);
    this.dirty = true;
  }

  put(frame, values) {
    this.track.put(frame, values, this.reduce);
    this.dirty = true;
  }

  draw(marks) {
    this.dirty = false;
    this.colour = this.colours?.(matchMedia("(prefers-color-scheme: dark)").matches);
    const place = prepare(this.canvas), colours = theme(this.canvas), limits = this.range(this.track);
    this.paint(place, limits, colours);
    const [first, last] = this.track.frames();
    upAxis(place, this.ticks(limits), this.name, colours);
    timeAxis(place, first * marks.seconds, last * marks.seconds, colours);
    if (this.colour) colourBar(place, this.colour, limits, this.unit, colours);
    this.decorate?.(place, marks);
    place.context.strokeStyle = colours.line;
    place.context.strokeRect(place.box.left, place.box.top, place.box.width, place.box.height);
  }

  // moves a line over the picture, which is not redrawn
  pointTo(frame) {
    const [first, last] = this.track.frames(), width = this.canvas.clientWidth - MARGIN.left - MARGIN.right;
    this.cursor.hidden = frame === null || frame < first || frame > last;
    const x = this.canvas.offsetLeft + MARGIN.left + ((frame - first) / (last - first)) * width;
    const style = { left: `${x}px`, top: `${this.canvas.offsetTop + MARGIN.top}px` };
    Object.assign(this.cursor.style, style, { height: `${this.canvas.clientHeight - MARGIN.top - MARGIN.bottom}px` });
  }

  paint({ context, box }, [low, high]) {
    const { track, rows } = this, image = new ImageData(track.columns, rows);
    for (let x = 0; x < track.columns; x++) {
      const values = track.at(track.first + x);
      if (values) this.#paintColumn(image, x, values, low, high);
    }
    this.buffer ??= document.createElement("canvas");
    Object.assign(this.buffer, { width: track.columns, height: rows });
    this.buffer.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = track.columns * 2 > box.width;
    context.drawImage(this.buffer, box.left, box.top, box.width, box.height);
  }

  #paintColumn(image, x, values, low, high) {
    for (let row = 0; row < this.rows; row++) {
      const rgb = this.colour((values[row] - low) / (high - low));
      const at = 4 * ((this.rows - 1 - row) * image.width + x);
      for (let c = 0; c < 3; c++) image.data[at + c] = rgb[c];
      image.data[at + 3] = 255;
    }
  }
}

class WaveformPanel extends Panel {
  put(frame, [low, high]) {
    super.put(frame, [-low, high]); // so that the largest of several gives both extremes
  }

  paint({ context, box }, [, limit], colours) {
    const { track } = this, middle = box.top + box.height / 2, scale = box.height / 2 / limit;
    context.fillStyle = colours.text;
    for (let x = 0; x < track.columns; x++) {
      const values = track.at(track.first + x);
      if (!values) continue;
      const top = middle - values[1] * scale, height = (values[0] + values[1]) * scale;
      context.fillRect(box.left + (x / track.columns) * box.width, top, Math.max(1, box.width / track.columns), Math.max(1, height));
    }
  }
}

class ExamplesPanel extends Panel {
  decorate({ context, box }, { examples }) {
    const [first, last] = this.track.frames();
    const step = ((examples[1] - examples[0]) / (last - first)) * box.width; // pixels
    context.fillStyle = "#ffffffb0";
    for (const start of examples) {
      if (start < first || start >= last) continue;
      const x = box.left + ((start - first) / (last - first)) * box.width;
      context.fillRect(x, box.top, 1, step < CLOSEST ? TICK : box.height);
    }
  }
}

/** The pictures of all stages, on canvases by the names of the stages. */
export class Panels {
  constructor(canvases, params) {
    this.params = params;
    this.seconds = params.hop_length / params.sample_rate; // of a frame
    this.panels = makePanels(canvases, params);
    this.marks = { seconds: this.seconds, examples: [] };
  }

  start(numFrames) {
    Object.values(this.panels).forEach((panel) => panel.start(numFrames));
    this.marks.examples = [];
    this.pointed = undefined;
  }

  frames({ first, count, extremes, magnitude, mel, logMel }) {
    const decibels = magnitude.map(this.#decibels());
    const parts = { waveform: extremes, stft: decibels, mel, log_mel: logMel };
    for (const [name, values] of Object.entries(parts)) {
      const panel = this.panels[name];
      for (let i = 0; i < count; i++) panel.put(first + i, values.subarray(i * panel.rows, (i + 1) * panel.rows));
    }
  }

  // shows an embedding over the frames up to the next example
  embedding(start, hop, values) {
    const [first] = this.panels.log_mel.track.frames();
    this.marks.examples = [...this.marks.examples.filter((each) => each >= first), start];
    this.panels.log_mel.dirty = true;
    for (let frame = start; frame < start + hop; frame++) this.panels.embedding.put(frame, values);
  }

  /** Moves the line to a frame; null hides it. It is called at each redraw of the screen. */
  pointTo(frame) {
    if (frame === this.pointed) return;
    this.pointed = frame;
    Object.values(this.panels).forEach((panel) => panel.pointTo(frame));
  }

  refresh() {
    this.pointed = undefined; // so that the line is placed again
    Object.values(this.panels).forEach((panel) => { panel.dirty = true; });
  }

  draw() {
    const panels = Object.values(this.panels), { last } = this.panels.log_mel.track;
    for (const { track } of panels.filter((panel) => panel.track.last < last && panel.track.endless)) {
      track.reach(last); // all have one time axis, although embeddings come later
      this.panels.embedding.dirty = true;
    }
    panels.filter((panel) => panel.dirty).forEach((panel) => panel.draw(this.marks));
  }

  // relative to a full-scale sine, whose magnitude is half the sum of the window
  #decibels() {
    const full = this.params.window_length / 4;
    return (value) => Math.max(SILENCE, 20 * Math.log10(value / full));
  }
}

function makePanels(canvases, params) {
  const { num_mel_bins: bins, peak_hertz: peaks, sample_rate: rate, log_offset: offset } = params;
  const kilohertz = (hertz) => `${Number((hertz / 1000).toPrecision(2))} kHz`;
  const melTicks = () => [0, 0.25, 0.5, 0.75, 1].map((share) => [
    Math.min(0.97, Math.max(0.03, share)), kilohertz(peaks[Math.round(share * (bins - 1))])]);
  const upTo = (least) => ({ highest }) => [0, Math.max(least, highest)];
  return {
    waveform: new WaveformPanel(canvases.waveform, {
      rows: 2, name: "amplitude", range: ({ highest }) => [0, Math.max(0.01, highest) * 1.05],
      ticks: ([, limit]) => [[0.5, "0"], [0.95, (limit * 0.9).toPrecision(2)], [0.05, (-limit * 0.9).toPrecision(2)]],
    }),
    stft: new Panel(canvases.stft, {
      rows: params.fft_length / 2 + 1, colours: () => magma, unit: "dBFS", name: "frequency",
      range: ({ highest }) => [Math.max(SILENCE, highest) - DECIBELS, Math.max(SILENCE, highest)],
      ticks: () => [0.03, 0.25, 0.5, 0.75, 0.97].map((share) => [share, kilohertz((Math.round(share * 4) / 4) * (rate / 2))]),
    }),
    mel: new Panel(canvases.mel, {
      rows: bins, colours: () => magma, unit: "magnitude", name: "mel bin · peak", range: upTo(0.1), ticks: melTicks,
    }),
    log_mel: new ExamplesPanel(canvases.log_mel, {
      rows: bins, colours: () => magma, unit: `ln(mel + ${offset})`, name: "mel bin · peak", ticks: melTicks,
      range: ({ highest }) => [Math.log(offset), Math.max(Math.log(offset) + 1, highest)],
    }),
    embedding: new Panel(canvases.embedding, {
      rows: 128, colours: signed, unit: "value", name: "number", reduce: furthest,
      range: ({ values }) => symmetric(values), ticks: () => [[0.03, "0"], [0.5, "64"], [0.97, "127"]],
    }),
  };
}

function symmetric(values) {
  let largest = 0;
  for (const value of values) if (Math.abs(value) > largest) largest = Math.abs(value);
  return largest ? [-largest, largest] : [-1, 1];
}
