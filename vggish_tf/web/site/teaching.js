// Teaching: the list of sounds that a person names and records, and what is nearest to each row.

import { Prototypes } from "./prototypes.js";

const element = (id) => document.getElementById(id);

export class Teaching {
  /** @param {{listen: () => Promise, say: (text: string) => void}} page */
  constructor(manifest, listener, network, page) {
    Object.assign(this, { manifest, listener, network, page });
    this.prototypes = new Prototypes();
    element("add").addEventListener("click", () => this.add(this.#freeName()).querySelector("input").select());
    element("save").addEventListener("click", () => this.#save());
    element("load").addEventListener("change", ({ target }) => this.#load(target));
    ["sound A", "sound B"].forEach((label) => this.add(label));
  }

  /** A row of the list. */
  add(label) {
    const item = document.createElement("li");
    item.innerHTML = `<input type="text" aria-label="name of the sound" maxlength="60">
      <button class="hold" title="Hold it down, with the pointer, Space or Enter">Hold to record</button>
      <label class="button">From a file<input type="file" accept="audio/*,video/*" aria-label="record from a file"></label>
      <span class="count">no examples</span><div class="bar" aria-hidden="true"><div></div></div>
      <span class="cosine">–</span><button class="remove" aria-label="remove this sound">×</button>`;
    const name = item.querySelector("input[type=text]");
    item.dataset.label = name.value = label;
    name.addEventListener("change", () => this.#rename(item, name));
    item.querySelector("input[type=file]").addEventListener("change", ({ target }) => this.#fromFile(item, target));
    item.querySelector(".remove").addEventListener("click", () => this.#remove(item));
    this.#whileHeld(item.querySelector(".hold"), item);
    element("labels").append(item);
    return item;
  }

  /** Forgets the sound that was heard, not what was taught. */
  forget() {
    element("nearest").textContent = "";
    element("heard").hidden = true;
    element("heard").tBodies[0].replaceChildren();
    this.#show([]);
  }

  /** Shows what a row is nearest to. */
  heard(row, live) {
    const scores = this.prototypes.scores(row.embedding);
    this.#show(scores);
    if (scores.length < 2) return;
    const [{ label, cosine }] = scores;
    if (live) element("nearest").textContent = `Sounds like: ${label}`;
    else this.#list([`${row.start.toFixed(2)} s`, `${row.end.toFixed(2)} s`, label, cosine.toFixed(3)]);
  }

  /** Learns the examples of a label: Float32Array each. */
  async learn(item, examples) {
    const { label } = item.dataset;
    if (!examples.length) return this.page.say("That was too short: hold the button for a second or longer.");
    try {
      const { rows } = await this.network.embedAll(examples);
      this.#learnRows(item, label, rows);
    } catch (error) {
      this.page.say(`Nothing was learned: ${error.message}`);
    }
  }

  #learnRows(item, label, rows) {
    this.prototypes.add(label, rows);
    const count = this.prototypes.count(label);
    item.querySelector(".count").textContent = count === 0 ? "no examples" : `${count} ${count === 1 ? "example" : "examples"}`;
    element("save").disabled = !this.prototypes.labels.length;
  }

  // pressed with a pointer, Space or Enter, until it is let go
  #whileHeld(button, item) {
    let held = false;
    const press = async () => {
      if (held) return;
      held = true;
      this.page.say("");
      button.classList.add("held");
      await this.page.listen();
      if (held) this.listener.hold();
    };
    const release = async () => {
      if (!held) return;
      held = false;
      button.classList.remove("held");
      if (this.listener.live) await this.learn(item, await this.listener.release());
    };
    const isKey = ({ key }) => key === " " || key === "Enter";
    button.addEventListener("pointerdown", (event) => { button.setPointerCapture(event.pointerId); press(); });
    for (const event of ["pointerup", "pointercancel", "blur"]) button.addEventListener(event, release);
    button.addEventListener("keydown", (event) => { if (isKey(event)) { event.preventDefault(); press(); } });
    button.addEventListener("keyup", (event) => { if (isKey(event)) release(); });
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  async #fromFile(item, input) {
    const rows = await this.page.open(input.files[0]);
    input.value = "";
    if (rows?.length) this.#learnRows(item, item.dataset.label, rows.map(({ embedding }) => embedding));
  }

  #rename(item, input) {
    const label = input.value.trim(), taken = [...element("labels").children].some((other) => other !== item && other.dataset.label === label);
    if (!label || taken) {
      this.page.say(label ? `There is a sound named ${label} already.` : "A sound needs a name.");
      input.value = item.dataset.label;
      return;
    }
    this.prototypes.rename(item.dataset.label, label);
    item.dataset.label = label;
  }

  #remove(item) {
    this.prototypes.remove(item.dataset.label);
    item.remove();
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

  #list(cells) {
    const row = element("heard").tBodies[0].insertRow();
    for (const text of cells) row.insertCell().textContent = text;
    element("heard").hidden = false;
  }

  #save() {
    const text = JSON.stringify(this.prototypes.toJSON(this.manifest), null, 1), link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "prototypes.json";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  async #load(input) {
    const [file] = input.files;
    try {
      this.prototypes = Prototypes.from(JSON.parse(await file.text()), this.manifest);
    } catch (error) {
      return this.page.say(`${file.name} cannot be loaded: ${error.message}`);
    } finally {
      input.value = "";
    }
    element("labels").replaceChildren();
    for (const label of this.prototypes.labels) this.#learnRows(this.add(label), label, []);
  }

  #freeName() {
    const taken = [...element("labels").children].map((item) => item.dataset.label);
    for (let i = taken.length; ; i++) {
      const name = `sound ${String.fromCharCode(65 + (i % 26))}${i < 26 ? "" : Math.floor(i / 26)}`;
      if (!taken.includes(name)) return name;
    }
  }
}
