// The front end of VGGish in float64: samples → STFT magnitude → mel → log-mel → examples.
//
// A translation of vggish_tf/frontend. The parameters and the mel matrix are data (front_end.json);
// they are not computed here. Nothing is resampled here.

/** Hann window of period `length`, as in vggish_tf/frontend/transforms.py. */
export function periodicHann(length) {
  return Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length));
}

/** Discrete Fourier transform of a power-of-two length, in place (Cooley and Tukey, 1965). */
export class FFT {
  constructor(length) {
    this.length = length;
    this.cos = Float64Array.from({ length: length / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / length));
    this.sin = Float64Array.from({ length: length / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / length));
    const bits = Math.log2(length);
    this.reversed = Uint32Array.from({ length }, (_, i) => {
      let turned = 0;
      for (let bit = 0; bit < bits; bit++) if (i & (1 << bit)) turned |= 1 << (bits - 1 - bit);
      return turned;
    });
  }

  transform(real, imaginary) {
    this.#reorder(real);
    this.#reorder(imaginary);
    for (let half = 1; half < this.length; half *= 2)
      for (let start = 0; start < this.length; start += 2 * half)
        this.#butterflies(real, imaginary, start, half);
  }

  #reorder(numbers) {
    this.reversed.forEach((j, i) => {
      if (j > i) [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
    });
  }

  #butterflies(real, imaginary, start, half) {
    const step = this.length / (2 * half);
    for (let k = 0; k < half; k++) {
      const low = start + k, high = low + half, cos = this.cos[k * step], sin = this.sin[k * step];
      const re = real[high] * cos - imaginary[high] * sin;
      const im = real[high] * sin + imaginary[high] * cos;
      real[high] = real[low] - re;
      imaginary[high] = imaginary[low] - im;
      real[low] += re;
      imaginary[low] += im;
    }
  }
}

export class FrontEnd {
  /** @param params the content of front_end.json */
  constructor(params) {
    this.params = params;
    this.window = periodicHann(params.window_length);
    this.fft = new FFT(params.fft_length);
    this.numBins = params.fft_length / 2 + 1;
  }

  /** The stages of one window of samples. */
  frame(samples) {
    const magnitude = this.magnitude(samples), mel = this.mel(magnitude);
    const logMel = mel.map((value) => Math.log(value + this.params.log_offset));
    return { samples, magnitude, mel, logMel };
  }

  /** (window_length,) → (fft_length / 2 + 1,) */
  magnitude(samples) {
    const real = new Float64Array(this.fft.length), imaginary = new Float64Array(this.fft.length);
    this.window.forEach((weight, i) => { real[i] = weight * samples[i]; });
    this.fft.transform(real, imaginary);
    return Float64Array.from({ length: this.numBins }, (_, k) => 
      Math.sqrt(real[k] ** 2 + imaginary[k] ** 2));
  }

  /** (fft_length / 2 + 1,) → (num_mel_bins,) */
  mel(magnitude) {
    return Float64Array.from(this.params.mel_matrix, ({ first, weights }) =>
      weights.reduce((sum, weight, i) => sum + weight * magnitude[first + i], 0));
  }
}

/** Cuts blocks of samples into windows, and computes the frame of each window. */
export class FrameStream {
  constructor(frontEnd) {
    this.frontEnd = frontEnd;
    this.rest = new Float32Array(0);
    this.start = 0; // of the next window, from the start of `rest`
  }

  /** The frames that end within these samples. */
  push(samples) {
    const { window_length: length, hop_length: hop } = this.frontEnd.params;
    const joined = new Float32Array(this.rest.length + samples.length);
    joined.set(this.rest);
    joined.set(samples, this.rest.length);
    const frames = [];
    for (; this.start + length <= joined.length; this.start += hop)
      frames.push(this.frontEnd.frame(joined.subarray(this.start, this.start + length)));
    const used = Math.min(this.start, joined.length);
    this.rest = joined.slice(used);
    this.start -= used;
    return frames;
  }
}

/** Cuts log-mel frames that come one by one into examples. */
export class ExampleStream {
  constructor({ num_frames: length }, hop) {
    this.length = length;
    this.hop = hop;
    this.frames = [];
    this.received = 0; // frames
    this.start = 0; // the number of the next example's first frame
  }

  /** {start: number of its first frame, values: (num_frames · num_mel_bins)}, or null. */
  push(logMel) {
    if (this.received++ >= this.start) this.frames.push(logMel); // a hop may be longer than an example
    if (this.frames.length < this.length) return null;
    const example = { start: this.start, values: joined(this.frames) };
    this.frames = this.frames.slice(this.hop);
    this.start += this.hop;
    return example;
  }
}

/** Rows, one after the other, as one array of float32. */
export function joined(rows) {
  const values = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, i) => values.set(row, i * row.length));
  return values;
}
