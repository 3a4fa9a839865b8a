"""Batching: arrays of any lengths into batches of one size, made a step ahead of the network. No
Keras here.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

import numpy as np

from vggish_tf.errors import hold_warnings, release_warnings

Item = TypeVar("Item")
_END = object()


def batches(examples: Iterable[np.ndarray], batch_size: int) -> Iterator[np.ndarray]:
    """Regroups arrays of examples into arrays of `batch_size`, the last one smaller.

    Example:
        >>> [len(batch) for batch in batches([np.zeros(3), np.zeros(0), np.zeros(4)], 5)]
        [5, 2]
    """
    held: list[np.ndarray] = []
    count = 0
    for array in examples:
        held.append(array)
        count += len(array)
        if count >= batch_size:
            joined = np.concatenate(held)  # once, however long the array is
            whole = count - count % batch_size
            yield from (joined[start : start + batch_size] for start in range(0, whole, batch_size))
            held, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(held)


def prefetched(items: Iterable[Item]) -> Iterator[Item]:
    """Makes the next item in a thread while the caller works on this one.

    Errors and warnings come in their turn, in the caller's thread.

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
