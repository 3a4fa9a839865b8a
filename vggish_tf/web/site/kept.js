// Weights, kept in the browser's store under their digest: the next visit reads them from there.

import { fetched } from "./fetched.js";

const STORE = "vggish-weights";

/**
 * The bytes of a file of the site, from the browser's store or over the network.
 *
 * @param {{file: string, bytes: number, sha256: string}} network
 * @param {(loaded: number) => void} report called with the number of bytes received so far
 * @returns {Promise<{bytes: Uint8Array, kept: boolean}>} kept: whether they came from the store
 */
export async function fetchKept({ file, bytes: size, sha256 }, report) {
  const store = globalThis.caches ? await caches.open(STORE).catch(() => null) : null;
  const key = new URL(`./${file}?sha256=${sha256}`, import.meta.url).href;
  const found = store && (await stored(store, key).catch(() => null)); // a broken store is no error
  if (found && (await hasDigest(found, sha256))) return { bytes: found, kept: true };
  const bytes = await download(file, size, report);
  if (!(await hasDigest(bytes, sha256)))
    throw new Error(`${file} is damaged: it does not have the digest in the manifest. Export the page again.`);
  await keep(store, key, bytes);
  return { bytes, kept: false };
}

async function stored(store, key) {
  const response = await store.match(key);
  return response && new Uint8Array(await response.arrayBuffer());
}

async function download(file, size, report) {
  const response = await fetched(file), bytes = new Uint8Array(size), reader = response.body.getReader();
  let loaded = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (loaded + value.length > size) throw new Error(`${file} is longer than the ${size} bytes expected.`);
    bytes.set(value, loaded);
    report((loaded += value.length));
  }
  if (loaded < size) throw new Error(`${file} broke off after ${loaded} of ${size} bytes. Load the page again.`);
  return bytes;
}

// Without a secure context, browsers compute no digest, and have no store.
async function hasDigest(bytes, sha256) {
  if (!globalThis.crypto?.subtle) return true;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}

// The weights of one site at a time; a full disk is no error.
async function keep(store, key, bytes) {
  if (!store) return;
  try {
    const site = new URL("./", import.meta.url).href;
    for (const other of await store.keys()) if (new URL("./", other.url).href === site) await store.delete(other);
    await store.put(key, new Response(bytes));
  } catch {
    await store.delete(key).catch(() => {});
  }
}
