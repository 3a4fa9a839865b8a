"""Files and arrays of any rate and channel count → mono float32 at one rate, whole or in blocks.

sound_file.py decodes a file, or ffmpeg.py if its container needs that. A stream of streams.py turns
the blocks into mono samples. Arrays and files are processed in the same way: the results are equal
bit for bit, whatever the size of the blocks.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from vggish_tf.audio import ffmpeg, sound_file
from vggish_tf.audio.preparation import Preparation
from vggish_tf.audio.sound_file import PIECE, AudioInfo, Sound
from vggish_tf.audio.streams import stream_of
from vggish_tf.audio.waveform import check_waveform, is_number
from vggish_tf.errors import AudioError, check_argument

WARM_UP_SECONDS = 1.0  # decoded before a stretch, to fill the resampler's filter
Stretch = tuple[float, float | None]  # start and end in seconds; None is the end of the clip


def suffixes() -> tuple[str, ...]:
    """Suffixes of the audio files that can be read here, in lower case.

    Example:
        >>> ".wav" in suffixes()
        True
    """
    return sound_file.SUFFIXES + (ffmpeg.SUFFIXES if ffmpeg.is_installed() else ())


@contextmanager
def _opened(path) -> Iterator[Sound]:
    """Opens a file with libsndfile, or with ffmpeg if its container needs that.

    The name of the file is added to errors of the steps after decoding, which do not know it.
    """
    with sound_file.open_file(path) as file:
        decoder = ffmpeg if ffmpeg.container_of(file) else sound_file
        with decoder.opened(file) as sound:
            try:
                yield sound
            except AudioError as error:
                named = str(error).startswith(str(file.name))
                raise error if named else AudioError(f"{file.name}: {error}") from None


def audio_info(path) -> AudioInfo:
    """Returns the header of a file, after all checks that need no decoding.

    Raises:
        AudioError: as load_audio, except for damage that only decoding shows.
    """
    with _opened(path) as sound:
        return sound.info


def failure_of(path) -> AudioError | None:
    """The error if a file is missing, empty, not a file or not readable; otherwise None."""
    try:
        sound_file.open_file(path).close()
    except AudioError as error:
        return error
    return None


def load_audio(path) -> tuple[np.ndarray, int]:
    """Decodes a whole file: (num_samples, num_channels) float32 in [-1, 1], and its sample rate.

    Values beyond ±1, which float and lossy files may hold, are kept. The function needs twice the
    memory of its result; read_blocks needs constant memory.

    Args:
        path: a string or a Path, of any format in suffixes().

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


def read_blocks(
    path, target_rate, block_seconds: float = 10.0, prepare: Preparation = Preparation()
) -> Iterator[np.ndarray]:
    """Decodes a file in constant memory, as mono float32 blocks at `target_rate`.

    A block has about `block_seconds` or less. Concatenated, the blocks equal
    to_mono(*load_audio(path), target_rate), bit for bit. A preparation other than the default
    holds the whole clip in memory.

    Raises:
        UsageError: block_seconds is not positive and finite.
        AudioError: as load_audio. Damage that only decoding shows is raised where decoding meets
            it, before the last block.
    """
    positive = is_number(block_seconds) and 0 < block_seconds < float("inf")
    check_argument("block_seconds", block_seconds, positive, "a positive number")
    with _opened(path) as sound:
        yield from _mono_blocks(sound, target_rate, block_seconds, prepare)


def _mono_blocks(
    sound: Sound, target_rate, block_seconds: float, prepare: Preparation
) -> Iterator[np.ndarray]:
    info = sound.info
    stream = stream_of(prepare, info.sample_rate, target_rate, info.num_channels)
    for block in sound.blocks(block_seconds * info.sample_rate):
        mono = stream.push(block)
        if len(mono):
            yield mono
    yield from pieces(stream.finish(), block_seconds * target_rate)


def pieces(samples: np.ndarray, size: float) -> Iterator[np.ndarray]:
    """Cuts samples into pieces of at most `size`, which may be infinite.

    Example:
        >>> [len(piece) for piece in pieces(np.zeros(5), 2)]
        [2, 2, 1]
    """
    step = int(max(1, min(size, len(samples))))
    yield from (samples[start : start + step] for start in range(0, len(samples), step))


