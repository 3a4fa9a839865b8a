"""Clips for writing and reading: checked, in groups, and as rows of a table."""

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from vggish_tf.errors import VGGishError, printable
from vggish_tf.params import EMBEDDING_SIZE
from vggish_tf.rows import Archive, ClipRows

DTYPES = (np.dtype(np.float32), np.dtype(np.uint8))
NO_ROWS = ClipRows("", np.zeros(0), np.zeros(0), np.zeros((0, EMBEDDING_SIZE), np.float32))
ROWS_AT_ONCE = 4096  # read at a time
GROUP_ROWS = 4096  # written at a time: 2 MB of float32


class Rows(NamedTuple):
    """Consecutive rows of a table, of any number of clips; `labels` has an array for each row."""

    paths: np.ndarray  # (n,) of str
    start: np.ndarray
    end: np.ndarray
    embedding: np.ndarray
    labels: list[np.ndarray] | None = None


def arrow_file(path: str | os.PathLike[str], mode: Literal["rb", "wb"] = "rb"):
    """A file for pyarrow, which does not open names that are not UTF-8 by itself."""
    import pyarrow as pa

    return pa.OSFile(os.fsencode(path), mode)


def opened(archive: Archive) -> tuple[ClipRows, Iterator[ClipRows]]:
    """The first clip, which determines the kind of rows, and all clips, checked one by one.

    Raises:
        VGGishError: the rows of a clip are not (n, size) float32 or uint8 with n times, or are of
            another kind than those of the first clip; for a later clip, from the iterator.
    """
    clips = map(_checked, archive.clips)
    first = next(clips, None)
    return (NO_ROWS, iter(())) if first is None else (first, _alike(first, clips))


def _checked(clip: ClipRows) -> ClipRows:
    path, start, end, embedding, labels = clip
    embedding = np.asarray(embedding)
    fits = embedding.ndim == 2 and embedding.dtype in DTYPES
    if not fits or not len(embedding) == len(start) == len(end):
        raise VGGishError(
            f"the rows of {path!r} must be (n, size) float32 or uint8 with n times; received "
            f"{embedding.dtype} {embedding.shape} with {len(start)} and {len(end)}."
        )
    return ClipRows(printable(path), start, end, embedding, labels)


def _alike(first: ClipRows, others: Iterable[ClipRows]) -> Iterator[ClipRows]:
    kind = _kind(first)
    for clip in itertools.chain([first], others):
        if _kind(clip) != kind:
            raise VGGishError(
                f"all rows of an archive must be {_described(first)}, as those of its first clip; "
                f"received {_described(clip)}, of {clip.path!r}."
            )
        yield clip


def _kind(clip: ClipRows) -> tuple:
    return clip.embedding.shape[1], clip.embedding.dtype, clip.labels is None


def _described(clip: ClipRows) -> str:
    size, dtype, unlabelled = _kind(clip)
    return f"(n, {size}) {dtype} {'without' if unlabelled else 'with'} labels"


def groups(clips: Iterable[ClipRows]) -> Iterator[Rows]:
    """Yields the rows of clips, about GROUP_ROWS at a time."""
    group, num_rows = list[ClipRows](), 0
    for clip in clips:
        group.append(clip)
        num_rows += max(len(clip.start), 1)
        if num_rows >= GROUP_ROWS:
            yield _rows_of(group)
            group, num_rows = [], 0
    if group:
        yield _rows_of(group)


def _rows_of(clips: list[ClipRows]) -> Rows:
    counts = [len(clip.start) for clip in clips]
    columns = zip(*(clip[1:4] for clip in clips), strict=True)
    start, end, embedding = (
        np.concatenate(arrays) if len(clips) > 1 else arrays[0] for arrays in columns
    )
    paths = np.repeat(np.array([clip.path for clip in clips], object), counts)
    if clips[0].labels is None:
        return Rows(paths, start, end, embedding)
    pairs = zip(clips, counts, strict=True)
    labels = [np.asarray(clip.labels) for clip, count in pairs for _ in range(count)]
    return Rows(paths, start, end, embedding, labels)


class Clips(Iterator[ClipRows]):
    """The clips of a table that can be read once: clip after clip, or as the batches it stores."""

    def __init__(self, batches: Iterable[Rows]):
        self.batches = batches
        self._clips = clips_of(batches)

    def __next__(self) -> ClipRows:
        return next(self._clips)


def batches_of(clips: Iterable[ClipRows]) -> Iterable[Rows]:
    """The rows of clips in batches: those that were read, which is faster, or new groups."""
    return clips.batches if isinstance(clips, Clips) else groups(clips)


def clips_of(batches: Iterable[Rows]) -> Iterator[ClipRows]:
    """Yields clip after clip; the consecutive rows of a clip may be in several batches."""
    held: list[ClipRows] = []
    for part in (part for rows in batches for part in _parts(rows)):
        if held and not _is_same(held[0], part):
            yield _joined(held)
            held = []
        held.append(part)
    if held:
        yield _joined(held)


def _parts(rows: Rows) -> Iterator[ClipRows]:
    """Yields the clips in one batch; copied, so that none keeps the batch in memory."""
    paths, start, end, embedding, labels = rows
    changes = paths[1:] != paths[:-1]
    if labels is not None:
        differ = [not np.array_equal(*pair) for pair in itertools.pairwise(labels)]
        changes |= np.array(differ, bool)  # without a pair it would be float64
    borders = [0, *(np.flatnonzero(changes) + 1).tolist(), len(paths)]
    for first, last in itertools.pairwise(borders if len(paths) else ()):
        times = start[first:last].copy(), end[first:last].copy()
        label = None if labels is None else labels[first]
        yield ClipRows(paths[first], *times, embedding[first:last].copy(), label)


def _is_same(one: ClipRows, other: ClipRows) -> bool:
    """Whether two parts belong to one clip."""
    if one.labels is None or other.labels is None:
        return one.path == other.path
    return one.path == other.path and np.array_equal(one.labels, other.labels)


def _joined(parts: list[ClipRows]) -> ClipRows:
    if len(parts) == 1:
        return parts[0]
    start, end, embedding = map(np.concatenate, zip(*(part[1:4] for part in parts), strict=True))
    return ClipRows(parts[0].path, start, end, embedding, parts[0].labels)
