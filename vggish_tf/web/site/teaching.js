// Teaching: the list of sounds that a person names and records, and the nearest sound to each row.

import { AT_ONCE } from "./network.js";
import { Prototypes } from "./prototypes.js";
import { saveAs } from "./save.js";

const element = (id) => document.getElementById(id);

export class Teaching {
  /** @param {{listen: () => Promise, say: (text: string) => void}} page */
  constructor(manifest, listener, network, page) {
    Object.assign(this, { manifest, listener, network, page });
    this.prototypes = new Prototypes();
    this.held = null; // the button that is held down
    element("add").addEventListener("click", () => this.add(this.#freeName()).querySelector("input").select());
    element("save").addEventListener("click", () => this.#save());
    element("load").addEventListener("change", ({ target }) => this.#load(target));
    ["sound A", "sound B"].forEach((label) => this.add(label));
  }

  /** Adds a row to the list. */
  add(label) {
    const item = document.createElement("li");
    item.innerHTML = `<input type="text" aria-label="name of the sound" maxlength="60">
      <button class="hold" aria-pressed="false" title="Hold it down, with the pointer, Space or Enter">Hold to record</button>
      <label class="button">From a file<input type="file" accept="audio/*,video/*"></label>
      <span class="count">no examples</span><div class="bar" aria-hidden="true"><div></div></div>
      <span class="cosine">–</span><button class="remove">×</button>`;
    const name = item.querySelector("input[type=text]");
    name.value = label;
    this.#name(item, label);
    name.addEventListener("change", () => this.#rename(item, name));
    item.querySelector("input[type=file]").addEventListener("change", ({ target }) => this.#fromFile(item, target));
    item.querySelector(".remove").addEventListener("click", () => this.#remove(item));
    this.#whileHeld(item.querySelector(".hold"), item);
    element("labels").append(item);
    return item;
  }

  /** Clears the results for a sound; the prototypes are kept. */
  forget() {
    element("nearest").textContent = "";
    element("heard").hidden = true;
    element("heard").tBodies[0].replaceChildren();
    this.#show([]);
  }

  /** Shows the nearest sound to a row. */
  heard(row, live) {
    const scores = this.prototypes.scores(row.embedding);
    this.#show(scores);
    if (scores.length < 2) return;
    const [{ label, cosine }] = scores;
    if (live) this.#tell(`Sounds like: ${label}`);
    else this.#list([`${row.start.toFixed(2)} s`, `${row.end.toFixed(2)} s`, label, cosine.toFixed(3)]);
  }

  /** Adds examples, (num_frames · num_mel_bins) each, to a sound of the list. */
  async learn(item, examples) {
    if (!examples.length) return this.page.say("That was too short: hold the button for a second or longer.");
    try {
      for (let i = 0; i < examples.length; i += AT_ONCE)
        this.#learnRows(item, (await this.network.embedAll(examples.slice(i, i + AT_ONCE))).rows);
    } catch (error) {
      this.page.say(`Nothing was learned: ${error.message}`);
    }
  }

  // adds rows under the present name of a sound, which may have been renamed or removed
  #learnRows(item, rows) {
    if (!item.isConnected) return;
    const { label } = item.dataset;
    this.prototypes.add(label, rows);
    const count = this.prototypes.count(label);
    item.querySelector(".count").textContent = count === 0 ? "no examples" : `${count} ${count === 1 ? "example" : "examples"}`;
    element("save").disabled = !this.prototypes.labels.length;
  }

  // The button records while it is held down with a pointer, Space or Enter. A click without these,
  // as from a screen reader, starts, and the next click stops.
  #whileHeld(button, item) {
    const press = () => this.#press(button), release = () => this.#release(button, item);
    const isKey = ({ key }) => key === " " || key === "Enter";
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      press();
    });
    for (const event of ["pointerup", "pointercancel", "blur"]) button.addEventListener(event, release);
    button.addEventListener("keydown", (event) => { if (isKey(event)) { event.preventDefault(); press(); } });
    button.addEventListener("keyup", (event) => { if (isKey(event)) { event.preventDefault(); release(); } });
    button.addEventListener("click", ({ detail }) => { if (detail === 0) (this.held === button ? release : press)(); });
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  async #press(button) {
    if (this.held) return; // one at a time
    this.held = button;
    this.page.say("");
    const waited = !this.listener.live;
    await this.page.listen();
    if (!this.listener.live) return this.#let(button);
    if (this.held !== button) return waited && this.page.say("The microphone is open now: hold the button again.");
    button.classList.add("held");
    button.setAttribute("aria-pressed", "true");
    this.recording = true;
    this.listener.hold();
  }

  async #release(button, item) {
    if (this.held !== button) return;
    const { recording } = this;
    this.#let(button);
    if (recording && this.listener.live) await this.learn(item, await this.listener.release());
  }

  #let(button) {
    this.held = null;
    this.recording = false;
    button.classList.remove("held");
    button.setAttribute("aria-pressed", "false");
  }

  async #fromFile(item, input) {
    const [file] = input.files;
    input.value = "";
    const rows = file ? await this.page.open(file) : [];
    if (rows.length) this.#learnRows(item, rows.map(({ embedding }) => embedding));
  }