def read_stretch(
    path,
    target_rate,
    start: float,
    end: float | None,
    block_seconds: float = 10.0,
    prepare: Preparation = Preparation(),
) -> Iterator[np.ndarray]:
    """The blocks of read_blocks() from one time to another, in seconds; None is the end.

    Uncompressed files and FLAC are decoded from one second before the start; resampled samples may
    then differ in the last bit. Other files are decoded from the beginning. A preparation other
    than the default is applied to the stretch alone.

    Raises:
        AudioError: as read_blocks, and a file that ends before the start.
    """
    with _opened(path) as sound:
        if prepare.streams:
            blocks = _stretch_of_mono(sound, target_rate, (start, end), block_seconds)
            yield from _some(blocks, (start, end))
            return
        stretch = partial(_decoded_stretch, sound, (start, end))
        within = sound._replace(
            blocks=lambda block_samples: _some(stretch(block_samples), (start, end))
        )
        yield from _mono_blocks(within, target_rate, block_seconds, prepare)


def _some(blocks: Iterable[np.ndarray], stretch: Stretch) -> Iterator[np.ndarray]:
    """The same blocks; it is an error if there is no sample in them."""
    count = 0
    for block in blocks:
        count += len(block)
        yield block
    if not count:
        start, end = stretch
        until = "on" if end is None else f"to {end:g} s"
        raise AudioError(f"no samples from {start:g} s {until}.")


def _stretch_of_mono(
    sound: Sound, target_rate, stretch: Stretch, block_seconds: float
) -> Iterator[np.ndarray]:
    """Cuts after resampling, so that the resampler's filter covers samples before the stretch."""
    skipped, skipped_mono = _skipped(sound, target_rate, stretch[0])
    blocks = _mono_blocks(_from(sound, skipped), target_rate, block_seconds, Preparation())
    first, last = _samples(stretch, target_rate)
    return cut(blocks, first - skipped_mono, None if last is None else last - skipped_mono)


def _decoded_stretch(sound: Sound, stretch: Stretch, block_samples: float) -> Iterator[np.ndarray]:
    """Cuts before any step, so that no step uses samples outside the stretch."""
    first, last = _samples(stretch, sound.info.sample_rate)
    skipped = min(first, (sound.info.num_samples or 1) - 1) if sound.is_exact else 0
    blocks = _from(sound, skipped).blocks(block_samples)
    return cut(blocks, first - skipped, None if last is None else last - skipped)


def _from(sound: Sound, first: int) -> Sound:
    """The same sound from sample `first` on."""
    return sound._replace(blocks=partial(sound.blocks, first=first)) if first else sound


def _samples(stretch: Stretch, rate) -> tuple[int, int | None]:
    start, end = stretch
    return round(start * rate), None if end is None else round(end * rate)


def _skipped(sound: Sound, target_rate, start: float) -> tuple[int, int]:
    """Samples that need not be decoded: a whole number both before and after resampling."""
    if not sound.is_exact or start <= WARM_UP_SECONDS or int(target_rate) != target_rate:
        return 0, 0
    common = math.gcd(sound.info.sample_rate, int(target_rate))
    last = (sound.info.num_samples or 1) - 1  # FLAC cannot seek to the end itself
    times = min(int((start - WARM_UP_SECONDS) * common), last * common // sound.info.sample_rate)
    return times * sound.info.sample_rate // common, times * int(target_rate) // common


def to_mono(waveform, sample_rate, target_rate, prepare: Preparation = Preparation()) -> np.ndarray:
    """A whole clip as mono samples, (num_samples at target_rate,) float32.

    By default these are the mean over the channels, resampled by soxr.

    Raises:
        AudioError: as check_waveform, and an array without samples.

    Example:
        >>> to_mono(np.array([[0.25, 0.75], [-1.0, 0.0]]), 16000, 16000)
        array([ 0.5, -0.5], dtype=float32)
    """
    return np.concatenate(
        list(array_blocks(waveform, sample_rate, target_rate, float("inf"), prepare))
    )


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
    waveform,
    sample_rate,
    target_rate,
    block_seconds: float = 10.0,
    prepare: Preparation = Preparation(),
) -> Iterator[np.ndarray]:
    """Mono float32 blocks of an array, as read_blocks for a file; concatenated they equal to_mono.

    Raises:
        AudioError: as to_mono.
    """
    samples = check_waveform(waveform, sample_rate)
    if not len(samples):
        raise AudioError("waveform has no samples; received an empty array.")
    stream = stream_of(prepare, sample_rate, target_rate, samples.shape[1])
    size = min(block_seconds * sample_rate, PIECE // samples.shape[1])
    yield from map(stream.push, pieces(samples, size))
    yield from pieces(stream.finish(), block_seconds * target_rate)
