// Worker: log-mel examples → embeddings, by onnxruntime-web.
//
// In:  load {network, silence, shape, threads, gpu} · embed {id, values, count}
// Out: progress {loaded, total} · loaded {kept, provider, threads, milliseconds}
//      embedded {id, embedding, milliseconds} · failed {id?, message}

import { fetchKept } from "./kept.js";
import { cosine } from "./prototypes.js";

const RUNTIME = new URL("./runtime/", import.meta.url).href;
const COMPILED = { wasm: "ort-wasm-simd-threaded.wasm", webgpu: "ort-wasm-simd-threaded.asyncify.wasm" };

let ort;
let session = null;
let shape; // of one example
let silence; // a silent example and its embedding, computed when the page was exported

const SLACK = 1e-3; // of a cosine; the arithmetic of this machine and the exporter's may differ

const handlers = {
  async load({ network, silence: exported, shape: example, threads, gpu }) {
    [shape, silence] = [example, exported];
    const report = (loaded) => postMessage({ type: "progress", loaded, total: network.bytes });
    const { bytes, kept } = await fetchKept(network, report);
    const began = performance.now();
    const provider = (gpu && (await open(bytes, "webgpu", threads))) || (await open(bytes, "wasm", threads));
    postMessage({ type: "loaded", kept, provider, threads, milliseconds: performance.now() - began });
  },
  async embed({ id, values, count }) {
    const began = performance.now(), embedding = await run(values, count);
    postMessage({ type: "embedded", id, embedding, milliseconds: performance.now() - began });
  },
};

onmessage = async ({ data }) => {
  try {
    await handlers[data.type](data);
  } catch (error) {
    postMessage({ type: "failed", id: data.id, message: String(error.message ?? error) });
  }
};

// Weights of 8 bits become float32 once, at loading, not in each call: on a CPU that is twice as
// fast, and takes 0.3 GB of memory, which small devices do not spend.
function unpacked(provider) {
  const roomy = (navigator.deviceMemory ?? 4) > 4; // GB; unknown memory may be that of a phone
  return provider === "wasm" && roomy ? { extra: { session: { disable_quant_qdq: "1" } } } : {};
}

async function run(values, count) {
  const examples = new ort.Tensor("float32", values, [count, ...shape]);
  const [output] = Object.values(await session.run({ [session.inputNames[0]]: examples }));
  return output.getData();
}

// Opens the network with a provider. A failing GPU is no error: wasm is tried next.
async function open(bytes, provider, threads) {
  try {
    ort = await import(`${RUNTIME}ort.${provider}.bundle.min.mjs`);
    ort.env.wasm.wasmPaths = { wasm: RUNTIME + COMPILED[provider] };
    ort.env.wasm.numThreads = threads;
    session = await ort.InferenceSession.create(bytes, { executionProviders: [provider], ...unpacked(provider) });
    await compare();
    return provider;
  } catch (error) {
    await session?.release().catch(() => {}); // the first error counts
    session = null;
    if (provider === "webgpu") return null;
    throw error;
  }
}

// Embeds silence, whose embedding is known: a runtime with another result is not used.
async function compare() {
  const found = await run(new Float32Array(shape[0] * shape[1]).fill(silence.log_mel), 1);
  if (!(cosine(found, silence.embedding) >= silence.cosine - SLACK))
    throw new Error("the network gives wrong numbers in this browser: they differ from the exporter's.");
}