  #rename(item, input) {
    const label = input.value.trim(), taken = [...element("labels").children].some((other) => other !== item && other.dataset.label === label);
    if (!label || taken) {
      this.page.say(label ? `There is a sound named ${label} already.` : "A sound needs a name.");
      input.value = item.dataset.label;
      return;
    }
    this.prototypes.rename(item.dataset.label, label);
    this.#name(item, label);
  }

  // sets labels with the name of the sound, for screen readers
  #name(item, label) {
    item.dataset.label = label;
    item.querySelector(".hold").setAttribute("aria-label", `Hold to record ${label}`);
    item.querySelector("input[type=file]").setAttribute("aria-label", `Examples of ${label} from a file`);
    item.querySelector(".remove").setAttribute("aria-label", `Remove ${label}`);
  }

  #remove(item) {
    this.prototypes.remove(item.dataset.label);
    item.remove();
    element("add").focus();
    element("save").disabled = !this.prototypes.labels.length;
  }

  #show(scores) {
    for (const item of element("labels").children) {
      const place = scores.findIndex(({ label }) => label === item.dataset.label), cosine = scores[place]?.cosine;
      item.classList.toggle("winner", place === 0 && scores.length > 1);
      item.querySelector(".bar > div").style.width = `${100 * Math.max(0, cosine ?? 0)}%`;
      item.querySelector(".cosine").textContent = cosine === undefined ? "–" : cosine.toFixed(3);
    }
  }

  // sets the text only if it changes, since a screen reader reads it aloud
  #tell(text) {
    if (element("nearest").textContent !== text) element("nearest").textContent = text;
  }

  #list(cells) {
    const row = element("heard").tBodies[0].insertRow();
    for (const text of cells) row.insertCell().textContent = text;
    element("heard").hidden = false;
  }

  #save() {
    const json = this.prototypes.toJSON(this.manifest);
    saveAs("prototypes.json", "application/json", JSON.stringify(json, null, 1));
  }

  async #load(input) {
    const [file] = input.files;
    if (!file) return;
    try {
      this.prototypes = Prototypes.from(JSON.parse(await file.text()), this.manifest);
    } catch (error) {
      return this.page.say(`${file.name} cannot be loaded: ${error.message}`);
    } finally {
      input.value = "";
    }
    element("labels").replaceChildren();
    for (const label of this.prototypes.labels) this.#learnRows(this.add(label), []);
  }

  #freeName() {
    const taken = [...element("labels").children].map((item) => item.dataset.label);
    for (let i = taken.length; ; i++) {
      const name = `sound ${String.fromCharCode(65 + (i % 26))}${i < 26 ? "" : Math.floor(i / 26)}`;
      if (!taken.includes(name)) return name;
    }
  }
}
