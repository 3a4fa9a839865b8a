"""Segments: the rows of an archive that have a direction, with their files, times and labels."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from vggish_tf.cosines import have_direction
from vggish_tf.errors import VGGishError, counted
from vggish_tf.formats.clips import opened
from vggish_tf.rows import Archive, ClipRows

MOST = 1_000_000  # rows; browsers cannot open a page of more
UNLABELLED = "no label"


class Segments(NamedTuple):
    """Segments, row by row; `label` is None if the archive has no labels."""

    files: list[str]  # each once, in the order of the archive
    file: np.ndarray  # (n,) int64, the place of each segment's file in `files`
    start: np.ndarray  # (n,) float64, seconds
    end: np.ndarray  # (n,) float64, seconds; NaN if the archive does not have it
    rows: np.ndarray  # (n, size) float32 or uint8
    labels: list[str]  # names of classes
    label: np.ndarray | None  # (n,) int64, the place of each segment's class in `labels`
    left_out: int  # rows of zeros, or with a number that is not finite


def read(archive: Archive) -> Segments:
    """The segments of an archive, in its order.

    Raises:
        VGGishError: there are no rows, none has a direction, or a page cannot hold so many.

    Example:
        >>> clip = ClipRows("a.wav", np.arange(2), np.arange(2) + 1, np.eye(2, 128, dtype="f4"))
        >>> read(Archive([clip], {})).file
        array([0, 0])
    """
    clips = _clips(archive)
    if not clips:
        raise VGGishError("the archive holds no rows. Embed sounds that are longer.")
    rows = np.concatenate([clip.embedding for clip in clips])
    known = have_direction(rows)
    if not known.any():
        raise VGGishError(
            f"the archive holds {counted(len(rows), 'row')}, each zero or not finite: none can be "
            "shown on a map. Embed the sounds again."
        )
    counts = [len(clip.start) for clip in clips]
    files, file = numbered(clip.path for clip in clips)
    has_labels = clips[0].labels is not None
    labels, label = numbered(map(_label, clips))
    file, label = np.repeat(file, counts), np.repeat(label, counts)
    start, end = (np.concatenate([clip[place] for clip in clips]) for place in (1, 2))
    return Segments(
        files, file[known], start[known].astype(np.float64), end[known].astype(np.float64),
        rows if known.all() else rows[known], labels if has_labels else [],
        label[known] if has_labels else None,
        int((~known).sum()),
    )  # fmt: skip


def _clips(archive: Archive) -> list[ClipRows]:
    """The clips that have rows."""
    clips, count = [], 0
    for clip in opened(archive)[1]:
        count += len(clip.start)
        if count > MOST:
            raise VGGishError(
                f"a map holds at most {MOST:,} rows, and the archive has more. Give a part of it."
            )
        if len(clip.start):
            clips.append(clip)
    return clips


def _label(clip: ClipRows) -> str:
    """The labels of a clip, which are numbers of classes in its dataset, as one name."""
    return ", ".join(map(str, clip.labels if clip.labels is not None else ())) or UNLABELLED


def numbered(names: Iterable[str]) -> tuple[list[str], np.ndarray]:
    """The different names, in order of their first occurrence, and the place of each name there.

    Example:
        >>> numbered(["sea", "owl", "sea"])
        (['sea', 'owl'], array([0, 1, 0]))
    """
    places: dict[str, int] = {}
    numbers = np.array([places.setdefault(name, len(places)) for name in names], np.int64)
    return list(places), numbers
