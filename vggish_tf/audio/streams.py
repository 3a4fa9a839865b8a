"""Streams: one clip that comes in blocks → mono float32 samples at one rate.

MonoStream averages the channels and resamples with soxr, block by block, in constant memory. The
result is the same bit for bit, whatever the blocks. Samples are never clipped or normalized: values
beyond ±1, which float and lossy files may hold, are kept, as in soundfile and librosa.

WholeClip holds the blocks and returns everything at the end, for pipelines that need the whole
clip first.

Source: upstream's vggish_input.py (mean over channels, then resampling; there with resampy).
"""

import numpy as np
import soxr

from vggish_tf.audio.preparation import Preparation
from vggish_tf.audio.resamplers import QUALITY
from vggish_tf.audio.waveform import (
    MAX_CHANNELS,
    check_axes,
    check_rate,
    check_samples,
    check_shape,
    is_number,
)
from vggish_tf.errors import AudioError, counted

NO_SAMPLES = np.zeros(0, np.float32)


class _Stream:
    """Checks of the blocks of one clip."""

    def __init__(self, sample_rate, target_rate, num_channels=None):
        check_rate(sample_rate, "sample_rate")
        check_rate(target_rate, "target_rate")
        if num_channels is not None and not (
            is_number(num_channels) and num_channels in range(1, MAX_CHANNELS + 1)
        ):
            raise AudioError(
                f"num_channels must be from 1 to {MAX_CHANNELS}, or None; received "
                f"{num_channels!r}."
            )
        self._sample_rate, self._num_channels = sample_rate, num_channels
        self._num_samples, self._finished = 0, False

    def push(self, waveform) -> np.ndarray:
        """Takes the next block and returns the output that is ready, (k,) float32.

        Both may be empty.

        Raises:
            AudioError: as check_waveform; the number of channels has changed; or the stream is
                finished.
        """
        self._check_open()
        known = self._num_channels
        samples = check_shape(waveform)
        if not known:
            check_axes(samples)
        if samples.shape[1] != (known or samples.shape[1]):
            raise AudioError(
                "every block of a stream must have "
                f"{counted(known or 0, 'channel')}, as the first one or as declared; "
                f"received {samples.shape}. Make a new {type(self).__name__} for other audio."
            )
        check_samples(samples, "waveform", self._num_samples)
        if len(samples):
            self._num_channels = samples.shape[1]
        self._num_samples += len(samples)
        return self._take(samples)

    def finish(self) -> np.ndarray:
        """Returns the rest of the output, (k,) float32, and ends the stream."""
        self._check_open()
        self._finished = True
        return self._rest()

    def _take(self, samples: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _rest(self) -> np.ndarray:
        raise NotImplementedError

    def _check_open(self):
        if self._finished:
            name = type(self).__name__
            raise AudioError(f"this {name} is finished. Make a new one for the next clip.")


class MonoStream(_Stream):
    """The work of to_mono block by block: in constant memory, with the same result bit for bit.

    Args:
        sample_rate, target_rate: Hz, as for check_waveform.
        num_channels: the number of channels of every block; None takes it from the first one.

    Raises:
        AudioError: an impossible rate or number of channels.

    Example:
        >>> stream = MonoStream(48000, 16000)
        >>> blocks = [stream.push(np.zeros(48000)) for _ in range(3)] + [stream.finish()]
        >>> sum(map(len, blocks))
        48000
    """

    def __init__(self, sample_rate, target_rate, num_channels=None):
        super().__init__(sample_rate, target_rate, num_channels)
        self._resampler = None
        if sample_rate != target_rate:
            self._resampler = soxr.ResampleStream(
                sample_rate, target_rate, 1, dtype="float32", quality=QUALITY
            )

    def _take(self, samples: np.ndarray) -> np.ndarray:
        return self._resample(_mean(samples))

    def _rest(self) -> np.ndarray:
        return self._resample(NO_SAMPLES, last=True)

    def _resample(self, mono: np.ndarray, last: bool = False) -> np.ndarray:
        return mono if self._resampler is None else self._resampler.resample_chunk(mono, last=last)


class WholeClip(_Stream):
    """Holds a clip until its end, then prepares it as a whole.

    Args:
        prepare: the steps.
        sample_rate, target_rate, num_channels: as for MonoStream.

    Example:
        >>> stream = WholeClip(Preparation(("first channel", "peak 1")), 16_000, 16_000)
        >>> len(stream.push(np.array([0.5, 0.25]))), stream.finish()
        (0, array([1. , 0.5], dtype=float32))
    """

    def __init__(self, prepare: Preparation, sample_rate, target_rate, num_channels=None):
        super().__init__(sample_rate, target_rate, num_channels)
        self._prepare, self._rates = prepare, (sample_rate, target_rate)
        self._blocks: list[np.ndarray] = []

    def _take(self, samples: np.ndarray) -> np.ndarray:
        self._blocks.append(samples.copy())  # the caller may fill the same array again
        return NO_SAMPLES

    def _rest(self) -> np.ndarray:
        if not self._num_samples:
            return NO_SAMPLES
        samples = np.concatenate(self._blocks, dtype=np.float64)
        self._blocks.clear()  # an hour of stereo is a gigabyte
        return self._prepare(samples, *self._rates)


def stream_of(
    prepare: Preparation, sample_rate, target_rate, num_channels=None
) -> MonoStream | WholeClip:
    """The stream for a preparation: a MonoStream if it can work block by block."""
    rates = sample_rate, target_rate, num_channels
    return MonoStream(*rates) if prepare.streams else WholeClip(prepare, *rates)


def _mean(samples: np.ndarray) -> np.ndarray:
    """Mean over channels, added one by one in float64.

    np.mean adds in an order that depends on the block's shape.
    """
    if samples.shape[1] == 1:
        return samples[:, 0].astype(np.float32)
    if samples.shape[1] == 2 and samples.dtype == np.float32:
        # the same as in float64, in less time: the sum is rounded once, or is exact and halved
        return (samples[:, 0] + samples[:, 1]) * np.float32(0.5)
    total = samples[:, 0].astype(np.float64)
    for channel in range(1, samples.shape[1]):
        total += samples[:, channel]
    return (total / samples.shape[1]).astype(np.float32)
