// Listener: one stream of sound at a time → frames for the pictures, examples for the network, rows.

import { short } from "./axes.js";
import { AT_ONCE } from "./network.js";

const MOST_WAITING = 3; // examples of a microphone; a slow machine drops the oldest
const BLOCK = 1 << 16; // samples of a file in one message
const MOST_AHEAD = 32; // examples of a file; the rest of the file waits
const MOST_ROWS = 5000; // of a microphone; the oldest are dropped

export class Listener {
  constructor(params, network, panels) {
    Object.assign(this, { params, network, panels });
    this.onrow = this.onfinished = this.onerror = () => {};
    this.worker = new Worker(new URL("./sound_worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this[`_${data.type}`](data);
    this.ready = this.#started(); // resolves once the front end is made
    this.worker.postMessage({ type: "params", params });
    this.released = []; // for each release() that waits
    this.run = 0;
    this.#reset({ rate: params.sample_rate, hop: params.example_hop_frames, live: false });
  }

  /** Begins a new stream; the current one is dropped. */
  start(about) {
    this.#reset(about);
    this.panels.start(about.numFrames);
    this.worker.postMessage({ type: "start", rate: about.rate, hop: about.hop, run: this.run });
  }

  push(samples) {
    this.worker.postMessage({ type: "samples", samples, arrived: performance.now() }, [samples.buffer]);
  }

  /** Drops the current stream; its rows so far are kept. */
  stop() {
    this.run++;
    Object.assign(this, { live: false, busy: false, waiting: [], source: null });
    this.resolve?.(this.rows);
    this.resolve = null;
  }

  /** Embeds a whole sound {samples, rate}; resolves with all its rows. */
  all({ samples, rate }, hop) {
    const { sample_rate: target, hop_length: step, window_length: window } = this.params;
    const resampled = Math.round((samples.length * target) / rate);
    const numFrames = Math.max(1, 1 + Math.floor((resampled - window) / step));
    this.start({ rate, hop, live: false, numFrames });
    this.source = { samples, at: 0 };
    this.#feed();
    return new Promise((resolve) => { this.resolve = resolve; });
  }

  /** Starts to keep the sound; release() resolves with it, as examples that overlap by half. */
  hold() {
    this.worker.postMessage({ type: "hold" });
  }

  release() {
    this.worker.postMessage({ type: "release" });
    return new Promise((resolve) => { this.released.push(resolve); });
  }

  /** Rates, times and latency, as text. */
  figures() {
    const { hop_length: step, sample_rate: target } = this.params, hop = (this.hop * step) / target;
    const parts = [`${this.rate.toLocaleString("en")} Hz → ${target.toLocaleString("en")} Hz`];
    if (this.computed) {
      const seconds = this.milliseconds / 1000 / this.computed;
      parts.push(`${short(seconds)} s an example: ${short(hop / seconds)} times real time`);
    }
    if (this.live && this.latency) parts.push(`${this.latency.toFixed(2)} s from the sound to its embedding`);
    if (this.skipped) parts.push(`examples left out, since the network is slower than the sound: ${this.skipped}`);
    return parts.join(" · ");
  }

  #started() {
    return new Promise((resolve, reject) => {
      this._ready = resolve;
      this.worker.onerror = ({ message }) => {
        const error = new Error(`The front end failed: ${message || "sound_worker.js cannot be started."}`);
        reject(error);
        this.#fail(error);
      };
    });
  }

  #reset({ rate, hop, live }) {
    this.stop();
    Object.assign(this, { rate, hop, live, rows: [], ended: false, fed: true });
    Object.assign(this, { milliseconds: 0, computed: 0, skipped: 0, latency: 0 });
  }

  _frames(message) {
    if (message.run === this.run) this.panels.frames(message);
  }

  _example(message) {
    if (message.run !== this.run || this.network.failed) return;
    this.waiting.push(message);
    while (this.live && this.waiting.length > MOST_WAITING) {
      this.waiting.shift();
      this.skipped++;
    }
    this.#next();
  }

  _held({ examples }) {
    this.released.shift()(examples);
  }

  _taken({ run }) {
    if (run !== this.run) return;
    this.fed = true;
    this.#feed();
  }

  // Sends the next block of a file, if the last one is done and the network is not far behind.
  #feed() {
    if (!this.source || !this.fed || this.waiting.length > MOST_AHEAD) return;
    const { samples, at } = this.source;
    if (at < samples.length) {
      this.source.at += BLOCK;
      this.fed = false;
      return this.push(samples.slice(at, at + BLOCK));
    }
    this.source = null;
    this.worker.postMessage({ type: "finish" });
  }

  _finished({ run }) {
    if (run !== this.run) return;
    this.ended = true;
    this.#next();
  }

  async #next() {
    if (this.busy) return;
    if (!this.waiting.length) return this.ended && this.#finish();
    const { run } = this, batch = this.waiting.splice(0, this.live ? 1 : AT_ONCE);
    this.busy = true;
    try {
      const { rows, milliseconds } = await this.network.embedAll(batch.map(({ values }) => values));
      if (run !== this.run) return; // another stream has begun
      this.busy = false;
      this.milliseconds += milliseconds;
      this.computed += batch.length;
      batch.forEach((example, i) => this.#give(example, rows[i]));
    } catch (error) {
      return run === this.run && this.#fail(new Error(`The network failed: ${error.message}`));
    }
    this.#feed();
    this.#next();
  }

  #fail(error) {
    this.stop();
    this.onerror(error);
  }

  #give({ start, arrived }, embedding) {
    const { hop_length: step, sample_rate: rate, num_frames: length } = this.params;
    if (arrived) this.latency = (performance.now() - arrived) / 1000;
    const row = { start: (start * step) / rate, end: ((start + length) * step) / rate, embedding };
    this.rows.push(row);
    if (this.live && this.rows.length > MOST_ROWS) this.rows.shift();
    this.panels.embedding(start, this.hop, embedding);
    this.onrow(row);
  }

  #finish() {
    const { resolve } = this;
    this.resolve = null;
    this.onfinished();
    resolve?.(this.rows);
  }
}
