"""Resamplers of published pipelines: (num_samples, num_channels) float64 → at another rate.

    soxr              the default everywhere: HQ, flat to the top mel edge
    resampy           upstream's: kaiser_best of the installed resampy, extra `profiles`
    torchaudio-hann   torchaudio's default: 6 zero crossings, roll-off 0.99
    torchaudio-kaiser torchaudio with librosa's "kaiser_best": 64 zero crossings
    julius            24 zero crossings, roll-off 0.945
    linear            straight lines between samples
    none              no resampling: the samples are treated as samples at the other rate

Derivation of the windowed sinc. To go from rate R to rate S, let N and M be R and S over their
greatest common divisor. Output m lies at time m / S, at input m·N / M. With m = q·M + p, the M
outputs of every q are the same M filters (the phases) on samples that begin q·N further on:

    y[q·M + p] = Σ_j x[q·N + j] · h(j / R − p / S),        h(t) = w(t) · sinc(c·t),

where the cutoff c is the lower of the two rates times the roll-off, and the window w is 0 beyond
so many zero crossings of the sinc.

Source: torchaudio.functional.resample 2.8; julius.ResampleFrac 0.2.8; resampy.resample 0.4.
"""

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view

from vggish_tf.errors import AudioError, VGGishError, how_to_install, warn

QUALITY = "HQ"  # of soxr
MAX_KERNEL = 1 << 24  # numbers: 134 MB. From 44.1 to 16 kHz takes 0.13 million at most
BLOCK = 1 << 10  # groups of outputs computed in one product


@dataclass(frozen=True)
class Sinc:
    """A resampler with a windowed sinc.

    Args:
        zeros: zero crossings of the sinc on either side.
        rolloff: the cutoff, as a fraction of the lower of the two Nyquist frequencies.
        beta: the parameter of a Kaiser window; None is a Hann window.
        like: the library whose ends and gain are used. torchaudio assumes silence around the clip
            and rounds the number of samples up. julius repeats the first and the last sample,
            rounds down, and scales each phase to a sum of 1.
    """

    zeros: int
    rolloff: float
    beta: float | None = None
    like: Literal["torchaudio", "julius"] = "torchaudio"

    def __call__(self, samples: np.ndarray, rate: float, target: float) -> np.ndarray:
        ratio = Fraction(float(target)) / Fraction(float(rate))
        step, phases = ratio.denominator, ratio.numerator
        kernel = self.kernel(step, phases)
        reach = (len(kernel) - step) // 2
        around = (reach, reach + step), (0, 0)
        padded = np.pad(samples, around, mode="edge" if self.like == "julius" else "constant")
        windows = sliding_window_view(padded, len(kernel), axis=0)[::step]
        groups = [
            windows[start : start + BLOCK] @ kernel for start in range(0, len(windows), BLOCK)
        ]
        resampled = np.concatenate(groups).transpose(0, 2, 1).reshape(-1, samples.shape[1])
        exact = len(samples) * phases
        return resampled[: exact // step if self.like == "julius" else -(-exact // step)]

    def kernel(self, step: int, phases: int) -> np.ndarray:
        """The filters of all phases, (samples, phases) float64."""
        cutoff = min(step, phases) * self.rolloff
        reach = math.ceil(self.zeros * step / cutoff)
        if (2 * reach + step) * phases > MAX_KERNEL:
            raise AudioError(
                f"resampling by {phases} / {step} would need {phases} filters of "
                f"{2 * reach + step} samples. Resample to a usual rate first."
            )
        samples = np.arange(-reach, reach + step)[:, np.newaxis] / step
        times = (samples - np.arange(phases) / phases) * cutoff
        times = np.clip(times, -self.zeros, self.zeros)
        kernel = np.sinc(times) * self._window(times / self.zeros)
        return kernel / kernel.sum(axis=0) if self.like == "julius" else kernel * cutoff / step

    def _window(self, times: np.ndarray) -> np.ndarray:
        """The window at times from -1 to 1."""
        if self.beta is None:
            return np.cos(times * np.pi / 2) ** 2
        return np.i0(self.beta * np.sqrt(1 - times**2)) / np.i0(self.beta)


def _soxr(samples: np.ndarray, rate: float, target: float) -> np.ndarray:
    return soxr.resample(samples, rate, target, quality=QUALITY)


def _resampy(samples: np.ndarray, rate: float, target: float) -> np.ndarray:
    check_installed("resampy")
    import resampy

    try:
        return resampy.resample(samples, rate, target, axis=0)
    except ValueError as error:  # so few samples that none would be left
        raise AudioError(f"resampy cannot resample the clip: {error}. Leave it out.") from None


def _linear(samples: np.ndarray, rate: float, target: float) -> np.ndarray:
    times = np.arange(int(len(samples) * target / rate)) * (rate / target)
    known = np.arange(len(samples))
    return np.stack([np.interp(times, known, channel) for channel in samples.T], axis=1)


def _none(samples: np.ndarray, rate: float, target: float) -> np.ndarray:
    warn(
        f"samples at {rate:g} Hz are taken for samples at {target:g} Hz, as this profile's program "
        "does: times are of such samples too. Resample first for embeddings that mean something."
    )
    return samples


Resampler = Callable[..., np.ndarray]  # of samples, rate and target
RESAMPLERS: dict[str, Resampler] = {
    "soxr": _soxr,
    "resampy": _resampy,
    "torchaudio-hann": Sinc(6, 0.99),
    "torchaudio-kaiser": Sinc(64, 0.9475937167399596, 14.769656459379492),
    "julius": Sinc(24, 0.945, like="julius"),
    "linear": _linear,
    "none": _none,
}


def check_installed(resampler: str):
    """Raises if a resampler needs a package that is not installed; call it before long work.

    Raises:
        VGGishError: the message says how to install the package.
    """
    if resampler == "resampy" and importlib.util.find_spec("resampy") is None:
        raise VGGishError(f"this profile needs resampy. {how_to_install('profiles')}")


def described(resampler: str) -> str:
    """A resampler with its version or quality, for a provenance.

    Example:
        >>> described("soxr"), described("julius")
        ('soxr HQ', 'julius')
    """
    if resampler == "resampy":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return f"resampy {version('resampy')} kaiser_best"
        except PackageNotFoundError:
            return "resampy kaiser_best"
    return f"soxr {QUALITY}" if resampler == "soxr" else resampler
