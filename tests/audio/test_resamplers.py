"""Resamplers of published pipelines, against their definitions and the libraries they are of."""

import importlib

import numpy as np
import pytest
import renderings

from vggish_tf import VGGishError
from vggish_tf.audio.resamplers import RESAMPLERS, Sinc, described
from vggish_tf.errors import AudioError

KERNELS = {
    "torchaudio-hann": renderings.torchaudio_hann,
    "torchaudio-kaiser": renderings.torchaudio_kaiser,
    "julius": renderings.julius,
}
FLOAT32 = 5e-5  # torchaudio's and julius's filters, in float32; 1.1e-4 / 4 was the largest seen


def noise(num_samples, channels=2):
    return np.random.default_rng(0).standard_normal((num_samples, channels))


def installed(name):
    return pytest.importorskip(name, reason=f"pip install --no-deps {name}", exc_type=ImportError)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_its_definition(name, rate):
    samples = noise(701)
    found = RESAMPLERS[name](samples, rate, 16_000)
    expected = np.stack([KERNELS[name](channel, rate) for channel in samples.T], axis=1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_julius_s_is_julius_s(rate):
    torch, julius = installed("torch"), installed("julius")
    samples = noise(3 * rate // 10 + 1)
    expected = julius.resample_frac(torch.from_numpy(samples.T), rate, 16_000).numpy().T
    found = RESAMPLERS["julius"](samples, rate, 16_000)
    np.testing.assert_allclose(found, expected, rtol=0, atol=FLOAT32 * abs(samples).max())


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_torchaudio_s_are_torchaudio_s(rate):
    torch, torchaudio = installed("torch"), installed("torchaudio")
    kaiser = {
        "lowpass_filter_width": 64,
        "rolloff": 0.9475937167399596,
        "resampling_method": "sinc_interp_kaiser",
        "beta": 14.769656459379492,
    }
    samples = noise(3 * rate // 10 + 1)
    for name, options in (("torchaudio-hann", {}), ("torchaudio-kaiser", kaiser)):
        whole = torch.from_numpy(samples.T)
        expected = torchaudio.functional.resample(whole, rate, 16_000, **options).numpy().T
        found = RESAMPLERS[name](samples, rate, 16_000)
        np.testing.assert_allclose(found, expected, rtol=0, atol=FLOAT32 * abs(samples).max())


def test_resampy_s_is_resampy_s():
    resampy = installed("resampy")
    samples = noise(9_000)
    expected = resampy.resample(samples, 44_100, 16_000, axis=0, filter="kaiser_best")
    np.testing.assert_array_equal(RESAMPLERS["resampy"](samples, 44_100, 16_000), expected)
    assert described("resampy") == f"resampy {resampy.__version__} kaiser_best"


def test_without_resampy_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(importlib.sys.modules, "resampy", None)
    with pytest.raises(VGGishError, match=r"needs resampy\. .*pip install '\.\[profiles\]'"):
        RESAMPLERS["resampy"](noise(9), 44_100, 16_000)


def test_a_sine_stays_a_sine():
    """44.1 kHz to 16 kHz, 1 kHz: the pass band of each is flat there."""
    time, target = np.arange(8_820) / 44_100, np.arange(3_200) / 16_000
    sine = np.sin(2 * np.pi * 1_000 * time)[:, np.newaxis]
    for name in ("soxr", *KERNELS):
        found = RESAMPLERS[name](sine, 44_100, 16_000)[:3_200, 0]
        wanted = np.sin(2 * np.pi * 1_000 * target)
        # torchaudio's default has a ripple of 1e-3
        np.testing.assert_allclose(found[800:2_400], wanted[800:2_400], rtol=0, atol=3e-3)


def test_linear_is_exact_on_straight_lines():
    line = np.stack([np.arange(441.0), 7 - 2 * np.arange(441.0)], axis=1)
    found = RESAMPLERS["linear"](line, 44_100, 16_000)
    times = np.arange(160) * 44_100 / 16_000
    np.testing.assert_allclose(found, np.stack([times, 7 - 2 * times], axis=1), rtol=0, atol=1e-9)


def test_none_changes_nothing_and_says_so():
    samples = noise(10)
    with pytest.warns(UserWarning, match="samples at 44100 Hz are taken for samples at 16000 Hz"):
        assert RESAMPLERS["none"](samples, 44_100, 16_000) is samples


def test_rates_that_share_no_divisor_are_refused_before_memory_is_gone():
    with pytest.raises(AudioError, match="resampling by 16000 / 44101 would need 16000 filters"):
        RESAMPLERS["julius"](noise(10), 44_101, 16_000)


def test_a_rate_need_not_be_whole():
    found = Sinc(6, 0.99)(noise(441), 11_025.5, np.float32(22_051))
    np.testing.assert_array_equal(found, RESAMPLERS["torchaudio-hann"](noise(441), 8_000, 16_000))
