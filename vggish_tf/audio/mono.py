"""Audio of any rate and channel count → mono float32 at one rate, whole or block by block.

A file is decoded by sound_file.py, or by ffmpeg.py where that cannot; the channels are averaged,
then soxr HQ resamples. Arrays and streams are processed in the same way: the three agree bit for
bit, whatever the blocks. Samples are never clipped or normalized: float and lossy files may hold
values beyond ±1, and keep them, as in soundfile and librosa.

Source: upstream's vggish_input.py (mean over channels, then resampling; there with resampy).
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import soxr

from vggish_tf.audio import ffmpeg, sound_file
from vggish_tf.audio.sound_file import PIECE, AudioInfo, Sound
from vggish_tf.audio.waveform import (
    MAX_CHANNELS,
    check_rate,
    check_samples,
    check_shape,
    check_waveform,
    is_number,
)
from vggish_tf.errors import AudioError, check_argument, counted

QUALITY = "HQ"
WARM_UP_SECONDS = 1.0  # before a stretch, which the resampler's filter looks back on
RESAMPLER = f"soxr {QUALITY}"


def suffixes() -> tuple[str, ...]:
    """Suffixes of the audio files that can be read here, in lower case.

    Example:
        >>> ".wav" in suffixes()
        True
    """
    return sound_file.SUFFIXES + (ffmpeg.SUFFIXES if ffmpeg.is_installed() else ())


@contextmanager
def _opened(path) -> Iterator[Sound]:
    """Opens a file with libsndfile, or with ffmpeg if its first bytes say so."""
    with sound_file.open_file(path) as file:
        decoder = ffmpeg if ffmpeg.container_of(file) else sound_file
        with decoder.opened(file) as sound:
            yield sound


def audio_info(path) -> AudioInfo:
    """Returns the header of a file, after all checks that need no decoding.

    Raises:
        AudioError: as load_audio, except for damage that only decoding shows.
    """
    with _opened(path) as sound:
        return sound.info


def failure_of(path) -> AudioError | None:
    """The error that prevents opening a file: missing, empty, not a file, forbidden; else None."""
    try:
        sound_file.open_file(path).close()
    except AudioError as error:
        return error
    return None


def load_audio(path) -> tuple[np.ndarray, int]:
    """Decodes a whole file: (num_samples, num_channels) float32 in [-1, 1], and its sample rate.

    Values of float and lossy files beyond ±1 are kept. Needs twice the memory of the result for a
    moment; read_blocks needs hardly any.

    Raises:
        AudioError: the file is missing, unreadable, empty, not audio, damaged or cut short
            (sound_file.py lists the cuts that can be detected), holds NaN or infinite samples, or
            has an impossible sample rate; or decoding needs ffmpeg (MP4, WebM, AAC …), which is not
            installed.

    Example:
        >>> import tempfile, soundfile
        >>> path = tempfile.mkdtemp() + "/click.wav"
        >>> soundfile.write(path, np.array([[0.5, -1.0]]), 44100)
        >>> load_audio(path)
        (array([[ 0.5, -1. ]], dtype=float32), 44100)
    """
    with _opened(path) as sound:
        return np.concatenate(list(sound.blocks(PIECE))), sound.info.sample_rate


def read_blocks(path, target_rate, block_seconds: float = 10.0) -> Iterator[np.ndarray]:
    """Decodes a file in constant memory, as mono float32 blocks at `target_rate`.

    A block has about `block_seconds` or less. Concatenated, the blocks equal
    to_mono(*load_audio(path), target_rate), bit for bit.

    Raises:
        UsageError: block_seconds is not positive and finite.
        AudioError: as load_audio. Damage that only decoding shows is raised where decoding meets
            it, before the last block.
    """
    positive = is_number(block_seconds) and 0 < block_seconds < float("inf")
    check_argument("block_seconds", block_seconds, positive, "a positive number")
    with _opened(path) as sound:
        yield from _mono_blocks(sound, target_rate, block_seconds)


def _mono_blocks(sound: Sound, target_rate, block_seconds: float) -> Iterator[np.ndarray]:
    stream = MonoStream(sound.info.sample_rate, target_rate, sound.info.num_channels)
    for block in sound.blocks(block_seconds * sound.info.sample_rate):
        mono = stream.push(block)
        if len(mono):
            yield mono
    tail = stream.finish()
    if len(tail):
        yield tail


def read_stretch(
    path, target_rate, start: float, end: float | None, block_seconds: float = 10.0
) -> Iterator[np.ndarray]:
    """The blocks of read_blocks() from one time to another, in seconds; None is the end.

    Uncompressed files and FLAC are decoded from a second before the start on, which moves samples
    by a last bit if they are resampled; others from the beginning.

    Raises:
        AudioError: as read_blocks, and a file that ends before the start.
    """
    first, last = round(start * target_rate), None if end is None else round(end * target_rate)
    with _opened(path) as sound:
        skipped, skipped_mono = _skipped(sound, target_rate, start)
        if skipped:
            sound = sound._replace(blocks=partial(sound.blocks, first=skipped))
        blocks = _mono_blocks(sound, target_rate, block_seconds)
        last = None if last is None else last - skipped_mono
        count = 0
        for block in cut(blocks, first - skipped_mono, last):
            count += len(block)
            yield block
    if not count:
        raise AudioError(f"{path} has no samples from {start:g} s on.")


def _skipped(sound: Sound, target_rate, start: float) -> tuple[int, int]:
    """How many samples need not be decoded, a whole number before resampling and after it."""
    if not sound.is_exact or start <= WARM_UP_SECONDS or int(target_rate) != target_rate:
        return 0, 0
    common = math.gcd(sound.info.sample_rate, int(target_rate))
    last = (sound.info.num_samples or 1) - 1  # FLAC cannot seek to the end itself
    times = min(int((start - WARM_UP_SECONDS) * common), last * common // sound.info.sample_rate)
    return times * sound.info.sample_rate // common, times * int(target_rate) // common


def to_mono(waveform, sample_rate, target_rate) -> np.ndarray:
    """The mean over the channels, resampled: (num_samples at target_rate,) float32.

    Raises:
        AudioError: as check_waveform, and an array without samples.

    Example:
        >>> to_mono(np.array([[0.25, 0.75], [-1.0, 0.0]]), 16000, 16000)
        array([ 0.5, -0.5], dtype=float32)
    """
    return np.concatenate(list(array_blocks(waveform, sample_rate, target_rate, float("inf"))))


def cut(blocks: Iterable[np.ndarray], first: int, last: int | None) -> Iterator[np.ndarray]:
    """The samples of a clip from `first` up to, but not at, `last`; None is its end.

    Example:
        >>> [len(block) for block in cut([np.zeros(5), np.zeros(5), np.zeros(5)], 3, 9)]
        [2, 4]
    """
    count = 0
    for block in blocks:
        part = block[max(first - count, 0) : None if last is None else max(last - count, 0)]
        count += len(block)
        if len(part):
            yield part
        if last is not None and count >= last:
            return


def array_blocks(
    waveform, sample_rate, target_rate, block_seconds: float = 10.0
) -> Iterator[np.ndarray]:
    """Mono float32 blocks of an array, as read_blocks of a file; concatenated they equal to_mono.

    Raises:
        AudioError: as to_mono.
    """
    samples = check_waveform(waveform, sample_rate)
    if not len(samples):
        raise AudioError("waveform has no samples; received an empty array.")
    stream = MonoStream(sample_rate, target_rate, samples.shape[1])
    step = int(max(1, min(block_seconds * sample_rate, PIECE // samples.shape[1])))
    for start in range(0, len(samples), step):
        yield stream.push(samples[start : start + step])
    yield stream.finish()


class MonoStream:
    """to_mono block by block: constant memory, and the same result bit for bit.

    Args:
        sample_rate, target_rate: Hz, as in check_waveform.
        num_channels: of every block; None takes it from the first one.

    Raises:
        AudioError: an impossible rate or number of channels.

    Example:
        >>> stream = MonoStream(48000, 16000)
        >>> blocks = [stream.push(np.zeros(48000)) for _ in range(3)] + [stream.finish()]
        >>> sum(map(len, blocks))
        48000
    """

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
        self._resampler = None
        if sample_rate != target_rate:
            self._resampler = soxr.ResampleStream(
                sample_rate, target_rate, 1, dtype="float32", quality=QUALITY
            )

    def push(self, waveform) -> np.ndarray:
        """Takes the next block and returns the output that is ready, (k,) float32.

        Both may be empty.

        Raises:
            AudioError: as check_waveform; another number of channels than before; a stream that is
                finished.
        """
        self._check_open()
        known = self._num_channels
        samples = check_shape(waveform) if known else check_waveform(waveform, self._sample_rate)
        if samples.shape[1] != (known or samples.shape[1]):
            raise AudioError(
                "every block of a stream must have "
                f"{counted(known or 0, 'channel')}, as the first one or as declared; "
                f"received {samples.shape}. Make a new MonoStream for other audio."
            )
        check_samples(samples, "waveform", self._num_samples)
        if len(samples):
            self._num_channels = samples.shape[1]
        self._num_samples += len(samples)
        return self._resample(_mean(samples))

    def finish(self) -> np.ndarray:
        """Returns the rest of the resampler's output, (k,) float32, and ends the stream."""
        self._check_open()
        self._finished = True
        return self._resample(np.zeros(0, np.float32), last=True)

    def _resample(self, mono: np.ndarray, last: bool = False) -> np.ndarray:
        return mono if self._resampler is None else self._resampler.resample_chunk(mono, last=last)

    def _check_open(self):
        if self._finished:
            raise AudioError("this MonoStream is finished. Make a new one for the next clip.")


def _mean(samples: np.ndarray) -> np.ndarray:
    """Mean over channels, added one by one in float64.

    np.mean adds in an order that depends on the block's shape.
    """
    total = samples[:, 0].astype(np.float64)
    for channel in range(1, samples.shape[1]):
        total += samples[:, channel]
    return (total / samples.shape[1]).astype(np.float32)
