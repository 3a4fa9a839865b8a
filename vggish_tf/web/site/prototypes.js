// Teaching by example: the prototype of a label is the mean of its examples' directions.
//
// Embeddings in, cosines out. The JSON is the format that `vggish-tf classify` reads.

const FORMAT = "vggish_tf prototypes";
const SIZE = 128; // of an embedding

export class Prototypes {
  constructor() {
    this.sums = new Map(); // label → {sum: Float64Array, examples}
  }

  get labels() {
    return [...this.sums.keys()];
  }

  count(label) {
    return this.sums.get(label)?.examples ?? 0;
  }

  /** Adds examples to a label: rows is an array of embeddings. */
  add(label, rows) {
    for (const row of rows) {
      const direction = unit(row), known = this.sums.get(label);
      if (!direction) continue; // zeros have no direction
      if (known) direction.forEach((value, i) => { known.sum[i] += value; });
      this.sums.set(label, { sum: known?.sum ?? direction, examples: (known?.examples ?? 0) + 1 });
    }
  }

  remove(label) {
    this.sums.delete(label);
  }

  rename(label, name) {
    this.sums = new Map([...this.sums].map(([key, value]) => [key === label ? name : key, value]));
  }

  /** The cosine of an embedding with each prototype: [{label, cosine}], nearest first. */
  scores(embedding) {
    const direction = unit(embedding);
    if (!direction) return [];
    return [...this.sums]
      .map(([label, { sum }]) => ({ label, cosine: cosine(direction, sum) }))
      .sort((a, b) => b.cosine - a.cosine);
  }

  /** @param manifest of the site, which has the weights of the rows */
  toJSON(manifest) {
    const prototypes = [...this.sums].map(([label, { sum, examples }]) => ({
      label, examples, embedding: Array.from(sum, (value) => value / examples),
    }));
    const { weights, params, precision } = manifest;
    return { format: FORMAT, version: 1, weights, params, precision, prototypes };
  }

  /**
   * The prototypes of a JSON.
   *
   * @throws Error if they are not prototypes for this page.
   */
  static from(json, manifest) {
    if (json?.format !== FORMAT || json.version !== 1 || !Array.isArray(json.prototypes))
      throw new Error("it is not a file of prototypes; choose one that this page saved.");
    const [theirs, ours] = [json.weights, manifest.weights].map((weights) => String(weights?.values_sha256));
    if (theirs !== ours)
      throw new Error(`it was made with other weights (SHA-256 ${theirs.slice(0, 12)}…) than this page has (${ours.slice(0, 12)}…).`);
    if (frontEndOf(json) !== frontEndOf(manifest))
      throw new Error("it was made with another front end than this page has; export the page with the same params.");
    const made = new Prototypes();
    json.prototypes.forEach((row, i) => made.#put(row, i + 1));
    return made;
  }

  #put({ label, examples, embedding } = {}, number) {
    const isNamed = typeof label === "string" && label.trim() && !this.sums.has(label);
    const isCounted = Number.isInteger(examples) && examples > 0;
    const isRow = Array.isArray(embedding) && embedding.length === SIZE && embedding.every(Number.isFinite);
    if (!isNamed || !isCounted || !isRow || !unit(embedding))
      throw new Error(`prototype ${number} needs a name that no other has, a number of examples from 1, and ${SIZE} numbers.`);
    this.sums.set(label, { sum: Float64Array.from(embedding, (value) => value * examples), examples });
  }
}

// The params as text, without the hop, which does not change an embedding.
function frontEndOf({ params }) {
  const { example_hop_seconds: _, ...others } = params ?? {};
  return JSON.stringify(Object.entries(others).sort());
}

/** The cosine of two rows; NaN if one of them has no direction. */
export function cosine(a, b) {
  return dot(unit(a) ?? [NaN], unit(b) ?? [NaN]);
}

function dot(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function unit(values) {
  const numbers = Float64Array.from(values), length = Math.sqrt(dot(numbers, numbers));
  return length > 0 && Number.isFinite(length) ? numbers.map((value) => value / length) : null;
}
