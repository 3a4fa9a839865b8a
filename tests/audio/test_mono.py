"""Arrays and streams: the checks, the mean, the resampling. Files are in test_sound_file.py.

Oracles: numpy's mean, soxr in one shot, and sines whose level and frequency are known.
"""

import re
import warnings

import numpy as np
import pytest
import soxr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vggish_tf.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, MonoStream, check_waveform, to_mono
from vggish_tf.errors import AudioError

MEAN_ATOL = 6e-8  # half a float32 step at 1, since the mean is rounded once
# float32 arithmetic at level 0.5; the largest difference seen over these cases is 5e-7
SINE_ATOL = 5e-6
RATES = [8000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000, 250_000, 44_100 / 1.001]


def noise(num_samples, num_channels=1, seed=0):
    return (
        np.random.default_rng(seed).uniform(-1, 1, (num_samples, num_channels)).astype(np.float32)
    )


def in_blocks(samples, sizes, stream):
    """Pushes `samples` in blocks of the given sizes, the last of them as large as it takes."""
    outputs, start = [], 0
    for size in sizes:
        outputs.append(stream.push(samples[start : start + size]))
        start += size
    return np.concatenate([*outputs, stream.push(samples[start:]), stream.finish()])


class Unreadable:
    """Answers as a PyTorch tensor that requires grad does."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )


# The mean and the resampling.


@pytest.mark.parametrize("num_channels", [1, 2, 3, 6, 8, 9, 64, 200])
def test_mono_is_the_mean_over_channels(num_channels):
    samples = noise(1000, num_channels)
    mono = to_mono(samples, 16_000, 16_000)
    assert mono.dtype == np.float32
    np.testing.assert_allclose(
        mono, samples.astype(np.float64).mean(axis=1), rtol=0, atol=MEAN_ATOL
    )


def test_one_channel_at_the_target_rate_stays_as_it_is_and_is_a_copy():
    samples = noise(1000)[:, 0]
    mono = to_mono(samples, 16_000, 16_000)
    np.testing.assert_array_equal(mono, samples)
    assert not np.shares_memory(mono, samples)


def test_opposite_channels_cancel_and_one_silent_channel_halves():
    left = noise(1000)
    assert not to_mono(np.hstack([left, -left]), 44_100, 16_000).any()
    np.testing.assert_array_equal(
        to_mono(np.hstack([left, 0 * left]), 16_000, 16_000), left[:, 0] / 2
    )


def test_the_mean_of_two_channels_is_rounded_once():
    samples = np.random.default_rng(0).uniform(-1, 1, (10_000, 2)).astype(np.float32)
    samples[:4] = (2.0**31, 2.0**31), (1, 1e-7), (2e-45, 1e-45), (1e-45, 0)
    expected = samples.astype(np.float64).mean(axis=1).astype(np.float32)
    np.testing.assert_array_equal(to_mono(samples, 16_000, 16_000), expected)


@pytest.mark.parametrize("sample_rate", RATES)
def test_resampling_is_soxr_hq_in_one_shot(sample_rate):
    samples = noise(30_000)[:, 0]
    expected = soxr.resample(samples, sample_rate, 16_000, quality="HQ")
    np.testing.assert_array_equal(to_mono(samples, sample_rate, 16_000), expected)


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("hertz", [200, 1000, 3000])
def test_a_sine_keeps_its_level_frequency_and_phase(sample_rate, hertz):
    num_samples = int(2 * sample_rate)
    sine = 0.5 * np.sin(2 * np.pi * hertz * np.arange(num_samples) / sample_rate)
    mono = to_mono(sine, sample_rate, 16_000)
    expected = 0.5 * np.sin(2 * np.pi * hertz * np.arange(len(mono)) / 16_000)
    middle = slice(4000, len(mono) - 4000)  # the filter rings at both ends
    np.testing.assert_allclose(mono[middle], expected[middle], rtol=0, atol=SINE_ATOL)


def test_what_is_above_the_new_nyquist_is_gone():
    sine = np.sin(2 * np.pi * 9500 * np.arange(96_000) / 48_000)
    mono = to_mono(sine, 48_000, 16_000)[4000:-4000]
    assert np.abs(mono).max() < 1e-5  # −100 dB, seen −133 dB; resample_poly would leave −14 dB


@pytest.mark.parametrize("sample_rate", [*RATES, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE])
@pytest.mark.parametrize("num_samples", [1, 2, 999, 1000])
def test_the_length_is_the_duration_times_the_target_rate(sample_rate, num_samples):
    mono = to_mono(noise(num_samples), sample_rate, 16_000)
    assert abs(len(mono) - num_samples * 16_000 / sample_rate) <= 1
    assert np.isfinite(mono).all()


# Blocks.


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 3000), max_size=12),
    sample_rate=st.sampled_from([*RATES, 16_000, MIN_SAMPLE_RATE]),
    num_channels=st.integers(1, 9),
)
@example(sizes=[], sample_rate=44_100, num_channels=2)
@example(sizes=[0, 0, 5000], sample_rate=48_000, num_channels=1)
@example(sizes=[1] * 300, sample_rate=250_000, num_channels=9)
def test_blocks_of_any_size_give_the_whole_bit_for_bit(sizes, sample_rate, num_channels):
    samples = noise(5000, num_channels)
    blocks = in_blocks(samples, sizes, MonoStream(sample_rate, 16_000))
    np.testing.assert_array_equal(blocks, to_mono(samples, sample_rate, 16_000))


def test_a_long_array_is_taken_in_pieces_without_a_seam():
    samples = noise((1 << 20) + 12_345, 2)  # to_mono takes 2^19 stereo samples at a time
    mono = samples.astype(np.float64).mean(axis=1).astype(np.float32)
    np.testing.assert_array_equal(
        to_mono(samples, 48_000, 16_000), soxr.resample(mono, 48_000, 16_000, quality="HQ")
    )


@pytest.mark.parametrize(
    "layout", [np.ascontiguousarray, np.asfortranarray, lambda x: np.repeat(x, 2, axis=0)[::2]]
)
def test_the_layout_in_memory_changes_nothing(layout):
    samples = noise(3000, 7)
    np.testing.assert_array_equal(
        to_mono(layout(samples), 44_100, 16_000), to_mono(samples, 44_100, 16_000)
    )


def test_a_stream_without_samples_ends_empty():
    stream = MonoStream(44_100, 16_000)
    assert stream.push(np.zeros(0)).shape == (0,)
    assert stream.push(np.zeros((0, 1))).shape == (0,)
    assert stream.finish().shape == (0,)


def test_a_finished_stream_says_to_make_another():
    stream = MonoStream(44_100, 16_000)
    stream.finish()
    for act in (lambda: stream.push(np.zeros(10)), stream.finish):
        with pytest.raises(AudioError, match=r"is finished\. Make a new one"):
            act()


def test_each_block_is_checked_once():
    with pytest.warns(UserWarning, match="far beyond") as warnings:
        MonoStream(16_000, 16_000).push(np.full(10, 100.0))
    assert len(warnings) == 1


@pytest.mark.parametrize("num_channels", [None, 2])
def test_the_number_of_channels_may_not_change(num_channels):
    stream = MonoStream(44_100, 16_000, num_channels)
    stream.push(np.zeros((100, 2)))
    with pytest.raises(AudioError, match=r"must have 2 channels.*received \(100, 1\)"):
        stream.push(np.zeros(100))


def test_a_block_of_one_sample_of_many_channels_is_taken_where_the_number_is_known():
    samples = noise(200, 128)
    blocks = in_blocks(samples, [1] * 100, MonoStream(16_000, 16_000, num_channels=128))
    np.testing.assert_array_equal(blocks, to_mono(samples, 16_000, 16_000))


def test_a_stream_counts_from_its_start_where_it_reports_a_sample():
    stream = MonoStream(44_100, 16_000)
    stream.push(np.zeros((100, 2)))
    with pytest.raises(AudioError, match=r"1 value is NaN.*is nan at sample 103, channel 1"):
        stream.push(np.array([[0, 0]] * 3 + [[0, np.nan]]))


@pytest.mark.parametrize("num_channels", [0, -1, 1025, 1.5, "2", True, np.nan])
def test_a_stream_of_an_absurd_number_of_channels_is_refused(num_channels):
    with pytest.raises(AudioError, match="num_channels must be from 1 to 1024"):
        MonoStream(44_100, 16_000, num_channels)


# Checks of arrays.


def test_the_message_for_integers_is_the_one_in_the_design():
    expected = (
        "waveform must be floating point, (num_samples,) or (num_samples, num_channels); received "
        "int16 (48000, 2). Divide by 32768, or read the file with vggish_tf.load_audio()."
    )
    with pytest.raises(AudioError, match=f"^{re.escape(expected)}$"):
        check_waveform(np.zeros((48_000, 2), np.int16), 48_000)


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(9, np.int32), "int32 (9,). Divide by 2147483648"),
        (np.zeros(9, np.uint8), "uint8 (9,). Subtract 128 and divide by 128"),
        (np.zeros(9, np.int8), "int8 (9,). Divide by 128"),
        ([1, 2, 3], "int64 (3,). Convert to floats within [-1, 1]"),
        ([True, False], "bool (2,). Convert"),
        (np.zeros(9, complex), "complex128 (9,). Convert"),
        (np.zeros(9, object), "object (9,). Convert"),
        ("clip.wav", "received <U8 ()."),
        (None, "received object ()."),
        (0.5, "received float64 (). Pass one clip at a time."),
        (np.zeros((2, 9, 1)), "received float64 (2, 9, 1). Pass one clip at a time."),
        ([[0.0, 1.0], [2.0]], "must be an array of numbers; received list"),
        (np.zeros((2, 48_000)), "channels come last"),
        (np.zeros((1, 48_000)), "channels come last"),
        (np.zeros((64, 65)), "waveform has 65 channels of 64 samples: channels come last"),
        (np.zeros((9, 0)), "waveform has 0 channels"),
        (
            [0.0, np.nan, np.inf, 0.0],
            "2 values are NaN, infinite or beyond ±2^31; the first is nan at sample 1,",
        ),
        (
            [[0.0, -np.inf]],
            "1 value is NaN, infinite or beyond ±2^31; the first is -inf at sample 0, channel 1",
        ),
        ([0.0, 1e300], "1 value is NaN, infinite"),
        (
            np.ma.masked_array(np.zeros(9), mask=True),
            "waveform is a masked array, and masks are not read. Fill it",
        ),
        (np.ma.masked_array(np.zeros(9)), "waveform is a masked array"),
        (
            Unreadable(),
            "must be an array of numbers; received Unreadable: Can't call numpy() on Tensor that "
            "requires",
        ),
        ([0.0, -2.2e9], "1 value is NaN, infinite"),
    ],
)
def test_what_is_no_waveform_is_refused_with_advice(waveform, message):
    with pytest.raises(AudioError, match=re.escape(message)):
        check_waveform(waveform, 16_000)
    with pytest.raises(AudioError, match=re.escape(message)):
        MonoStream(16_000, 16_000).push(waveform)


@pytest.mark.parametrize(
    "shape", [(0,), (1,), (0, 2), (1, 2), (2, 9), (2, 64), (65, 65), (48_000, 2)]
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, ">f4"])
def test_any_floats_of_one_or_two_axes_are_taken(shape, dtype):
    samples = check_waveform(np.zeros(shape, dtype), 16_000)
    assert samples.dtype == np.float32
    assert samples.shape == (shape[0], shape[1] if len(shape) == 2 else 1)


def test_float32_is_not_copied_and_never_clipped():
    waveform = np.array([-3.0, 0.5, 2.0], np.float32)
    assert np.shares_memory(check_waveform(waveform, 16_000), waveform)
    np.testing.assert_array_equal(to_mono(waveform, 16_000, 16_000), waveform)


def test_integers_in_float_clothing_are_warned_about_and_hot_floats_are_not():
    with pytest.warns(UserWarning, match="Divide 16-bit integers by 32768"):
        check_waveform([0.0, 20_000.0], 16_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_waveform([0.0, -8.0], 16_000)


def test_an_empty_array_has_no_mono():
    with pytest.raises(AudioError, match="no samples"):
        to_mono(np.zeros((0, 2)), 16_000, 16_000)


@pytest.mark.parametrize(
    "rate", [0, -1, 1, 99.9, 1e8, np.nan, np.inf, "16000", None, True, 16_000j, [16_000]]
)
def test_an_absurd_rate_is_refused_wherever_it_is_given(rate):
    for name, act in {
        "sample_rate": lambda: check_waveform(np.zeros(9), rate),
        "^sample_rate": lambda: MonoStream(rate, 16_000),
        "target_rate": lambda: to_mono(np.zeros(9), 16_000, rate),
    }.items():
        with pytest.raises(AudioError, match=f"{name} must be"):
            act()


@pytest.mark.parametrize(
    "rate", [100, 250, 16_000, np.int32(44_100), np.float32(48_000), 44_055.94, 500_000, 10**7]
)
def test_rates_of_real_recordings_are_taken(rate):
    samples = np.linspace(-1, 1, 9, dtype=np.float32)
    np.testing.assert_array_equal(check_waveform(samples, rate), samples[:, np.newaxis])
