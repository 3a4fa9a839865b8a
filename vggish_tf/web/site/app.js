// The page: actions of a person → sound → pictures and embeddings. It joins the other modules.

import { About } from "./about.js";
import { fetched } from "./fetched.js";
import { Listener } from "./listener.js";
import { Network, abilities } from "./network.js";
import { Panels } from "./panels.js";
import { decode, explain, openMicrophone, prepareMicrophone } from "./sources.js";
import { Teaching } from "./teaching.js";

const STAGES = ["waveform", "stft", "mel", "log_mel", "embedding"];
const HOPS = [1, 1 / 2, 1 / 4]; // of the exported example hop
const element = (id) => document.getElementById(id);
const say = (text) => { element("message").textContent = text; };

const json = async (file) => (await fetched(file)).json();

class App {
  async load() {
    [this.manifest, this.params] = await Promise.all([json("manifest.json"), json("front_end.json")]);
    element("untrained").hidden = !this.manifest.weights.untrained;
    this.panels = new Panels(Object.fromEntries(STAGES.map((id) => [id, element(id)])), this.params);
    this.about = new About(element("about"), this.manifest, this.params);
    this.network = new Network();
    this.listener = new Listener(this.params, this.network, this.panels);
    this.teaching = new Teaching(this.manifest, this.listener, this.network, {
      listen: () => this.listen(), open: (file) => this.open(file), say,
    });
    this.listener.onrow = (row) => this.#heard(row);
    this.listener.onfinished = () => this.#finished();
    this.listener.onerror = (error) => say(error.message);
    this.#offerHops();
    [this.demo] = await Promise.all([
      this.#fetchDemo(), prepareMicrophone(), this.#loadNetwork(), this.listener.ready,
    ]);
    this.#connect();
  }

  /** Listens to the microphone until stop(); resolves once it is open, or cannot be opened. */
  listen() {
    if (this.microphone) return Promise.resolve();
    return (this.opening ??= this.#openMicrophone());
  }

  /** Stops the current sound; returns a number that is this.turn until another sound begins. */
  stop() {
    this.microphone?.stop();
    this.microphone = this.opening = null;
    element("listen").textContent = "Listen to the microphone";
    this.listener.stop();
    this.turn = (this.turn ?? 0) + 1;
    return this.turn;
  }

  /**
   * Runs a file (a Blob) through the stages.
   *
   * @returns its rows [{start, end, embedding}]; those so far if another sound began, and none if it
   *   is not a sound
   */
  async open(blob, name = blob.name ?? "The file") {
    const turn = this.stop();
    let sound, failure = "";
    try {
      sound = await decode(await blob.arrayBuffer());
    } catch (error) {
      failure = `${name} ${error.message}`;
    }
    if (turn !== this.turn) return []; // another sound was opened while this one was decoded
    say(failure);
    if (failure) return [];
    this.#forget();
    this.sound = sound;
    this.#play(blob);
    return this.listener.all(sound, this.hop);
  }

  async #openMicrophone() {
    const turn = this.stop();
    let microphone;
    try {
      microphone = await openMicrophone((samples) => this.listener.push(samples), () => this.#unplugged());
    } catch (error) {
      if (turn !== this.turn) return;
      this.opening = null;
      return say(explain(error));
    }
    if (turn !== this.turn) return microphone.stop(); // a file was opened meanwhile
    this.opening = null;
    this.microphone = microphone;
    say("");
    element("listen").textContent = "Stop";
    this.#hear();
  }

  #hear() {
    this.#forget();
    this.listener.start({ rate: this.microphone.rate, hop: this.hop, live: true });
  }

  #unplugged() {
    this.stop();
    say("The microphone was disconnected.");
  }

  // starts the sound again, with another hop
  #again() {
    if (this.microphone) return this.#hear();
    if (!this.sound) return;
    this.teaching.forget();
    this.listener.all(this.sound, this.hop);
  }

  get hop() {
    return Number(element("hop").value); // frames
  }

  async #loadNetwork() {
    const progress = element("progress"), asked = Object.fromEntries(new URLSearchParams(location.search));
    this.network.onprogress = ({ loaded, total }) => { progress.value = loaded / total; };
    try {
      if (!globalThis.WebAssembly) throw new Error("this browser has no WebAssembly.");
      this.about.network(await this.network.load(this.manifest, this.params, await abilities(asked)));
    } catch (error) {
      this.network.failed = true;
      say(`The pictures work, the embeddings do not: ${error.message}`);
    }
    element("loading").hidden = true;
  }

  async #fetchDemo() {
    const response = await fetch(new URL("./demo.flac", import.meta.url));
    return response.ok ? new File([await response.blob()], "demo.flac") : null;
  }

  #offerHops() {
    const { example_hop_frames: whole, hop_length: step, sample_rate: rate } = this.params;
    const hops = new Set(HOPS.map((share) => Math.max(1, Math.round(whole * share))));
    for (const hop of hops) element("hop").add(new Option(`${Number(((hop * step) / rate).toFixed(3))} s`, hop));
  }

  #connect() {
    const reacts = { listen: "click", demo: "click", file: "change", hop: "change" };
    const actions = {
      listen: () => (this.microphone ? this.stop() : this.listen()),
      demo: () => this.open(this.demo),
      file: ({ target }) => {
        if (target.files[0]) this.open(target.files[0]);
        target.value = ""; // so that the same file can be chosen again
      },
      hop: () => this.#again(),
    };
    for (const [id, event] of Object.entries(reacts)) {
      element(id).addEventListener(event, actions[id]);
      element(id).disabled = id === "demo" && !this.demo;
    }
    element("teach").disabled = Boolean(this.network.failed);
    addEventListener("drop", ({ dataTransfer }) => {
      if (dataTransfer.files[0]) this.open(dataTransfer.files[0]);
    });
    addEventListener("resize", () => this.panels.refresh());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.panels.refresh());
    const draw = () => { requestAnimationFrame(draw); this.#follow(); this.panels.draw(); };
    draw();
  }

  #play(blob) {
    const player = element("player");
    player.src = URL.createObjectURL(blob);
    player.hidden = false;
  }

  // moves the line in the pictures to the place of the player
  #follow() {
    const player = element("player");
    this.panels.pointTo(player.hidden || !player.currentTime ? null : player.currentTime / this.panels.seconds);
  }

  // lets go of the file, too, which may be large
  #forget() {
    const player = element("player");
    URL.revokeObjectURL(player.src);
    player.removeAttribute("src");
    player.load(); // or it would keep the file
    player.hidden = true;
    this.sound = null;
    element("figures").textContent = "";
    this.teaching.forget();
  }

  #heard(row) {
    element("figures").textContent = this.listener.figures();
    this.teaching.heard(row, this.listener.live);
  }

  #finished() {
    element("figures").textContent = this.listener.figures();
    if (!this.listener.rows.length && !this.network.failed)
      say(`The sound is shorter than one example, which takes ${this.params.min_samples / this.params.sample_rate} s.`);
  }
}

// or the browser would leave the page for a file that is dropped, even while the page loads
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());

/** The page for scripts in the console: `await vggish.ready`, then vggish.open(blob) → rows. */
const app = new App();
globalThis.vggish = app;
app.ready = app.load().catch((error) => { element("loading").hidden = true; say(error.message); });
