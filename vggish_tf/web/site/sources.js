// Sound: a file, decoded at its own rate, or a microphone at the device's rate. Nothing is resampled
// here.

const OTHERWISE = 48000; // Hz, for files with an unknown header

/**
 * {samples: Float32Array, the mean of the channels, rate} of an audio file.
 *
 * @throws Error that completes the sentence "sound.wav …"
 */
export async function decode(bytes) {
  const rate = rateOf(new DataView(bytes)) ?? OTHERWISE;
  const context = contextOf(rate); // it decodes to its own rate
  let audio;
  try {
    audio = await context.decodeAudioData(bytes);
  } catch {
    throw new Error("is not audio that this browser can decode. Try WAV, FLAC, MP3 or Ogg.");
  }
  const samples = mean(audio);
  if (!samples.every(Number.isFinite)) throw new Error("holds samples that are not finite. Write it again.");
  return { samples, rate: context.sampleRate };
}

function contextOf(rate) {
  try {
    return new OfflineAudioContext(1, 1, rate);
  } catch {
    return new OfflineAudioContext(1, 1, OTHERWISE); // browsers accept different rates
  }
}

function mean(audio) {
  const channels = Array.from({ length: audio.numberOfChannels }, (_, i) => symmetric(audio.getChannelData(i)));
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length);
}

/**
 * Samples of 8 or 16 bits as n / 128 or n / 32768, as in all other programs.
 *
 * Chromium divides positive samples by 127 or 32767, which adds overtones: they change the log-mel
 * of silent bins by 0.8 or 0.03. Other sound is not changed.
 */
export function symmetric(samples) {
  for (const full of [128, 32768]) {
    const slack = 1.5e-7 * full; // float32
    const isWhole = (number) => Math.abs(number - Math.round(number)) < slack;
    const isStep = (sample) => isWhole(sample * (sample > 0 ? full - 1 : full));
    if (samples.every((sample) => isWhole(sample * full))) return samples;
    if (samples.every(isStep))
      return samples.map((sample) => (sample > 0 ? Math.round(sample * (full - 1)) / full : sample));
  }
  return samples;
}

/**
 * The rate in the header of a WAV, FLAC, Ogg, MP3 or MP4 file, in Hz. It is null for other files,
 * and for unusual rates, which would need thousands of filters: the browser resamples those.
 */
export function rateOf(view) {
  const text = (at, length) =>
    at + length > view.byteLength ? "" : String.fromCharCode(...new Uint8Array(view.buffer, at, length));
  for (const find of [wav, flac, ogg, mp4, mp3]) {
    const rate = find(view, text);
    if (rate >= 3000 && rate <= 768000 && rate % 25 === 0) return rate;
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
  return text(packet, 16).startsWith("vorbis", 1) ? view.getUint32(packet + 12, true) : null;
}

function mp4(view, text) {
  if (text(4, 4) !== "ftyp") return null;
  for (let at = 8; at + 32 < view.byteLength; at++)
    if (view.getUint32(at) === 0x6d703461) return view.getUint16(at + 28); // "mp4a", its sample entry
  return null;
}

function mp3(view, text) {
  const tag = text(0, 10).startsWith("ID3") ? 10 + [6, 7, 8, 9].reduce((sum, at) => sum * 128 + view.getUint8(at), 0) : 0;
  const first = mp3Frame(view, tag);
  return first && mp3Frame(view, tag + first.length) ? first.rate : null; // two are no coincidence
}

const MPEG_1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]; // kbit/s, layer III
const MPEG_2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

// Source: ISO/IEC 11172-3, 2.4.2.3.
function mp3Frame(view, at) {
  const header = at + 4 <= view.byteLength ? view.getUint32(at) : 0;
  const [version, layer, index, rate] = [19, 17, 12, 10].map((bits) => (header >>> bits) & (bits === 12 ? 15 : 3));
  if (header >>> 21 !== 0x7ff || version === 1 || layer !== 1 || !index || index === 15 || rate === 3) return null;
  const hertz = [44100, 48000, 32000][rate] / { 3: 1, 2: 2, 0: 4 }[version];
  const bits = (version === 3 ? MPEG_1 : MPEG_2)[index] * 1000;
  const padding = (header >>> 9) & 1, samples = version === 3 ? 144 : 72;
  return { rate: hertz, length: Math.floor((samples * bits) / hertz) + padding };
}

let worklet; // the address of its source, in memory, so that nothing is requested later

/** Loads the worklet that a microphone needs. */
export async function prepareMicrophone() {
  const response = await fetch(new URL("./capture_worklet.js", import.meta.url));
  if (response.ok) worklet = URL.createObjectURL(new Blob([await response.text()], { type: "text/javascript" }));
}

/**
 * Opens the microphone, at the device's rate: Firefox refuses a context with another rate.
 *
 * @param {(samples: Float32Array) => void} take called with each block
 * @param {() => void} ended called when the device is disconnected
 * @returns {Promise<{rate: number, stop: () => void}>}
 */
export async function openMicrophone(take, ended) {
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  let context;
  const stop = () => {
    take = () => {}; // blocks that are still on their way are no part of the next sound
    stream.getTracks().forEach((track) => track.stop());
    context?.close();
  };
  try {
    context = new AudioContext();
    const nodes = await connect(context, stream, (samples) => take(samples));
    stream.getTracks().forEach((track) => track.addEventListener("ended", ended));
    return { rate: context.sampleRate, stop, nodes }; // nodes are kept from garbage collection
  } catch (error) {
    stop();
    throw error;
  }
}

async function connect(context, stream, take) {
  await context.resume();
  await context.audioWorklet.addModule(worklet);
  const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }) => take(data);
  const source = context.createMediaStreamSource(stream);
  source.connect(node);
  return [source, node];
}

/** A message about a missing microphone; `error` is that of getUserMedia, or null. */
export function explain(error) {
  if (!navigator.mediaDevices) return "This page may not use a microphone: open it over https, or on localhost.";
  const reasons = {
    NotAllowedError: "The browser does not allow this page to use the microphone. Allow it beside the address, or open a file.",
    NotFoundError: "No microphone was found. Connect one, or open a file.",
    NotReadableError: "The microphone is in use by another program.",
  };
  return reasons[error?.name] ?? `The microphone cannot be opened: ${error?.message ?? error}`;
}
