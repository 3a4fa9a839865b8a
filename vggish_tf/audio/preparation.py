"""Preparation: the steps of a published pipeline from decoded sound to mono samples at one rate.

The default, the mean over the channels and then soxr, works block by block in constant memory
(streams). All others need the whole clip, for example its peak. A step is a function of float64
samples (num_samples, num_channels) and their rate; its name is a few plain words.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from vggish_tf.audio.resamplers import RESAMPLERS
from vggish_tf.errors import AudioError, check_argument, check_word

INT16 = 1 << 15  # the factor from samples in [-1, 1] to 16-bit integers

Step = Callable[..., np.ndarray]  # of samples and rate


def _mean(samples: np.ndarray, rate: float) -> np.ndarray:
    return samples.mean(axis=1, keepdims=True)


def _first(samples: np.ndarray, rate: float) -> np.ndarray:
    return samples[:, :1]


def _only(samples: np.ndarray, rate: float) -> np.ndarray:
    if samples.shape[1] > 1:
        raise AudioError(
            f"this profile's program takes one channel; the clip has {samples.shape[1]}. "
            "Mix the channels first, or choose another profile."
        )
    return samples


def _cut_to_int16(samples: np.ndarray, rate: float) -> np.ndarray:
    """Rounds down, as libsndfile does when it reads wider integers as 16 bits, or writes floats.

    libsndfile differs for OGG and MP3, which it rounds to the nearest, and for floats in a WAV,
    which it reads as 0. These are rounded down here too.
    """
    return np.clip(np.floor(samples * INT16), -INT16, INT16 - 1) / INT16


def _rounded_to_int16(samples: np.ndarray, rate: float) -> np.ndarray:
    """Rounds to the nearest, as ffmpeg does when it writes floats as 16 bits."""
    return np.clip(np.round(samples * INT16), -INT16, INT16 - 1) / INT16


def _without_dc(samples: np.ndarray, rate: float) -> np.ndarray:
    return samples - samples.mean(axis=0)


def _peak(level: float) -> Step:
    def scaled(samples: np.ndarray, rate: float) -> np.ndarray:
        peak = np.abs(samples).max(initial=0)
        return samples * (level / peak) if peak else samples

    return scaled


def _peak_at_most_1(samples: np.ndarray, rate: float) -> np.ndarray:
    return samples / max(1.0, np.abs(samples).max(initial=0))


def _maximum(samples: np.ndarray, rate: float) -> np.ndarray:
    """Divides by the largest sample, not by the largest distance from 0, in 16-bit integers."""
    integers = samples * INT16
    return integers / integers.max(initial=0.1)


def _at_least(seconds: float) -> Step:
    def padded(samples: np.ndarray, rate: float) -> np.ndarray:
        missing = max(round(seconds * rate) - len(samples), 0)
        return np.pad(samples, ((0, missing), (0, 0)))

    return padded


def _at_most(seconds: float) -> Step:
    return lambda samples, rate: samples[: round(seconds * rate)]


def _whole(seconds: float) -> Step:
    """Cuts off the end, so that the length is a whole multiple of `seconds`."""
    return lambda samples, rate: samples[: len(samples) - len(samples) % round(seconds * rate)]


def _mirrored(samples: np.ndarray, rate: float) -> np.ndarray:
    """Adds half an STFT window, mirrored, before and after the clip, as for a centred STFT."""
    half = round(0.0125 * rate)
    return np.pad(samples, ((half, half), (0, 0)), mode="reflect")


STEPS: dict[str, Step] = {
    "mean of channels": _mean,
    "first channel": _first,
    "one channel": _only,
    "cut to 16 bits": _cut_to_int16,
    "rounded to 16 bits": _rounded_to_int16,
    "without DC": _without_dc,
    "peak 1": _peak(1.0),
    "peak -1 dB": _peak(10 ** (-1 / 20)),
    "peak at most 1": _peak_at_most_1,
    "maximum 1": _maximum,
    "at least 0.96 s": _at_least(0.96),
    "at least 1 s": _at_least(1.0),
    "at least 2 s": _at_least(2.0),
    "at most 30 s": _at_most(30.0),
    "whole half seconds": _whole(0.5),
    "mirrored 12.5 ms": _mirrored,
}


def words_of(name: str, steps: Iterable[str]) -> tuple[str, ...]:
    """The names of steps as a tuple; a single string is not accepted as a list."""
    check_argument(name, steps, isinstance(steps, (tuple, list)), "a list of steps")
    return tuple(steps)


@dataclass(frozen=True)
class Preparation:
    """The steps before the front end, by their names.

    Args:
        decoded: names of steps for the decoded sound, with all channels; see STEPS.
        resampler: the name of a resampler; see resamplers.
        resampled: names of steps for the sound at the front end's rate.

    Raises:
        UsageError: there is no such step or resampler.

    Example:
        >>> prepare = Preparation(("first channel", "peak 1"), "none")
        >>> prepare(np.array([[0.25, 0.0], [-0.5, 1.0]]), 16_000, 16_000)
        array([ 0.5, -1. ], dtype=float32)
    """

    decoded: tuple[str, ...] = ("mean of channels",)
    resampler: str = "soxr"
    resampled: tuple[str, ...] = ()

    def __post_init__(self):
        for name in ("decoded", "resampled"):
            object.__setattr__(self, name, words_of(name, getattr(self, name)))
        for step in (*self.decoded, *self.resampled):
            check_word("step", step, tuple(STEPS))
        check_word("resampler", self.resampler, tuple(RESAMPLERS))

    @property
    def streams(self) -> bool:
        """Whether it works block by block: only the default does."""
        return self == Preparation()

    def __call__(self, samples: np.ndarray, rate: float, target: float) -> np.ndarray:
        """(num_samples, num_channels) at one rate → (num_samples,) float32 at another.

        Raises:
            AudioError: several channels are left, or the clip cannot be resampled.
        """
        steps = [partial(STEPS[step], rate=rate) for step in self.decoded]
        if rate != target:
            steps.append(partial(RESAMPLERS[self.resampler], rate=rate, target=target))
        steps += [partial(STEPS[step], rate=target) for step in (*self.resampled, "one channel")]
        samples = samples.astype(np.float64, copy=False)
        for step in steps:
            if len(samples):
                samples = step(samples)
        return samples[:, 0].astype(np.float32)
