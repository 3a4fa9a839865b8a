"""Reading of clips: one clip, many in parallel, and within TensorFlow, which hides their errors."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np

from vggish_tf import audio
from vggish_tf.errors import AudioError, VGGishError, counted, hold_warnings, release_warnings
from vggish_tf.jobs.finetune.clips import Clip
from vggish_tf.progress import SoundBar

THREADS = os.cpu_count() or 1
LISTED = 10  # bad clips that a message names; the others are counted

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_clip(clip: Clip, sample_rate: float) -> np.ndarray:
    """The waveform of a clip, (num_samples,) float32, mono at `sample_rate`.

    The file is not read beyond the end of the clip.

    Raises:
        AudioError: the file cannot be read, or ends before the clip starts.
    """
    stretch = audio.read_stretch(clip.path, sample_rate, clip.start, clip.end)
    return np.concatenate(list(stretch))


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yields `work` of each item, in order; threads compute it a few items ahead.

    Errors and warnings are raised in the caller's thread, in their place.

    Example:
        >>> list(in_parallel(abs, [-1, 2, -3]))
        [1, 2, 3]
    """
    held, ahead = deque[str](), deque[Future[Result]]()
    with ThreadPoolExecutor(THREADS, "vggish_tf read", hold_warnings, (held,)) as pool:
        for item in items:
            ahead.append(pool.submit(work, item))
            if len(ahead) > 2 * THREADS:
                yield _next(ahead, held)
        while ahead:
            yield _next(ahead, held)


def _next(ahead: deque[Future[Result]], held: deque[str]) -> Result:
    try:
        return ahead.popleft().result()
    finally:
        release_warnings(held)


def lengths_of(clips: Sequence[Clip], sample_rate: float) -> Iterator[int | AudioError]:
    """The number of samples of each clip, or the error in reading it."""

    def length(clip):
        try:
            return len(read_clip(clip, sample_rate))
        except AudioError as error:
            return error

    with SoundBar(lambda: seconds_of(clips), "reading") as bar:
        for found in in_parallel(length, clips):
            bar.update(0 if isinstance(found, AudioError) else found / sample_rate)
            yield found


def seconds_of(clips: Sequence[Clip]) -> float | None:
    """The seconds of sound in clips, by headers; None if one does not say."""
    return audio.total_seconds([(clip.path, clip.start, clip.end) for clip in clips])


def check_unreadable(skipped: Sequence[tuple[Clip, AudioError]], count: int, most: float):
    """Raises if more than the share `most` of all clips, or every clip, cannot be read.

    Raises:
        VGGishError: there are more; the message has their number and the first of them.
    """
    if len(skipped) > most * count or len(skipped) == count:
        raise VGGishError(
            f"{len(skipped)} of {counted(count, 'clip')} cannot be read; at most {most:.0%}, and "
            f"never all, may be left out:\n{describe_skipped(skipped)}"
        )


def describe_skipped(skipped: Sequence[tuple[Clip, AudioError]]) -> str:
    """The errors of the first clips that cannot be read, a line for each."""
    lines = [f"  {error}" for _, error in skipped[:LISTED]]
    return "\n".join(
        lines + ([f"  and {len(skipped) - LISTED} more"] if len(skipped) > LISTED else [])
    )


class ClipReader:
    """A function of a clip for TensorFlow to call, which keeps its first error.

    TensorFlow replaces that error by one of its own, which has only the text.

    Args:
        read: the function.

    Example:
        >>> from pathlib import Path
        >>> reader = ClipReader(lambda clip: clip.path.read_bytes())
        >>> with reader.errors():
        ...     reader(Clip(Path("nowhere.wav"), ("cat",)))
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.wav'
    """

    def __init__(self, read: Callable[[Clip], np.ndarray]):
        self.read = read
        self.error: Exception | None = None

    def __call__(self, clip: Clip) -> np.ndarray:
        try:
            return self.read(clip)
        except Exception as error:
            self.error = self.error or error
            raise

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raises the error in reading a clip instead of the error that TensorFlow made from it."""
        try:
            yield
        except Exception:
            if self.error:
                raise self.error from None
            raise
