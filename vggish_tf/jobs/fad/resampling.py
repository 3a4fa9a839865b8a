"""Resampling of files: how much a distance depends on the choice of the files in a set.

Rows of one file are similar, so whole files are drawn, never single rows. The reference does not
change.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 13 and 15.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from vggish_tf.errors import UsageError, counted
from vggish_tf.jobs.fad.frechet import distance_from
from vggish_tf.jobs.fad.statistics import Gaussian
from vggish_tf.progress import bar

TIMES = 1000
LEVEL = 0.95  # the confidence level of an interval


def interval(
    reference: Gaussian, files: Sequence[np.ndarray], *, times: int = TIMES, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of the distance for sets of as many files, by the bootstrap.

    The files are drawn with replacement. A drawn set has fewer different rows, and so a larger
    distance on average; that shift is subtracted. The bias of few rows, which all sets of this size
    have, is not subtracted: see frechet.infinity().

    Args:
        reference: the Gaussian of the reference.
        files: the rows of each file, (n, size).
        times: the number of sets that are drawn.
        seed: the seed of the draws.

    Raises:
        UsageError: there are fewer than two files with rows.

    Example:
        >>> files = np.random.default_rng(0).standard_normal((50, 10, 2))
        >>> low, high = interval(Gaussian(np.ones(2), np.eye(2)), files)
        >>> bool(low < distance_from(Gaussian(np.ones(2), np.eye(2)))(_Files(files).all) < high)
        True
    """
    found, measure = _Files(files), distance_from(reference)
    generator = np.random.default_rng(seed)
    draws = (generator.integers(len(found), size=len(found)) for _ in _progress(times))
    distances = np.array([measure(found.drawn(draw)) for draw in draws])
    centred = distances - distances.mean() + measure(found.all)
    low, high = np.quantile(centred, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def p_value(
    reference: Gaussian,
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    *,
    times: int = TIMES,
    seed: int = 0,
) -> float:
    """The probability that the distances of two sets differ as much, or more, by chance alone.

    It is a permutation test: the files of both sets are mixed, and divided again into two sets of
    the same sizes.

    Args:
        reference: the Gaussian of the reference.
        first, second: the rows of each file, (n, size).
        times: the number of permutations; no p-value is below 1 / (times + 1).
        seed: the seed of the permutations.

    Raises:
        UsageError: a set has fewer than two files with rows.

    Example:
        >>> first, second = np.random.default_rng(0).standard_normal((2, 20, 10, 2))
        >>> p_value(Gaussian(np.zeros(2), np.eye(2)), first, second + 1.0)
        0.000999...
    """
    first, second = _with_rows(first), _with_rows(second)
    both, cut, measure = _Files([*first, *second]), len(first), distance_from(reference)

    def difference(order: np.ndarray) -> float:
        return abs(measure(both.drawn(order[:cut])) - measure(both.drawn(order[cut:])))

    least = difference(np.arange(len(both))) * (1 - 1e-9)  # the same sets in another order
    generator = np.random.default_rng(seed)
    orders = (generator.permutation(len(both)) for _ in _progress(times))
    return (1 + sum(difference(order) >= least for order in orders)) / (times + 1)


def _with_rows(files: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The files that have rows.

    Raises:
        UsageError: there are fewer than two.
    """
    found = [rows for rows in files if len(rows)]
    if len(found) < 2:
        count = counted(len(found), "file")
        raise UsageError(f"a set of {count} cannot be resampled. Give at least 2 with rows.")
    return found


class _Files:
    """The rows of files; files without rows are left out."""

    def __init__(self, files: Sequence[np.ndarray]):
        files = _with_rows(files)
        self._file = np.repeat(np.arange(len(files)), [len(rows) for rows in files])
        rows = np.concatenate(files).astype(np.float64)
        self._mean = rows.mean(axis=0)
        self._rows = rows - self._mean  # centred, so that the sums of squares do not cancel
        self._count = len(files)

    def __len__(self) -> int:
        return self._count

    @property
    def all(self) -> Gaussian:
        return self.drawn(np.arange(len(self)))

    def drawn(self, numbers: np.ndarray) -> Gaussian:
        """The Gaussian of the files with these numbers; a number may occur several times."""
        weights = np.bincount(numbers, minlength=len(self))[self._file]
        rows, weights = self._rows[weights > 0], weights[weights > 0, np.newaxis]
        count, weighted = int(weights.sum()), weights * rows
        mean = weighted.sum(axis=0) / count
        scatter = weighted.T @ rows - count * np.outer(mean, mean)
        return Gaussian(self._mean + mean, scatter / (count - 1), count, len(numbers))


def _progress(times: int) -> Iterator[int]:
    yield from bar(range(times), unit="set")
