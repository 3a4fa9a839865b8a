// Player: one segment of sound at a time, from its start to its end, out of a file beside the page
// or of FLAC in it.
import { about, bytesOf, clipStarts, NONE, segments } from "./data.js";

const NO_SOUND = "No sound: the file was not found when this map was made.";

export class Player {
  /** `changed` is called when it starts, ends, or fails. */
  constructor(audio, changed) {
    [this.audio, this.changed] = [audio, changed];
    [this.number, this.playing, this.message] = [-1, false, ""];
    this.urls = new Map(); // of clips in the page
    audio.addEventListener("timeupdate", () => this.endInTime());
    audio.addEventListener("ended", () => this.stop());
    audio.addEventListener("error", () => this.fail());
  }

  /** Where the sound of a segment is: its address, and the time there of the file's beginning. */
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
    [this.number, this.message] = [number, address === null ? NO_SOUND : ""];
    if (address === null) return this.changed();
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

  /** Waits until the length of the file is known, since before that no time can be sought. */
  ready() {
    if (this.audio.readyState >= HTMLMediaElement.HAVE_METADATA) return Promise.resolve();
    return new Promise((done) => this.audio.addEventListener("loadedmetadata", done, { once: true }));
  }

  /** Stops at the end more exactly than the few events a second would. */
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
      ? "The browser wants a click before it plays: press Play."
      : "This browser cannot play the file, or it is no longer there.";
    this.changed();
  }

  /** How much of the segment has been heard, 0 to 1. */
  get share() {
    return Math.min(Math.max((this.audio.currentTime - this.start) / (this.end - this.start), 0), 1);
  }
}
