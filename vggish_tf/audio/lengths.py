"""Seconds of sound in many clips, by their headers, for progress bars: nothing is decoded."""

import os
import time
from collections.abc import Sequence

from vggish_tf.audio.mono import audio_info
from vggish_tf.errors import AudioError

PATIENCE = 1.0  # seconds for the headers; the other clips are taken to be as long on average


Part = tuple[str | os.PathLike[str], float, float | None]


def total_seconds(clips: Sequence[Part]) -> float | None:
    """The seconds of sound in clips, an estimate if there are too many headers to read.

    Args:
        clips: of each the file, its start and its end in seconds; None is the end of the file.

    Returns:
        None if a header does not say. A file that cannot be read counts as nothing.
    """
    total, limit = 0.0, time.monotonic() + PATIENCE
    for count, clip in enumerate(clips):
        if count and time.monotonic() > limit:
            return total / count * len(clips)
        seconds = _seconds(clip)
        if seconds is None:
            return None
        total += seconds
    return total


def _seconds(clip: Part) -> float | None:
    path, start, end = clip
    if end is not None:
        return max(end - start, 0.0)
    try:
        info = audio_info(path)
    except (AudioError, OSError):
        return 0.0
    if info.num_samples is None:
        return None
    return max(info.num_samples / info.sample_rate - start, 0.0)
