// Runs the network of a page in node, by the page's own onnxruntime-web (wasm, one thread):
//
//     node scripts/run_onnx.mjs site/runtime site/vggish.onnx examples.bin embeddings.bin ROWS 96 64
//
// Both .bin files are float32, little-endian. Prints milliseconds and megabytes as JSON.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [files, network, source, target, ...sizes] = process.argv.slice(2);
const ort = await import(pathToFileURL(resolve(files, 'ort.wasm.bundle.min.mjs')));
ort.env.wasm.numThreads = 1; // node has no Worker as browsers have
ort.env.wasm.wasmBinary = readFileSync(resolve(files, 'ort-wasm-simd-threaded.wasm'));

const milliseconds = async (run) => {
  const start = performance.now();
  return [await run(), performance.now() - start];
};

const [session, load] = await milliseconds(() =>
  ort.InferenceSession.create(new Uint8Array(readFileSync(network))));
const dims = sizes.map(Number);
const bytes = readFileSync(source);
const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const feeds = { input_features: new ort.Tensor('float32', numbers, dims) };
const [{ embedding }, run] = await milliseconds(() => session.run(feeds));
writeFileSync(target, Buffer.from(embedding.data.slice().buffer));
console.log(JSON.stringify({ load, run, megabytes: process.memoryUsage().rss / 1e6 }));
process.exit(0);
