// The network as promises: it runs in a worker, so that the page never blocks.

import { joined } from "./front_end.js";

/** Examples in one call, which limits its memory. */
export const AT_ONCE = 8;

export class Network {
  constructor() {
    this.worker = new Worker(new URL("./network_worker.js", import.meta.url), { type: "module" });
    this.waiting = new Map();
    this.number = 0;
    this.onprogress = () => {};
    this.worker.onmessage = ({ data }) => this.#receive(data);
    this.worker.onerror = ({ message }) => this.#break(message || "network_worker.js cannot be started.");
  }

  /** Loads and opens the weights: {kept, provider, threads, milliseconds}. */
  load(manifest, frontEnd, { gpu, threads }) {
    const shape = [frontEnd.num_frames, frontEnd.num_mel_bins];
    const { network, silence } = manifest;
    return this.#ask({ type: "load", network, silence, shape, gpu, threads });
  }

  /** {rows: [embedding], milliseconds} of at most AT_ONCE examples, (num_frames · num_mel_bins) each. */
  async embedAll(examples) {
    if (this.failed) throw new Error("the network is not loaded.");
    const values = joined(examples), count = examples.length;
    const { embedding, milliseconds } = await this.#ask({ type: "embed", values, count }, [values.buffer]);
    const width = embedding.length / count;
    return { rows: examples.map((_, i) => embedding.slice(i * width, (i + 1) * width)), milliseconds };
  }

  // Fails what was asked and what will be: a worker may fail before it is asked.
  #break(message) {
    this.broken = new Error(message);
    this.#receive({ type: "failed", message });
  }

  #ask(message, transfer = []) {
    if (this.broken) return Promise.reject(this.broken);
    const id = message.type === "load" ? "load" : ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...message, id }, transfer);
    });
  }

  #receive(data) {
    if (data.type === "progress") return this.onprogress(data);
    const id = data.type === "loaded" ? "load" : data.id;
    const asked = id === undefined ? [...this.waiting.keys()] : [id];
    for (const key of asked) {
      const { resolve, reject } = this.waiting.get(key);
      this.waiting.delete(key);
      if (data.type === "failed") reject(new Error(data.message));
      else resolve(data);
    }
  }
}

/**
 * Abilities of the browser: threads if the page is isolated, and a GPU if there is one.
 *
 * @param asked the parameters of the address: `?run=wasm` or `webgpu`, `&threads=1`
 */
export async function abilities(asked = {}) {
  const cores = navigator.hardwareConcurrency || 1;
  const threads = globalThis.crossOriginIsolated ? Math.min(4, cores) : 1;
  return { threads: Number(asked.threads) || threads, gpu: await hasGPU(asked.run) };
}

async function hasGPU(asked) {
  const adapter = asked === "wasm" ? null : await navigator.gpu?.requestAdapter().catch(() => null);
  // a GPU that the CPU emulates is slower than the CPU itself
  return Boolean(adapter) && (asked === "webgpu" || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter));
}
