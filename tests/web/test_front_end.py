"""The front end in JavaScript against the layers, the published figures, and soxr."""

import javascript
import numpy as np
import pytest
import soxr

from vggish_tf import audio, stages
from vggish_tf.jobs.demo import DATA
from vggish_tf.jobs.export.writers.web import front_end
from vggish_tf.params import Params
from vggish_tf.reference import mel_features

LOG_MEL_ATOL = 2e-5  # float32 in the graph, float64 here; the largest difference seen is 3e-6
FLOAT32 = 5e-6  # the samples are rounded to float32, and so are the examples; 3e-6 seen
FULL_SCALE = 2e-6  # what resample.js promises of noise between -1 and 1; 1.5e-6 seen
OTHER_RATES = 3e-3  # the same for ratios that it has no numbers for; 2.2e-3 seen
START = 80  # samples, 5 ms, in which soxr does not quite assume silence before the sound

FRONT_END = """
import { Resampler } from "SITE/resample.js";
import { ExampleStream, FrameStream, FrontEnd } from "SITE/front_end.js";
const { params, rate, block } = given, sound = array("sound");
const resampler = new Resampler(rate, params.sample_rate);
const frames = new FrameStream(new FrontEnd(params));
const examples = new ExampleStream(params, params.example_hop_frames);
const found = { magnitude: [], logMel: [], starts: [], examples: [] };
const take = (samples) => {
  for (const frame of frames.push(samples)) {
    found.magnitude.push(...frame.magnitude);
    found.logMel.push(...frame.logMel);
    const example = examples.push(frame.logMel);
    if (example) found.starts.push(example.start), found.examples.push(...example.values);
  }
};
for (let i = 0; i < sound.length; i += block) take(resampler.push(sound.subarray(i, i + block)));
take(resampler.finish());
for (const [name, numbers] of Object.entries(found)) give(name, numbers);
"""
RESAMPLE = """
import { Resampler } from "SITE/resample.js";
const resampler = new Resampler(given.rate, given.target), sound = array("sound"), parts = [];
for (let i = 0; i < sound.length; i += given.block)
  parts.push(...resampler.push(sound.subarray(i, i + given.block)));
parts.push(...resampler.finish());
give("resampled", parts);
"""


