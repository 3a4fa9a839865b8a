"""Energy over frequency against Parseval's theorem, known sines, and one whole transform."""

import numpy as np
import pytest
from scipy.signal import periodogram

from vggish_tf.jobs.inspect import spectrum

RATE = 48_000


@pytest.mark.parametrize(
    "num_samples", [1, 2, 100, spectrum.HOP, spectrum.LENGTH - 1, spectrum.LENGTH, 100_001]
)
def test_all_the_energy_is_in_the_spectrum(num_samples):
    """Parseval: whatever the length, and wherever in the windows a sample lies."""
    waveform = (
        np.random.default_rng(num_samples).standard_normal(num_samples).astype(np.float32) + 0.1
    )
    energy = np.sum(waveform.astype(np.float64) ** 2)
    np.testing.assert_allclose(spectrum.measure(waveform, RATE).energy.sum(), energy, rtol=1e-9)


def test_the_share_of_sines_is_that_of_their_squared_amplitudes():
    seconds = np.arange(3 * RATE) / RATE
    amplitudes = {1000: 1.0, 9000: 0.5, 20_000: 0.1}
    waveform = sum(
        amplitude * np.sin(2 * np.pi * hertz * seconds) for hertz, amplitude in amplitudes.items()
    )
    measured = spectrum.measure(waveform, RATE)
    # What leaks out of the Hann windows, at the ends of the sines above all, is under a
    # hundred-thousandth.
    assert measured.share(lowest=8000) == pytest.approx(0.26 / 1.26, abs=1e-5)
    assert measured.share(8000, 10_000) == pytest.approx(0.25 / 1.26, abs=1e-5)
    assert measured.share() == 1.0


def test_noise_against_one_transform_of_the_whole_clip():
    waveform = np.cumsum(np.random.default_rng(0).standard_normal(250_000))
    waveform -= waveform.mean()
    # The transform takes the clip for periodic: unfaded, its jump from the last sample to the first
    # would leak upwards.
    faded = waveform * np.hanning(len(waveform))
    hertz, power = periodogram(faded, RATE, window="boxcar", detrend=False)
    expected = power[hertz >= 1000].sum() / power.sum()
    # bins of 6 Hz
    assert spectrum.measure(faded, RATE).share(lowest=1000) == pytest.approx(expected, rel=0.02)


def test_silence_has_no_shares():
    measured = spectrum.measure(np.zeros(1000, np.float32), RATE)
    assert measured.share() == 0.0
    assert spectrum.decibels(0.0) == "nothing"
    assert spectrum.draw_spectrum(measured, 8000).lines


@pytest.mark.parametrize(
    ("share", "words"),
    [(1.0, "100 % (0.0 dB)"), (0.999, "99.9 % (0.0 dB)"), (1e-5, "0.001 % (−50.0 dB)")],
)
def test_a_share_is_said_in_percent_and_decibels(share, words):
    assert spectrum.decibels(share) == words


def test_the_picture_marks_what_is_removed_and_peaks_at_the_tone():
    tone = np.sin(2 * np.pi * 100_000 * np.arange(250_000) / 250_000)
    ax = spectrum.draw_spectrum(spectrum.measure(tone, 250_000), 8000)
    hertz, decibels = ax.lines[0].get_data()
    # a point of the picture is 153 Hz
    assert hertz[np.argmax(decibels)] == pytest.approx(100_000, abs=200)
    assert decibels.max() == 0.0
    (removed,) = ax.patches
    assert (removed.get_x(), removed.get_x() + removed.get_width()) == (8000, 125_000)
    assert [text.get_text() for text in ax.texts] == ["removed"]
    ax = spectrum.draw_spectrum(spectrum.measure(tone, 250_000), 125_000)
    assert not ax.patches
