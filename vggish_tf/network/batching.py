"""Arrays of any lengths → batches of one size, made one step ahead of the network.

No Keras here.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

import numpy as np

from vggish_tf.errors import AudioError, hold_warnings, release_warnings

ClipEnd = tuple[int, AudioError | None]  # the number of examples of a clip, and its error, if any
Item = TypeVar("Item")
_END = object()


def embed_clips(
    run: Callable[[np.ndarray], np.ndarray],
    clips: Iterable[Iterable[np.ndarray]],
    batch_size: int,
    no_rows: np.ndarray,
) -> Iterator[np.ndarray | AudioError]:
    """Yields the rows of each clip, in order. Batches are shared by clips, and made one ahead.

    Args:
        run: the network, examples (n, 96, 64) → rows (n, 128).
        clips: the examples of each clip, in arrays of any lengths. If a clip raises an AudioError,
            that is yielded instead of its rows.
        batch_size: examples in a batch.
        no_rows: the rows of a clip without examples.

    Example:
        >>> clips = [[np.ones((2, 1))], [], [np.ones((1, 1)), np.ones((2, 1))]]
        >>> [len(rows) for rows in embed_clips(np.negative, clips, 4, np.zeros((0, 1)))]
        [2, 0, 3]
    """
    held = [no_rows]
    for examples, ended in prefetched(clip_batches(clips, batch_size)):
        if len(examples):
            held.append(run(examples))
        for num_rows, error in ended:
            rows = np.concatenate(held)  # once a clip: the cost grows linearly with its length
            held = [rows[num_rows:]]
            yield error or rows[:num_rows]


def clip_batches(
    clips: Iterable[Iterable[np.ndarray]], batch_size: int
) -> Iterator[tuple[np.ndarray, list[ClipEnd]]]:
    """Yields batches of examples of many clips, each with the ends of the clips in it."""
    batcher, ended = _Batcher(batch_size), list[ClipEnd]()
    for clip in clips:
        num_examples, error = 0, None
        try:
            for examples in clip:
                num_examples += len(examples)
                for batch in batcher.add(examples):
                    yield batch, ended
                    ended = []
        except AudioError as failure:
            error = failure
        ended.append((num_examples, error))
    yield batcher.rest(), ended


def batches(examples: Iterable[np.ndarray], batch_size: int) -> Iterator[np.ndarray]:
    """Regroups arrays of examples into arrays of `batch_size`; the last one may be smaller.

    Example:
        >>> [len(batch) for batch in batches([np.zeros(3), np.zeros(0), np.zeros(4)], 5)]
        [5, 2]
    """
    batcher = _Batcher(batch_size)
    for array in examples:
        yield from batcher.add(array)
    rest = batcher.rest()
    if len(rest):
        yield rest


class _Batcher:
    """Regroups arrays; holds the rows that do not fill a batch yet."""

    def __init__(self, batch_size: int):
        self._size, self._held, self._count = batch_size, list[np.ndarray](), 0

    def add(self, array: np.ndarray) -> list[np.ndarray]:
        """Adds an array and returns the batches that are full now."""
        self._held.append(array)
        self._count += len(array)
        if self._count < self._size:
            return []
        joined = self.rest()  # once, however long the array is
        whole = len(joined) - len(joined) % self._size
        self._held, self._count = [joined[whole:]], len(joined) - whole
        return [joined[start : start + self._size] for start in range(0, whole, self._size)]

    def rest(self) -> np.ndarray:
        """The rows that do not fill a batch yet, as one array."""
        return np.concatenate(self._held) if self._held else np.zeros(0)


def prefetched(items: Iterable[Item]) -> Iterator[Item]:
    """Computes the next item in a thread while the caller uses the current one.

    The errors and warnings of an item are raised in the caller's thread, in its place.

    Example:
        >>> list(prefetched(range(3)))
        [0, 1, 2]
    """
    iterator, held = iter(items), deque[str]()
    with ThreadPoolExecutor(1, "vggish_tf prefetch", hold_warnings, (held,)) as pool:
        item = pool.submit(next, iterator, _END)
        while (current := _result(item, held)) is not _END:
            item = pool.submit(next, iterator, _END)
            yield cast(Item, current)


def _result(item: Future, held: deque[str]):
    try:
        return item.result()
    finally:
        release_warnings(held)
