// Player: plays one segment of sound at a time, from a file beside the page or from FLAC in it.
import { about, bytesOf, clipStarts, NONE, segments } from "./data.js";

const NO_SOUND = "No sound: the file was not found when this map was made.";
const NO_TIMES = "No sound: the archive has no times.";

export class Player {
  /** `changed` is called when a sound starts, ends or fails. */
  constructor(audio, changed) {
    [this.audio, this.changed] = [audio, changed];
    [this.number, this.playing, this.message] = [-1, false, ""];
    this.urls = new Map(); // addresses of the clips in the page
    audio.addEventListener("timeupdate", () => this.endInTime());
    audio.addEventListener("ended", () => this.stop());
    audio.addEventListener("error", () => this.fail());
  }

  /** The address of a segment's sound, and the time in its file at which that sound starts. */
  sourceOf(number) {
    if (!about.embedded) return [about.addresses[segments.file[number]], 0];
    const clip = segments.clip[number];
    if (clip === NONE) return [null, 0];
    if (!this.urls.has(clip)) {
      const blob = new Blob([bytesOf(`clip-${clip}`)], { type: "audio/flac" });
      this.urls.set(clip, URL.createObjectURL(blob));
    }
    return [this.urls.get(clip), clipStarts[clip]];
  }

  async play(number) {
    this.stop();
    const [address, offset] = this.sourceOf(number);
    const hasTimes = !Number.isNaN(segments.start[number]);
    [this.number, this.message] = [number, !hasTimes ? NO_TIMES : address === null ? NO_SOUND : ""];
    if (this.message) return this.changed();
    [this.start, this.end] = [segments.start[number] - offset, segments.end[number] - offset];
    if (this.address !== address) this.audio.src = this.address = address;
    [this.playing, this.turn] = [true, (this.turn ?? 0) + 1];
    this.changed();
    const turn = this.turn;
    try {
      await this.ready();
      if (turn !== this.turn || !this.playing) return;
      this.audio.currentTime = this.start;
      await this.audio.play();
      this.watch(turn);
    } catch (error) {
      if (turn === this.turn && this.playing && error.name !== "AbortError") this.fail(error);
    }
  }

  /** Waits until the length of the file is known; only then can it seek. */
  ready() {
    if (this.audio.readyState >= HTMLMediaElement.HAVE_METADATA) return Promise.resolve();
    return new Promise((done) => this.audio.addEventListener("loadedmetadata", done, { once: true }));
  }

  /** Stops at the end, more exactly than by the few events in a second. */
  watch(turn) {
    if (turn !== this.turn || !this.playing) return;
    this.endInTime();
    requestAnimationFrame(() => this.watch(turn));
  }

  endInTime() {
    if (this.playing && !this.audio.seeking && this.audio.currentTime >= this.end) this.stop();
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    this.audio.pause();
    this.changed();
  }

  fail(error = this.audio.error) {
    if (!this.playing) return;
    [this.playing, this.address] = [false, undefined];
    const blocked = error?.name === "NotAllowedError";
    this.message = blocked
      ? "The browser needs a click before it plays: press Play."
      : "This browser cannot play the file, or it is no longer there.";
    this.changed();
  }

  /** The share of the segment that has been played, 0 to 1. */
  get share() {
    return Math.min(Math.max((this.audio.currentTime - this.start) / (this.end - this.start), 0), 1);
  }
}
