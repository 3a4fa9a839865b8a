// Worker: samples of a microphone or a file → frames for the pictures, examples for the network.
//
// In:  params {params} · start {rate, hop, run} · samples {samples, arrived} · finish · hold · release
// Out: each with run: frames {first, count, extremes, magnitude, mel, logMel} · example {start, values, arrived}
//      taken, after the samples of a message · finished; and ready · held {examples: [values]}

import { ExampleStream, FrameStream, FrontEnd, joined } from "./front_end.js";
import { Resampler } from "./resample.js";

let frontEnd; // made once
let run; // the state of one stream of sound
let held = null; // log-mel frames since a button was pressed

const MOST_HELD = 6000; // frames: a minute

const handlers = {
  params({ params }) {
    frontEnd = new FrontEnd(params);
    postMessage({ type: "ready" });
  },
  start({ rate, hop, run: number }) {
    const { params } = frontEnd;
    run = {
      number,
      resampler: new Resampler(rate, params.sample_rate),
      frames: new FrameStream(frontEnd),
      examples: new ExampleStream(params, hop),
      numFrames: 0,
    };
    held = null;
  },
  samples({ samples, arrived }) {
    take(run.resampler.push(samples), arrived);
    tell({ type: "taken" });
  },
  finish() {
    take(run.resampler.finish());
    tell({ type: "finished" });
  },
  hold() {
    held = [];
  },
  release() {
    const examples = cut(held ?? []);
    held = null;
    postMessage({ type: "held", examples });
  },
};

onmessage = ({ data }) => handlers[data.type](data);

// Posts a message with the number of the stream, so that late ones of an earlier stream are ignored.
function tell(message) {
  postMessage({ ...message, run: run.number });
}

function take(samples, arrived) {
  const frames = run.frames.push(samples);
  if (!frames.length) return;
  tell({ type: "frames", first: run.numFrames, count: frames.length, ...forPictures(frames) });
  run.numFrames += frames.length;
  for (const { logMel } of frames) {
    if (held?.length < MOST_HELD) held.push(logMel);
    const example = run.examples.push(logMel);
    if (example) tell({ type: "example", ...example, arrived });
  }
}

function forPictures(frames) {
  const hop = frontEnd.params.hop_length;
  return {
    extremes: joined(frames.map(({ samples }) => extremes(samples.subarray(0, hop)))),
    magnitude: joined(frames.map((frame) => frame.magnitude)),
    mel: joined(frames.map((frame) => frame.mel)),
    logMel: joined(frames.map((frame) => frame.logMel)),
  };
}

function extremes(samples) {
  let lowest = Infinity, highest = -Infinity;
  for (const sample of samples) {
    if (sample < lowest) lowest = sample;
    if (sample > highest) highest = sample;
  }
  return [lowest, highest];
}

// Examples that overlap by half, so that a short recording gives more than one.
function cut(frames) {
  const stream = new ExampleStream(frontEnd.params, Math.ceil(frontEnd.params.num_frames / 2));
  return frames.map((frame) => stream.push(frame)).filter(Boolean).map(({ values }) => values);
}
