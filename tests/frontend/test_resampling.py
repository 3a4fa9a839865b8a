"""Resample against its specification, the sum of its derivation, and soxr's HQ."""

from functools import cache

import keras
import numpy as np
import pytest
import soxr
from scipy import signal

from vggish_tf import Resample
from vggish_tf.errors import ParamsError

RATES = [8_000, 11_025, 22_050, 44_100, 48_000]
SECONDS = 1.0


layer = cache(Resample)


def resampled(waveform, rate) -> np.ndarray:
    return np.asarray(layer(rate)(np.asarray(waveform, np.float32)))


def tone(hertz, rate) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(SECONDS * rate)) / rate)


def middle(waveform) -> np.ndarray:
    """Without the edges, where a tone begins and ends."""
    return waveform[4_000:-4_000]


def decibels(waveform) -> float:
    """Of the root mean square, 0 for a full-scale sine."""
    return 10 * np.log10(2 * np.mean(middle(waveform).astype(np.float64) ** 2))


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > 16_000])
@pytest.mark.parametrize("hertz", [20, 1_000, 7_000, 7_500])
def test_the_passband_is_flat_up_to_the_last_mel_edge(rate, hertz):
    """Within 0.5 dB; a Kaiser design for 90 dB has a ripple of 0.0003 dB, up to over 7,500 Hz."""
    assert abs(decibels(resampled(tone(hertz, rate), rate))) < 0.01


@pytest.mark.parametrize(
    ("rate", "hertz"),
    [
        (rate, hertz)
        for rate in RATES
        for hertz in (8_001, 8_500, 10_000, 15_000, 20_000)
        if rate > 16_000 and hertz < rate / 2  # else the input has no such frequency
    ],
)
def test_aliases_are_80_db_down(rate, hertz):
    assert decibels(resampled(tone(hertz, rate), rate)) < -80


@pytest.mark.parametrize("rate", [8_000, 11_025])
def test_images_are_80_db_down(rate):
    """Too wide a filter leaves copies of a tone above the input's Nyquist frequency."""
    hertz = 0.3 * rate
    spectrum = np.abs(np.fft.rfft(middle(resampled(tone(hertz, rate), rate)) * np.blackman(8_000)))
    frequencies = np.fft.rfftfreq(8_000, 1 / 16_000)
    others = spectrum[abs(frequencies - hertz) > 100]
    assert 20 * np.log10(others.max() / spectrum.max()) < -80


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_keeps_its_time(rate):
    """Against the tone itself at 16 kHz: no delay, not of a part of a sample."""
    expected = tone(1_000, 16_000)
    # 80 dB
    np.testing.assert_allclose(
        middle(resampled(tone(1_000, rate), rate)), middle(expected), atol=1e-4
    )


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_it_is_the_sum_of_the_derivation(rate):
    """y[m] = Σ x[i] h(mM − iL), term by term in float64."""
    up, down = layer(rate).up, layer(rate).down
    waveform = np.random.default_rng(0).standard_normal(700)
    half_length, beta = layer(rate)._design()
    cutoff = min(rate, 16_000) / 2 * (0.94 + 1) / 2 / (up * rate)  # cycles a step
    steps = np.arange(-half_length, half_length + 1)
    low_pass = up * 2 * cutoff * np.sinc(2 * cutoff * steps) * np.kaiser(len(steps), beta)
    for m in (0, 1, 100, len(resampled(waveform, rate)) - 1):
        at = m * down - np.arange(700) * up
        inside = abs(at) <= half_length
        expected = np.sum(waveform[inside] * low_pass[at[inside] + half_length])
        # firwin makes the gain at 0 Hz 1
        assert resampled(waveform, rate)[m] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("rate", RATES)
def test_noise_is_as_fourier_and_soxr_have_it(rate):
    """Noise up to 88 % of the band, which all three resamplers pass.

    Fourier resampling of a period is exact, and 117 dB away at 44.1 kHz; soxr's HQ is 75 dB away
    there (79 dB from Fourier), because L is 160, and 117 dB at 48 kHz.
    """
    noise = np.random.default_rng(0).standard_normal(int(SECONDS * rate))
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(len(noise), 1 / rate) > 0.88 * min(rate, 16_000) / 2] = 0
    noise = np.fft.irfft(spectrum, len(noise))
    ours, exact = resampled(noise, rate), signal.resample(noise, int(SECONDS * 16_000))
    soxrs = soxr.resample(noise, rate, 16_000, quality="HQ")
    assert len(ours) == len(soxrs) == len(exact)
    assert decibels(ours - exact) - decibels(exact) < -90
    assert decibels(ours - soxrs) - decibels(exact) < -70


@pytest.mark.parametrize("num_samples", [0, 1, 2, 440, 441, 442, 44_099, 44_100, 44_101])
def test_lengths_are_to_the_nearest_and_rows_are_alone(num_samples):
    waveforms = np.random.default_rng(0).standard_normal((3, num_samples)).astype(np.float32)
    batch = resampled(waveforms, 44_100)
    assert batch.shape == (3, round(num_samples * 160 / 441))
    # float32 sums of hundreds of products in another order; largest seen, with oneDNN: 1.7e-6
    alone, atol = resampled(waveforms[1], 44_100), 1e-6 * np.abs(batch).max(initial=0)
    np.testing.assert_allclose(batch[1], alone, rtol=0, atol=atol)


def test_it_is_saved_with_a_model(tmp_path):
    source = keras.Input((None,))
    model = keras.Model(source, Resample(44_100, name="resample")(source))
    model.save(tmp_path / "model.keras")
    waveform = tone(1_000, 44_100)[np.newaxis].astype(np.float32)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.output_shape == (None, None)
    assert np.array_equal(loaded(waveform), model(waveform))


@pytest.mark.parametrize(
    ("rate", "says"),
    [
        (0, "positive whole number"),
        (44_100.5, "positive whole number"),
        (True, "positive"),
        (44_101, "16000 filters"),
    ],
)
def test_rates_that_cannot_be(rate, says):
    with pytest.raises(ParamsError, match=says):
        Resample(rate)


@pytest.mark.parametrize("rate", [*RATES, 96_000])
def test_the_number_of_outputs_is_exact_in_32_bits(rate):
    """An hour's samples times the output rate exceed 32 bits; Python's integers are the oracle."""
    counts = [0, 1, 2, 3, 440, 441, 442, 14_000_001, 2 * 3_600 * rate + 7]
    expected = [(count * 16_000 + rate // 2) // rate for count in counts]
    assert [layer(rate).num_outputs(count) for count in counts] == expected
    tensor = keras.ops.convert_to_tensor(counts, dtype="int32")
    assert np.asarray(layer(rate).num_outputs(tensor)).tolist() == expected


def test_a_zero_filled_clip_ends_where_it_ends_alone():
    waveform = np.random.default_rng(0).uniform(-1, 1, 5_000).astype(np.float32)
    filled = np.pad(waveform, (0, 1_000))
    alone = resampled(waveform, 44_100)
    assert resampled(filled, 44_100)[len(alone) : len(alone) + 10].any(), "the filter does not ring"
    ends = np.asarray(Resample(44_100, zero_filled=True)(np.stack([filled, filled * 0])))
    # the same sums, perhaps in another order
    np.testing.assert_allclose(ends[0, : len(alone)], alone, atol=1e-6)
    assert not ends[0, len(alone) :].any()
    assert not ends[1].any()
