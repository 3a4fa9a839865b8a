"""Exact search: each row of the archive is compared with each example of the query.

float32 products select the candidates of a block, and float64 products rank them. So the hits and
their order are those of float64, and identical rows have identical cosines anywhere in the archive.
"""

from typing import NamedTuple

import numpy as np

from vggish_tf.cosines.blocks import Block, directions
from vggish_tf.errors import UsageError

# More than twice the largest error of a float32 product of unit rows: 256 additions, each rounded
# to 2^-24, make 2e-5 at most, and scaling the rows half as much.
ROUNDING = 1e-4
DECIMALS = 12  # of a cosine; further ones are rounding errors of float64
EXAMPLES_AT_ONCE = 256  # of the query, so that a long query takes no more memory
PAIRS_AT_ONCE = 8192


class Hit(NamedTuple):
    """A segment of the archive, and its cosine with the nearest example of the query."""

    path: str
    start: float  # seconds
    end: float  # seconds
    cosine: float
    example: int  # the number of the query's example, from 0


Entry = tuple[float, int, Hit]  # −cosine and number, which sort the hits


class Nearest:
    """The best hits of the blocks that have been added.

    Args:
        query, unlike: rows (n, size); `unlike` may be None.
        top, per_file: as for jobs.search.nearest().

    Raises:
        UsageError: no row of the query has a direction.
    """

    def __init__(self, query, top: int, per_file: bool = False, unlike=None):
        self.top, self.per_file = top, per_file
        self.query, known = directions(query, np.float64)
        self._example = np.flatnonzero(known)
        if not len(self._example):
            raise UsageError("the query has no row that is finite and not zero. Give another one.")
        self.query = self.query[known]
        self._unlike = self.query[:0]
        if unlike is not None:
            unlike, known = directions(unlike, np.float64)
            self._unlike = unlike[known]
        self._found: list[Entry] = []

    @property
    def hits(self) -> list[Hit]:
        """The hits, nearest first."""
        return [hit for *_, hit in self._found]

    def add(self, block: Block):
        """Compares a block; the blocks may come in any order.

        Raises:
            UsageError: its rows have another size than those of the query.
        """
        for rows in (self.query, self._unlike):
            check_sizes(rows, block.embedding.shape[1])
        files = _files(block.paths)[block.clip] if self.per_file else np.arange(len(block.number))
        candidates = self._candidates(block, files)
        self._merge(self._ranked(block, candidates, files[candidates]))

    def _candidates(self, block: Block, files: np.ndarray) -> np.ndarray:
        """The rows that can be among the best, by float32 products."""
        rows, length, known = block.measured
        cosine, other = (_highest(rows, with_) / length for with_ in (self.query, self._unlike))
        sure = np.where(known & (other < cosine - ROUNDING), cosine, -np.inf)
        best = _highest_of_each(files, sure) if self.per_file else sure
        enough = best[np.argpartition(best, -self.top)[-self.top]] if len(best) > self.top else -2
        floor = -self._found[-1][0] if len(self._found) == self.top else -2
        least = np.maximum(best[files], max(enough, floor)) - ROUNDING
        return np.flatnonzero(known & (other <= cosine + ROUNDING) & (cosine >= least))

    def _ranked(self, block: Block, rows: np.ndarray, files: np.ndarray) -> list[Entry]:
        """The best `top` of these rows by float64 products; at most one of each file."""
        unit, _ = directions(block.embedding[rows], np.float64)
        cosines, others = _products(unit, self.query), _products(unit, self._unlike)
        cosine, example = cosines.max(axis=1), cosines.argmax(axis=1)
        order = np.lexsort((block.number[rows], -cosine))
        order = order[(others.max(axis=1, initial=-2) <= cosine)[order]]
        _, first = np.unique(files[order], return_index=True)
        best = order[np.sort(first)][: self.top]
        return [self._entry(block, rows[at], cosine[at], example[at]) for at in best]

    def _entry(self, block: Block, row, cosine, example) -> Entry:
        times = float(block.start[row]), float(block.end[row])
        number = int(self._example[example])
        hit = Hit(block.paths[block.clip[row]], *times, float(cosine), number)
        return -hit.cosine, int(block.number[row]), hit

    def _merge(self, found: list[Entry]):
        """Merges new hits with the earlier ones and keeps the best; a row may come twice."""
        best = dict[str | int, Entry]()
        for entry in sorted([*self._found, *found]):
            best.setdefault(entry[2].path if self.per_file else entry[1], entry)
        self._found = list(best.values())[: self.top]


def check_sizes(query: np.ndarray, size: int):
    """Raises if the rows of a query have another size than those of the archive.

    Raises:
        UsageError: the sizes differ; the message gives both.
    """
    if len(query) and query.shape[1] != size:
        sizes = f"{query.shape[1]} numbers, those of the archive {size}"
        raise UsageError(f"rows of the query have {sizes}. Make both in the same way.")


def _files(paths: list[str]) -> np.ndarray:
    """The number of each path's file; several clips may belong to one file."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(path, len(known)) for path in paths], np.int64)


def _highest_of_each(files: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """The highest cosine of each file in a block."""
    highest = np.full(files.max(initial=-1) + 1, -np.inf)
    np.maximum.at(highest, files, cosine)
    return highest


def _highest(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The highest product of each row with unit rows, (n,) float32; −inf without unit rows."""
    highest = np.full(len(rows), -np.inf, np.float32)
    for first in range(0, len(others), EXAMPLES_AT_ONCE):
        part = others[first : first + EXAMPLES_AT_ONCE].astype(np.float32)
        np.maximum(highest, (rows @ part.T).max(axis=1), out=highest)
    return highest


def _products(unit: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Cosines (n, m), float64; einsum adds in the same order for each of them, unlike BLAS."""
    return np.round(np.einsum("nd,md->nm", unit, others), DECIMALS)


def products_of_pairs(unit: np.ndarray, row: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The cosine of each pair of unit rows, by their numbers, (n,); added up as _products does."""
    cosine = np.empty(len(row))
    for first in range(0, len(row), PAIRS_AT_ONCE):
        part = slice(first, first + PAIRS_AT_ONCE)
        cosine[part] = np.einsum("nd,nd->n", unit[row[part]], unit[other[part]])
    return np.round(cosine, DECIMALS)
