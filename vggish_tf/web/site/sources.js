// Sound: a file, decoded at its own rate, or a microphone at the device's. Nothing is resampled here.

const OTHERWISE = 48000; // Hz, for files whose header is not known

/** {samples: Float32Array, the mean of the channels, rate} of an audio file. */
export async function decode(bytes) {
  const rate = rateOf(new DataView(bytes)) ?? OTHERWISE;
  const context = contextOf(rate); // it decodes to its own rate
  const audio = await context.decodeAudioData(bytes);
  return { samples: mean(audio), rate: context.sampleRate };
}

function contextOf(rate) {
  try {
    return new OfflineAudioContext(1, 1, rate);
  } catch {
    return new OfflineAudioContext(1, 1, OTHERWISE); // browsers differ in the rates that they take
  }
}

function mean(audio) {
  const sum = new Float64Array(audio.length), channels = audio.numberOfChannels;
  for (let channel = 0; channel < channels; channel++)
    symmetric(audio.getChannelData(channel)).forEach((sample, i) => { sum[i] += sample / channels; });
  return Float32Array.from(sum);
}

/**
 * Samples of 16 bits as all other programs have them, n / 32768.
 *
 * Chromium divides the positive ones by 32767, which adds overtones at −90 dB: they show in the
 * log-mel of silent bins, by 0.03. Sound that was not of 16 bits is left as it is.
 */
export function symmetric(samples) {
  const isWhole = (number) => Math.abs(number - Math.round(number)) < 0.005;
  const isFull = (sample) => isWhole(sample * (sample > 0 ? 32767 : 32768));
  if (samples.every((sample) => isWhole(sample * 32768)) || !samples.every(isFull)) return samples;
  return samples.map((sample) => (sample > 0 ? Math.round(sample * 32767) / 32768 : sample));
}

/** The rate in the header of a WAV, FLAC, Ogg, MP3 or MP4 file, in Hz; null for others. */
export function rateOf(view) {
  const text = (at, length) =>
    at + length > view.byteLength ? "" : String.fromCharCode(...new Uint8Array(view.buffer, at, length));
  for (const find of [wav, flac, ogg, mp4, mp3]) {
    const rate = find(view, text);
    if (rate >= 3000 && rate <= 768000) return rate; // what an OfflineAudioContext takes
  }
  return null;
}

function wav(view, text) {
  if (text(0, 4) !== "RIFF" || text(8, 4) !== "WAVE") return null;
  for (let at = 12; at + 16 <= view.byteLength; at += 8 + view.getUint32(at + 4, true) + (view.getUint32(at + 4, true) & 1))
    if (text(at, 4) === "fmt ") return view.getUint32(at + 12, true);
  return null;
}

function flac(view, text) {
  return text(0, 4) === "fLaC" && view.byteLength > 21 ? view.getUint32(18) >>> 12 : null; // 20 bits
}

function ogg(view, text) {
  if (text(0, 4) !== "OggS" || view.byteLength < 27) return null;
  const packet = 27 + view.getUint8(26);
  if (text(packet, 8) === "OpusHead") return 48000;
  return text(packet + 1, 6) === "vorbis" ? view.getUint32(packet + 12, true) : null;
}

function mp4(view, text) {
  if (text(4, 4) !== "ftyp") return null;
  for (let at = 8; at + 32 < view.byteLength; at++)
    if (view.getUint32(at) === 0x6d703461) return view.getUint16(at + 28); // "mp4a", its sample entry
  return null;
}

function mp3(view, text) {
  const tag = text(0, 3) === "ID3" ? 10 + [6, 7, 8, 9].reduce((sum, at) => sum * 128 + view.getUint8(at), 0) : 0;
  for (let at = tag; at + 4 <= Math.min(view.byteLength, tag + 4096); at++) {
    const header = view.getUint32(at), version = (header >>> 19) & 3, rate = (header >>> 10) & 3;
    if (header >>> 21 === 0x7ff && version !== 1 && rate !== 3)
      return [44100, 48000, 32000][rate] / { 3: 1, 2: 2, 0: 4 }[version];
  }
  return null;
}

let worklet; // the address of its source, kept so that nothing is requested later

/** Loads what a microphone needs. */
export async function prepareMicrophone() {
  const response = await fetch(new URL("./capture_worklet.js", import.meta.url));
  worklet = URL.createObjectURL(new Blob([await response.text()], { type: "text/javascript" }));
}

/**
 * Opens the microphone. Firefox refuses a context of another rate than the device's, so it has the
 * device's.
 *
 * @param {(samples: Float32Array) => void} take gets each block
 * @returns {Promise<{rate: number, stop: () => void}>}
 */
export async function openMicrophone(take) {
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  const context = new AudioContext();
  await context.audioWorklet.addModule(worklet);
  const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }) => take(data);
  context.createMediaStreamSource(stream).connect(node);
  return {
    rate: context.sampleRate,
    stop() {
      stream.getTracks().forEach((track) => track.stop());
      context.close();
    },
  };
}

/** Why there is no microphone, in words; `error` is getUserMedia's, or null where it is missing. */
export function explain(error) {
  if (!navigator.mediaDevices) return "This page may not use a microphone: open it over https, or on localhost.";
  const reasons = {
    NotAllowedError: "The browser was told not to give this page the microphone. Allow it beside the address, or open a file.",
    NotFoundError: "No microphone was found. Connect one, or open a file.",
    NotReadableError: "The microphone is in use by another program.",
  };
  return reasons[error?.name] ?? `The microphone cannot be opened: ${error?.message ?? error}`;
}
