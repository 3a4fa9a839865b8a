// About: the weights, the precision and the runtime of the page, as a list of facts.

export class About {
  constructor(list, manifest, params) {
    this.list = list;
    const { weights, precision, network, cosines, runtime } = manifest;
    const megabytes = (network.bytes / 1e6).toFixed(0);
    this.#fact("weights", weights.untrained ? "UNTRAINED: random numbers" : `${weights.asked}${weights.published ? ", the published ones" : ""}`);
    this.#fact("digest of their values", `SHA-256 ${weights.values_sha256}`);
    this.#fact("precision", `${precision}, ${megabytes} MB. Lowest cosine of an embedding to float32, over sounds of the demo clip and synthesized ones: ${words(cosines)}`);
    this.#fact("front end", `${params.sample_rate.toLocaleString("en")} Hz, ${params.num_mel_bins} mel bins, ${params.num_frames} frames an example, in float64; resampling within 2e-6 of soxr HQ at the usual rates`);
    this.#fact("computed by", `${runtime.package} ${runtime.version} (${runtime.licence})`);
  }

  /** Adds facts about the opened network. */
  network({ kept, provider, threads, milliseconds }) {
    const where = provider === "webgpu" ? "on the graphics card (WebGPU)" : `on the processor (WebAssembly), ${threads} ${threads === 1 ? "thread" : "threads"}`;
    const alone = provider === "wasm" && !globalThis.crossOriginIsolated
      ? ". More threads need an isolated page: `vggish-tf serve` sends the headers for it" : "";
    this.#fact("runs", `${where}${alone}`);
    this.#fact("loaded from", `${kept ? "this browser's store" : "the server"}; opened in ${(milliseconds / 1000).toFixed(1)} s`);
  }

  #fact(name, text) {
    const term = document.createElement("dt"), fact = document.createElement("dd");
    term.textContent = name;
    fact.textContent = text;
    this.list.append(term, fact);
  }
}

function words(cosines) {
  return Object.entries(cosines).map(([name, cosine]) => `${name} ${(Math.floor(cosine * 1e5) / 1e5).toFixed(5)}`).join(", ");
}