def in_javascript(sound, rate=16_000, params=None, block=4096):
    about = front_end.describe(params or Params())
    found = javascript.run(
        FRONT_END, {"sound": sound}, {"params": about, "rate": rate, "block": block}
    )
    bins = about["num_mel_bins"]
    return found | {
        "magnitude": _rows(found["magnitude"], about["fft_length"] // 2 + 1),
        "logMel": _rows(found["logMel"], bins),
        "examples": _rows(found["examples"], about["num_frames"], bins),
    }


def _rows(numbers, *shape):
    return numbers.reshape(numbers.size // np.prod(shape), *shape)


def resampled(sound, rate, target=16_000, block=997):
    given = {"rate": rate, "target": target, "block": block}
    return javascript.run(RESAMPLE, {"sound": sound}, given)["resampled"]


def test_the_published_sine():
    """Figures of upstream's NumPy code."""
    sine = np.sin(2 * np.pi * 1000 * np.arange(0, 3, 1 / 16_000))
    examples = in_javascript(sine)["examples"]
    assert examples.shape == (3, 96, 64)
    figures = examples.mean(), examples.std(), examples.max()
    expected = -3.4296186961398245, 2.126577335759408, 4.811117725147952
    np.testing.assert_allclose(figures, expected, atol=FLOAT32)
    first = [-4.48313252, -4.27083405, -4.17064267, -4.23770552]
    np.testing.assert_allclose(examples[0, 0, :4], first, atol=FLOAT32)


def test_silence_is_the_log_offset_everywhere():
    np.testing.assert_array_equal(in_javascript(np.zeros(16_000))["logMel"], np.log(0.01))


@pytest.mark.parametrize("num_samples", [1, 399, 400, 15_599, 15_600, 31_000])
def test_every_stage_is_that_of_the_layers(num_samples):
    noise = np.random.default_rng(0).uniform(-1, 1, num_samples).astype(np.float32)
    found, expected = in_javascript(noise), stages.compute(noise, 16_000, pad="never")
    assert found["examples"].shape == expected.examples.shape
    np.testing.assert_allclose(found["magnitude"], expected.stft_magnitude, atol=1e-5)
    np.testing.assert_allclose(found["logMel"], expected.log_mel, atol=LOG_MEL_ATOL)
    np.testing.assert_array_equal(found["starts"], 96 * np.arange(len(expected.examples)))


@pytest.mark.parametrize(
    "changes",
    [
        {"example_hop_seconds": 0.48},
        {"example_hop_seconds": 1.5},  # longer than an example: some frames are in none
        {"sample_rate": 22_050, "stft_hop_seconds": 0.03, "num_mel_bins": 32, "mel_max_hz": 9000},
    ],
    ids=str,
)
def test_other_parameters(changes):
    params = Params(**changes)
    noise = np.random.default_rng(1).uniform(-1, 1, 4 * params.sample_rate).astype(np.float32)
    found = in_javascript(noise, params.sample_rate, params)
    expected = stages.compute(noise, params.sample_rate, params, pad="never")
    np.testing.assert_allclose(found["examples"], expected.examples, atol=LOG_MEL_ATOL)


@pytest.mark.parametrize("block", [1, 160, 1023])
def test_a_stream_is_the_whole(block):
    sound = np.random.default_rng(2).uniform(-1, 1, 6000)
    whole, parts = in_javascript(sound, 22_050), in_javascript(sound, 22_050, block=block)
    np.testing.assert_array_equal(parts["logMel"], whole["logMel"])


@pytest.mark.parametrize(
    "rate",
    [8000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000, 192_000],
)
def test_resampling_is_soxrs(rate):
    noise = np.random.default_rng(3).uniform(-1, 1, rate + 137)
    expected = soxr.resample(noise, rate, 16_000, "HQ")
    found = resampled(noise, rate)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found[START:], expected[START:], atol=FULL_SCALE)
    np.testing.assert_allclose(found[:START], expected[:START], atol=0.05)


@pytest.mark.parametrize("rate", [16_001, 37_800, 47_999])
def test_unusual_rates_come_close(rate):
    noise = np.random.default_rng(3).uniform(-1, 1, rate)
    expected = soxr.resample(noise, rate, 16_000, "HQ")
    np.testing.assert_allclose(resampled(noise, rate)[START:], expected[START:], atol=OTHER_RATES)


def test_the_front_ends_own_rate_is_left_alone():
    noise = np.random.default_rng(4).uniform(-1, 1, 1000).astype(np.float32)
    np.testing.assert_array_equal(resampled(noise, 16_000), noise)


def test_the_demo_clip_is_pythons():
    """Through two resamplers the log-mel agrees as far as soxr, in float32, agrees with itself.

    soxr rounds by 1e-7 of the loudest tone, which the log-mel of a silent bin magnifies: at
    another volume it gives another log-mel, by as much as this page differs.
    """
    waveform, rate = audio.load_audio(str(DATA / "demo.flac"))
    expected = stages.compute(waveform, rate, pad="never").log_mel
    difference = np.abs(in_javascript(waveform.mean(axis=1), rate)["logMel"] - expected)
    own = np.abs(_with_soxr(waveform[:, 0], rate, 0.9) - _with_soxr(waveform[:, 0], rate, 1.0))
    assert own.max() > 3e-4
    assert difference.max() < 2 * own.max()
    assert np.quantile(difference, 0.99) < 1e-4


def _with_soxr(waveform, rate, volume):
    samples = soxr.resample(volume * waveform.astype(np.float64), rate, 16_000, "HQ") / volume
    return mel_features.log_mel_spectrogram(
        samples, audio_sample_rate=16_000, log_offset=0.01, window_length_secs=0.025,
        hop_length_secs=0.01, num_mel_bins=64, lower_edge_hertz=125, upper_edge_hertz=7500,
    )  # fmt: skip
