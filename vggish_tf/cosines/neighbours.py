"""Neighbours: the nearest other rows of each row, by the rule of Nearest.

float32 products of unit rows select the candidates, and float64 products rank them. If float32
cannot distinguish very many rows, such as those of a silent recording, float64 products select
too. Rows that are equal bit for bit are compared once.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from vggish_tf.cosines.blocks import directions, have_direction
from vggish_tf.cosines.scan import DECIMALS, ROUNDING, products_of_pairs
from vggish_tf.errors import check_count

ROWS_AT_ONCE, OTHERS_AT_ONCE = 1024, 8192  # 32 MB of float32 products
MANY = 64  # candidates of a row in a block; if there are more, float32 does not distinguish them
ROUNDING_64 = 2 * 10.0**-DECIMALS  # of cosines; the error of float64 products is smaller
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]  # (n,) each: a row, another one, their cosine


class Neighbours(NamedTuple):
    """The nearest other rows of each row, nearest first; equally near rows by their numbers.

    If a row has fewer neighbours, the rest of `number` is −1, and the rest of `cosine` NaN.
    """

    number: np.ndarray  # (n, count) int64
    cosine: np.ndarray  # (n, count) float64


def neighbours_of(
    rows: np.ndarray, count: int = 10, progress: Callable[[int], object] = lambda _: None
) -> Neighbours:
    """Finds the nearest other rows of each row.

    Args:
        rows: (n, size) float32 or uint8, the rows of an archive. A row without a direction has no
            neighbours and is no neighbour of others.
        count: the number of neighbours of a row.
        progress: a function that is called with the number of rows finished since its last call.

    Raises:
        UsageError: `count` is under 1.

    Example:
        >>> neighbours_of(np.array([[1, 0], [0, 1], [3, 1]], np.float32), 1).number[:, 0]
        array([2, 2, 0])
    """
    check_count("count", count)
    found = Neighbours(np.full((len(rows), count), -1), np.full((len(rows), count), np.nan))
    alike = _Alike.of(rows)
    unit = directions(rows[alike.first], np.float64)[0]
    near = unit.astype(np.float32)
    for first in range(0, len(unit), ROWS_AT_ONCE):
        groups = np.arange(first, min(first + ROWS_AT_ONCE, len(unit)))
        pairs = _ranked(unit, *_candidates(near, unit, groups, count + 1), alike.first, count + 1)
        nearest = _table(*alike.members(*pairs, count + 1), groups, count + 1)
        progress(_keep(found, alike, groups, nearest))
    return found


class _Alike(NamedTuple):
    """Groups of rows that are equal bit for bit; rows without a direction are in no group."""

    first: np.ndarray  # (groups,) the first row of each group
    size: np.ndarray  # (groups,) the number of its rows
    begin: np.ndarray  # (groups,) the place of its first row in `rows`
    rows: np.ndarray  # the rows of group after group, in order

    @classmethod
    def of(cls, rows: np.ndarray) -> "_Alike":
        known, groups = np.flatnonzero(have_direction(rows)), dict[bytes, int]()
        group = [groups.setdefault(rows[number].tobytes(), len(groups)) for number in known]
        size = np.bincount(np.array(group, int), minlength=len(groups))
        begin, order = np.cumsum(size) - size, np.argsort(group, kind="stable")
        return cls(known[order[begin]], size, begin, known[order])

    def members(self, row: np.ndarray, other: np.ndarray, cosine: np.ndarray, most: int) -> Pairs:
        """The same pairs with rows instead of groups: at most `most` rows of each group."""
        size = np.minimum(self.size[other], most)
        place = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        number = self.rows[np.repeat(self.begin[other], size) + place]
        row, cosine = np.repeat(row, size), np.repeat(cosine, size)
        return _best(row, number, cosine, number, most)


def _candidates(near, unit, groups: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a row of `groups` and another row, which include its best `count`."""
    found = _picked(near, groups, count, ROUNDING, MANY + 2 * count)
    if found is None:
        found = _picked(unit, groups, count, ROUNDING_64, len(unit))
    assert found
    return found[:2]


