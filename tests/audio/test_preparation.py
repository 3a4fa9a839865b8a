"""Steps before the front end, in numbers that can be checked by hand; whole clips in streams."""

import numpy as np
import pytest
import soundfile

from vggish_tf import AudioError, UsageError
from vggish_tf.audio import Preparation, WholeClip, read_blocks, read_stretch, stream_of, to_mono
from vggish_tf.audio.preparation import STEPS
from vggish_tf.audio.streams import MonoStream

STEP = 1 / 32_768
CASES = {
    "mean of channels": ([[0.5, 0.0], [1.0, -1.0]], [[0.25], [0.0]]),
    "first channel": ([[0.5, 0.0], [1.0, -1.0]], [[0.5], [1.0]]),
    "one channel": ([[0.5], [1.0]], [[0.5], [1.0]]),
    "cut to 16 bits": ([[1.6 * STEP], [-1.2 * STEP], [1.5]], [[STEP], [-2 * STEP], [1 - STEP]]),
    "rounded to 16 bits": ([[1.6 * STEP], [-1.2 * STEP], [-2.0]], [[2 * STEP], [-STEP], [-1.0]]),
    "without DC": ([[0.5], [1.0]], [[-0.25], [0.25]]),
    "peak 1": ([[0.5], [-0.8]], [[0.625], [-1.0]]),
    "peak -1 dB": ([[0.5], [-1.0]], [[0.5 * 0.8912509381337456], [-0.8912509381337456]]),
    "peak at most 1": ([[0.5], [-2.0]], [[0.25], [-1.0]]),
    "maximum 1": ([[0.5], [-0.8]], [[1.0], [-1.6]]),
    "whole half seconds": (np.ones((12, 1)), np.ones((10, 1))),
    "at most 30 s": (np.ones((301, 1)), np.ones((300, 1))),
    "at least 1 s": (np.ones((9, 1)), [[1.0]] * 9 + [[0.0]]),
    "at least 2 s": (np.ones((21, 1)), np.ones((21, 1))),
}


@pytest.mark.parametrize("step", CASES)
def test_a_step(step):
    given, expected = CASES[step]
    np.testing.assert_allclose(STEPS[step](np.array(given), 10), expected, rtol=1e-15)


def test_every_step_is_tried():
    assert {*STEPS} - {*CASES} == {"at least 0.96 s", "mirrored 12.5 ms"}
    assert STEPS["at least 0.96 s"](np.ones((3, 1)), 16_000).shape == (15_360, 1)
    ramp = np.arange(500.0)[:, np.newaxis]
    found = STEPS["mirrored 12.5 ms"](ramp, 16_000)[:, 0]
    assert (len(found), found[0], found[199], found[200], found[-1]) == (900, 200, 1, 0, 299)


@pytest.mark.parametrize("step", ["peak 1", "peak -1 dB", "peak at most 1", "maximum 1"])
@pytest.mark.parametrize("length", [0, 3])
def test_silence_stays_silent(step, length):
    found = STEPS[step](np.zeros((length, 1)), 16_000)
    np.testing.assert_array_equal(found, np.zeros((length, 1)))


def test_a_quiet_clip_is_scaled_by_its_integers():
    """google-fad's least level is 0.1 of one step: it never holds for sound in 16 bits."""
    found = STEPS["maximum 1"](np.array([[STEP], [-2 * STEP]]), 16_000)
    np.testing.assert_allclose(found, [[1.0], [-2.0]])


def test_what_a_program_would_refuse_is_refused():
    with pytest.raises(AudioError, match="takes one channel; the clip has 2"):
        STEPS["one channel"](np.zeros((5, 2)), 16_000)
    with pytest.raises(AudioError, match="takes one channel"):
        Preparation((), "none")(np.zeros((5, 2)), 16_000, 16_000)


def test_unknown_words():
    with pytest.raises(UsageError, match="step must be"):
        Preparation(("loud",))
    with pytest.raises(UsageError, match="resampler must be"):
        Preparation(resampler="sox")


def test_the_default_works_block_by_block_and_others_at_the_end():
    assert isinstance(stream_of(Preparation(), 16_000, 16_000), MonoStream)
    stream = stream_of(Preparation(("mean of channels", "peak 1")), 16_000, 16_000)
    assert isinstance(stream, WholeClip)
    block = np.array([[0.5, 0.25]])
    assert not len(stream.push(block))
    block[:] = 0  # the caller's own again
    assert not len(stream.push(np.array([[-0.1, -0.2]])))
    np.testing.assert_allclose(stream.finish(), [1.0, -0.4], rtol=1e-7)
    with pytest.raises(AudioError, match="this WholeClip is finished"):
        stream.push(block)


def test_a_file_and_its_array_are_prepared_alike(tmp_path):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (30_000, 2))
    soundfile.write(tmp_path / "a.wav", samples, 44_100, subtype="DOUBLE")
    prepare = Preparation(("mean of channels", "peak 1"), "julius")
    blocks = np.concatenate([*read_blocks(tmp_path / "a.wav", 16_000, 0.1, prepare)])
    np.testing.assert_array_equal(blocks, to_mono(samples, 44_100, 16_000, prepare))


def test_a_stretch_is_a_clip_of_its_own(tmp_path):
    """The loudest sample lies outside."""
    samples = np.full(4 * 16_000, 0.25)
    samples[100] = 0.9
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    prepare = Preparation(("mean of channels", "peak 1"))
    found = np.concatenate([*read_stretch(tmp_path / "a.wav", 16_000, 2.0, 3.0, 0.3, prepare)])
    np.testing.assert_allclose(found, np.ones(16_000), rtol=1e-7)
    with pytest.raises(AudioError, match="no samples from 9 s on"):
        [*read_stretch(tmp_path / "a.wav", 16_000, 9.0, None, 0.3, prepare)]
