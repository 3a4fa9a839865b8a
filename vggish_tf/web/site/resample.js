// Resampling of one channel, block by block, by a windowed sinc: numbers in, numbers out.
//
// Browsers resample in different ways, so sound is taken at the device's rate and resampled to the
// front end's rate here, like soxr HQ in Python.
//
// To go from rate R to S, let L / M be S / R in lowest terms. Output m lies at input m·M / L, so the
// outputs have L different filters (phases). Output m is Σ_i x[i] · h(m·M / L − i). Silence is
// assumed before the first sample and after the last one.
//
// Design. h is a sinc with a Kaiser window. Its numbers were fitted, ratio by ratio, to soxr HQ's
// responses to single samples (SIMPLE, TWICE). soxr halves high rates first, and filters rates of
// the family of 44.1 kHz twice: with a short filter, which falls by 0.01 dB near the cutoff, then
// with the long one. For these ratios the result is within 2e-6 of soxr's for full-scale noise; for
// others, which have only the long filter, within 3e-3. (The first 5 ms differ: before the first
// sample, soxr does not quite assume silence.)

const CUTOFF = 0.9568718; // of the lower Nyquist frequency

// output rate / input rate → zero crossings of the long filter on either side, and its beta
const SIMPLE = {
  "2/1": [97.25, 13.04], "4/3": [101, 14.08968], "2/3": [96.8333, 13.04], "1/2": [97.25, 13.04],
  "1/3": [96.8333, 13.04], "1/4": [102.25, 13.7114], "1/6": [101.5, 13.7114],
  "1/8": [105.25, 14.1042], "1/12": [104.8333, 14.1042], "1/24": [106.8333, 14.3833],
};
// the same, and then cutoff, zero crossings and beta of the short filter
const TWICE = {
  "640/441": [102.25056, 13.711361, 1.8203658, 3.7253609, 13.971264],
  "320/441": [101.77925, 13.714171, 1.9734302, 3.2758268, 16.938032],
  "160/441": [101.77925, 13.714171, 1.9734302, 3.2758268, 16.938032],
  "80/441": [106.86092, 14.386774, 1.9734185, 3.2793818, 16.970369],
  "40/441": [109.76398, 14.78039, 1.9734438, 3.2750509, 16.932681],
  "8/125": [109.69094, 14.775217, 1.996458, 3.8879547, 21.460462],
};

const divisor = (a, b) => (b ? divisor(b, a % b) : a);

// The modified Bessel function of order 0, by its series.
function bessel(x) {
  let sum = 1, term = 1;
  for (let k = 1; term > sum * 1e-17; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
}

// A sinc with a Kaiser window, as a function of time in zero crossings of the Nyquist frequency.
function windowedSinc(cutoff, zeros, beta) {
  const scale = cutoff / bessel(beta);
  return (time) => {
    const inside = 1 - (time / zeros) ** 2, angle = Math.PI * cutoff * time;
    if (inside < 0) return 0;
    return scale * (angle ? Math.sin(angle) / angle : 1) * bessel(beta * Math.sqrt(inside));
  };
}

function designOf(up, down) {
  const ratio = `${up}/${down}`;
  return SIMPLE[ratio] ?? TWICE[ratio] ?? SIMPLE["2/1"];
}

// h as a function of time in zero crossings: the long filter, after the short one if there is one.
// The short one is sampled twice in a crossing.
function impulseResponse([zeros, beta, cutoff, shortZeros, shortBeta]) {
  const long = windowedSinc(CUTOFF, zeros, beta);
  if (!cutoff) return { at: long, reach: zeros };
  const short = windowedSinc(cutoff, shortZeros, shortBeta), reach = Math.floor(2 * shortZeros);
  const shifts = Array.from({ length: 2 * reach + 1 }, (_, i) => (i - reach) / 2);
  return {
    at: (time) => shifts.reduce((sum, shift) => sum + short(shift) * long(time - shift), 0) / 2,
    reach: zeros + reach / 2,
  };
}

export class Resampler {
  /** From `rate` to `target`, both whole numbers of Hz. */
  constructor(rate, target) {
    const common = divisor(rate, target);
    this.up = target / common;
    this.down = rate / common;
    this.tail = new Float64Array(0); // inputs that later outputs need
    this.first = 0; // the number of its first input, from the start
    this.received = 0; // inputs
    this.made = 0; // outputs
    if (rate !== target) this.#makeFilters(rate, target);
  }

  /** The outputs for which the samples so far suffice: Float32Array → Float32Array. */
  push(samples) {
    if (this.up === this.down) return Float32Array.from(samples);
    this.received += samples.length;
    this.#append(samples);
    const last = Math.ceil(((this.received - this.reach) * this.up) / this.down);
    return this.#outputs(Math.max(this.made, last));
  }

  /** The outputs up to the end; silence is assumed after it. */
  finish() {
    if (this.up === this.down) return new Float32Array(0);
    const end = Math.round((this.received * this.up) / this.down);
    this.#append(new Float32Array(2 * this.reach + this.down));
    return this.#outputs(end);
  }

  #makeFilters(rate, target) {
    const crossings = Math.min(rate, target) / rate; // zero crossings a sample
    const { at, reach } = impulseResponse(designOf(this.up, this.down));
    this.reach = Math.ceil(reach / crossings) + 1;
    this.length = 2 * this.reach;
    this.filters = new Float64Array(this.up * this.length);
    for (let phase = 0; phase < this.up; phase++) {
      const offset = ((phase * this.down) % this.up) / this.up; // of the output behind a sample
      for (let tap = 0; tap < this.length; tap++)
        this.filters[phase * this.length + tap] =
          at((offset + this.reach - 1 - tap) * crossings) * crossings;
    }
  }

  #append(samples) {
    const joined = new Float64Array(this.tail.length + samples.length);
    joined.set(this.tail);
    joined.set(samples, this.tail.length);
    this.tail = joined;
  }

  // Outputs from `made` up to `end`; drops the inputs that no later output needs.
  #outputs(end) {
    const outputs = new Float32Array(Math.max(0, end - this.made));
    for (let i = 0; i < outputs.length; i++) outputs[i] = this.#output(this.made + i);
    this.made += outputs.length;
    const needed = this.#firstInput(this.made) - this.first;
    if (needed > 0) {
      this.tail = this.tail.slice(needed);
      this.first += needed;
    }
    return outputs;
  }

  #firstInput(output) {
    return Math.floor((output * this.down) / this.up) - this.reach + 1;
  }

  #output(number) {
    const start = this.#firstInput(number) - this.first;
    const filter = (number % this.up) * this.length;
    let sum = 0;
    for (let tap = Math.max(0, -start); tap < this.length; tap++)
      sum += this.filters[filter + tap] * this.tail[start + tap];
    return sum;
  }
}
