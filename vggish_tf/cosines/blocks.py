"""Blocks: the rows of an archive in portions of a fixed size, and their directions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vggish_tf.formats.clips import batches_of
from vggish_tf.rows import ClipRows, byte_values

BLOCK_ROWS = 8192  # 4 MB of float32, which fit into a processor's cache
SHORTEST = 1e-15  # length; its square is far above the smallest float32


@dataclass
class Block:
    """Rows of an archive that are compared together."""

    number: np.ndarray  # (n,) int64, the number of each row in the archive, from 0
    paths: list[str]  # the paths of the clips in the block
    clip: np.ndarray  # (n,) int64, the place of each row's clip in `paths`
    start: np.ndarray  # (n,) seconds
    end: np.ndarray  # (n,) seconds
    embedding: np.ndarray  # (n, size) float32 or uint8

    @cached_property
    def measured(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows in the same directions, (n, size) float32; their lengths, (n,); `known`, (n,) bool.

        `known` is False for a row without a direction. Usually the rows are returned unscaled:
        scaling takes longer than comparing.
        """
        rows = floats(self.embedding).astype(np.float32, copy=False)
        length = np.sqrt(np.einsum("nd,nd->n", rows, rows))
        if np.all((length > SHORTEST) & np.isfinite(length)):
            return rows, length, np.full(len(rows), True)
        unit, known = directions(rows, np.float32)
        return unit, np.ones(len(rows), np.float32), known


def directions(rows: np.ndarray, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Rows scaled to length 1, and which of them have a direction; the others become zeros.

    A row of zeros, or with a number that is not finite, has no direction. Bytes are dequantized.

    Example:
        >>> directions(np.array([[3.0, 4.0], [0.0, 0.0], [1.0, np.nan]]), np.float32)
        (array([[0.6, 0.8], [0. , 0. ], [0. , 0. ]], dtype=float32), array([ True, False, False]))
    """
    values: np.ndarray = floats(rows).astype(dtype, copy=False)
    largest = np.maximum(values.max(axis=1, initial=0), -values.min(axis=1, initial=0))
    known = np.isfinite(largest) & (largest > 0)
    scale = np.where(known, largest, 1)[:, np.newaxis]  # prevents squares from overflowing
    unit = values / scale if known.all() else np.where(known[:, np.newaxis], values, 0) / scale
    length = np.sqrt(np.einsum("nd,nd->n", unit, unit))
    unit /= np.where(known, length, 1)[:, np.newaxis]
    return unit, known


def have_direction(rows: np.ndarray) -> np.ndarray:
    """A mask of the rows that are finite and not zero, (n,) bool.

    Example:
        >>> have_direction(np.array([[3.0, 4.0], [0.0, 0.0], [1.0, np.nan]]))
        array([ True, False, False])
    """
    parts = (rows[first : first + BLOCK_ROWS] for first in range(0, len(rows), BLOCK_ROWS))
    return np.concatenate([np.zeros(0, bool), *(directions(part, np.float32)[1] for part in parts)])


def floats(rows: np.ndarray) -> np.ndarray:
    """The rows as floats: bytes are dequantized, as by dequantize()."""
    return byte_values("edge")[rows] if rows.dtype == np.uint8 else rows


def blocks_of(clips: Iterable[ClipRows]) -> Iterator[Block]:
    """Clips → blocks of at most BLOCK_ROWS rows; short clips share a block, long ones are cut."""
    number = 0
    for rows in batches_of(clips):
        for first in range(0, len(rows.start), BLOCK_ROWS):
            part = slice(first, first + BLOCK_ROWS)
            yield _block(number + first, *(array[part] for array in rows[:4]))
        number += len(rows.start)


def _block(number: int, paths, start, end, embedding) -> Block:
    is_first = np.concatenate([[True], paths[1:] != paths[:-1]])
    numbers = number + np.arange(len(start))
    clip = np.cumsum(is_first) - 1
    return Block(numbers, paths[is_first].tolist(), clip, start, end, embedding)
