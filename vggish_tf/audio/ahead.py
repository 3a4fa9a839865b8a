"""Decoding ahead: threads decode the next files while the current one is used.

Decoding and resampling release Python's lock, so threads are faster. The order of the files and
every sample stay the same.
"""

import os
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Full, Queue

import numpy as np

from vggish_tf.errors import hold_warnings, release_warnings

THREADS = os.cpu_count() or 1
HELD_BLOCKS = 6  # decoded blocks of a file that may wait: a minute, at ten seconds a block
_END = object()

Blocks = Iterable[np.ndarray]


def decoded_ahead(
    files: Iterable[tuple[str, Blocks]], num_threads: int = THREADS
) -> Generator[tuple[str, Blocks], None, None]:
    """Yields the name and the blocks of each file, in order; threads decode the next files.

    Take all blocks of a file before the next file. An error in a file is raised when its place
    among the blocks is reached.

    Args:
        files: the name and the blocks of each file; iterating over the blocks decodes them.
        num_threads: files that are decoded at the same time.

    Example:
        >>> files = [("a", [np.zeros(2), np.zeros(1)]), ("b", []), ("c", [np.zeros(3)])]
        >>> [(name, [len(block) for block in blocks]) for name, blocks in decoded_ahead(files)]
        [('a', [2, 1]), ('b', []), ('c', [3])]
    """
    waiting, held, stopped = deque[tuple[str, Queue]](), deque[str](), threading.Event()
    pool = ThreadPoolExecutor(num_threads, "vggish_tf decode", hold_warnings, (held,))
    try:
        for name, blocks in files:
            queue: Queue = Queue(HELD_BLOCKS)
            pool.submit(_decode, blocks, queue, stopped)
            waiting.append((name, queue))
            if len(waiting) > num_threads:
                yield _first(waiting, held)
        while waiting:
            yield _first(waiting, held)
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)


def _first(waiting: deque[tuple[str, Queue]], held: deque[str]) -> tuple[str, Blocks]:
    name, queue = waiting.popleft()
    return name, _blocks_of(queue, held)


def _decode(blocks: Blocks, queue: Queue, stopped: threading.Event):
    """Puts the blocks, then the end or the error, into a queue; stops if `stopped` is set."""
    try:
        for block in blocks:
            _put(queue, block, stopped)
        end: object = _END
    except BaseException as error:
        end = error
    _put(queue, end, stopped)


def _put(queue: Queue, item: object, stopped: threading.Event):
    while not stopped.is_set():
        try:
            return queue.put(item, timeout=0.1)
        except Full:
            continue
    raise InterruptedError("the blocks of this file are no longer wanted")


def _blocks_of(queue: Queue, held: deque[str]) -> Iterator[np.ndarray]:
    while (item := queue.get()) is not _END:
        release_warnings(held)
        if isinstance(item, BaseException):
            raise item
        yield item
    release_warnings(held)