def _picked(unit, groups: np.ndarray, count: int, rounding: float, most: int) -> Pairs | None:
    """The pairs that may be the best by these products; None if there are too many.

    There are too many if the rows have more than `most` each, on average, in a block. The block of
    the rows themselves comes first: rows that are close in time are often similar.
    """
    found: Pairs | None = None
    floor = np.full(len(groups), -2, unit.dtype)  # the cosine of the last of the best
    for others in _blocks(len(unit), groups[0]):
        products = unit[groups] @ unit[others].T
        if found is None and len(products.T) > count:
            floor = np.partition(products, -count, axis=1)[:, -count]
        near = products >= (floor - unit.dtype.type(rounding))[:, np.newaxis]
        places = np.flatnonzero(near)
        if len(places) > most * len(groups):
            return None
        row, other = np.divmod(places, len(products.T))
        picked = groups[row], others.start + other, products[row, other]
        found = _pruned([picked, *([found] if found else [])], groups[0], count, floor, rounding)
    return found


def _blocks(count: int, first: int) -> Iterator[slice]:
    """All rows in blocks; the block with the row `first` comes first."""
    starts = range(0, count, OTHERS_AT_ONCE)
    own = first // OTHERS_AT_ONCE * OTHERS_AT_ONCE
    yield from (slice(at, at + OTHERS_AT_ONCE) for at in sorted(starts, key=lambda at: at != own))


def _pruned(
    pairs: list[Pairs], first: int, count: int, floor: np.ndarray, rounding: float
) -> Pairs:
    """The pairs that may still be among the best; raises `floor` to the cosine of the last one."""
    row, other, cosine = map(np.concatenate, zip(*pairs, strict=True))
    order = np.lexsort((-cosine, row))
    row, other, cosine = row[order], other[order], cosine[order]
    last = _place_in_row(row) == count - 1
    floor[row[last] - first] = cosine[last]
    kept = cosine >= floor[row - first] - floor.dtype.type(rounding)
    return row[kept], other[kept], cosine[kept]


def _ranked(unit, row, other, number: np.ndarray, count: int) -> Pairs:
    """The best `count` pairs of each row, by float64 cosines, then by the other row's `number`."""
    return _best(row, other, products_of_pairs(unit, row, other), number[other], count)


def _best(row, other, cosine, number, count: int) -> Pairs:
    order = np.lexsort((number, -cosine, row))
    order = order[_place_in_row(row[order]) < count]
    return row[order], other[order], cosine[order]


def _place_in_row(row: np.ndarray) -> np.ndarray:
    """0, 1, 2 … within each row; `row` is sorted."""
    return np.arange(len(row)) - np.searchsorted(row, row)


def _table(row, number, cosine, groups: np.ndarray, count: int) -> Neighbours:
    """Sorted pairs as a table: a line for each of `groups`."""
    shape = len(groups), count
    table = Neighbours(np.full(shape, -1), np.full(shape, np.nan))
    place = row - groups[0], _place_in_row(row)
    table.number[place], table.cosine[place] = number, cosine
    return table


def _keep(found: Neighbours, alike: _Alike, groups: np.ndarray, nearest: Neighbours) -> int:
    """Writes the neighbours of all rows of these groups, without the rows themselves.

    Returns:
        The number of these rows.
    """
    line = np.repeat(np.arange(len(groups)), alike.size[groups])
    begin = alike.begin[groups[0]]
    rows = alike.rows[begin : begin + len(line)]
    itself = nearest.number[line] == rows[:, np.newaxis]
    order = np.argsort(itself, axis=1, kind="stable")[:, :-1]
    for table, values in zip(found, nearest, strict=True):
        table[rows] = np.take_along_axis(values[line], order, axis=1)
    return len(rows)
