// Worker: log-mel examples → embeddings, by onnxruntime-web.
//
// In:  load {network, runtime, threads, gpu} · embed {id, values, count}
// Out: progress {loaded, total, kept} · loaded {kept, provider, threads, milliseconds}
//      embedded {id, embedding, milliseconds} · failed {id?, message}

import { fetchKept } from "./kept.js";

const RUNTIME = new URL("./runtime/", import.meta.url).href;
const COMPILED = { wasm: "ort-wasm-simd-threaded.wasm", webgpu: "ort-wasm-simd-threaded.asyncify.wasm" };

let ort;
let session;
let shape; // of one example

const handlers = {
  async load({ network, shape: example, threads, gpu }) {
    shape = example;
    const report = (loaded) => postMessage({ type: "progress", loaded, total: network.bytes });
    const { bytes, kept } = await fetchKept(network, report);
    const began = performance.now();
    const provider = (gpu && (await open(bytes, "webgpu", threads))) || (await open(bytes, "wasm", threads));
    postMessage({ type: "loaded", kept, provider, threads, milliseconds: performance.now() - began });
  },
  async embed({ id, values, count }) {
    const began = performance.now();
    const examples = new ort.Tensor("float32", values, [count, ...shape]);
    const [output] = Object.values(await session.run({ [session.inputNames[0]]: examples }));
    const embedding = await output.getData();
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

// Opens the network with a provider; a GPU that cannot is no error, since wasm always can.
async function open(bytes, provider, threads) {
  try {
    ort = await import(`${RUNTIME}ort.${provider}.bundle.min.mjs`);
    ort.env.wasm.wasmPaths = { wasm: RUNTIME + COMPILED[provider] };
    ort.env.wasm.numThreads = threads;
    session = await ort.InferenceSession.create(bytes, { executionProviders: [provider] });
    return provider;
  } catch (error) {
    if (provider === "webgpu") return null;
    throw error;
  }
}
