"""Statistics of embeddings: count, mean and covariance, in float64, in one pass, mergeable.

The squares are summed about the mean, so that nothing cancels. Parts are merged by the rule of
Chan, Golub and LeVeque (1979), which fadtk uses for files too. A part with one row counts; its own
scatter is zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from vggish_tf.errors import UsageError, VGGishError, counted, warn


@dataclass
class Statistics:
    """Statistics of a growing set of rows.

    Args:
        num_rows: the number of rows.
        mean: (size,) float64.
        scatter: (size, size) float64, the sum of the outer products about the mean.
        num_files: the number of files; 0 if it is not known.

    Example:
        >>> parts = [Statistics.of(np.array([[1.0], [3.0]])), Statistics.of(np.array([[5.0]]))]
        >>> merged = Statistics.merged(parts)
        >>> merged.num_rows, merged.mean, merged.gaussian.covariance
        (3, array([3.]), array([[4.]]))
    """

    num_rows: int = 0
    mean: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scatter: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    num_files: int = 0

    @classmethod
    def of(cls, rows: np.ndarray) -> "Statistics":
        """Statistics of the rows, (n, size), of one file."""
        rows = np.asarray(rows, np.float64)
        if not len(rows):
            return cls(num_files=1)
        mean = rows.mean(axis=0)
        centred = rows - mean
        return cls(len(rows), mean, centred.T @ centred, 1)

    @classmethod
    def merged(cls, parts: Iterable["Statistics"]) -> "Statistics":
        """Statistics of all rows of the parts."""
        total = cls()
        for part in parts:
            total.add(part)
        return total

    def add(self, part: "Statistics") -> None:
        """Adds the rows of another set."""
        self.num_files += part.num_files
        if not part.num_rows:
            return
        if not self.num_rows:
            self.num_rows, self.mean, self.scatter = (
                part.num_rows,
                part.mean.copy(),
                part.scatter.copy(),
            )
            return
        if part.mean.shape != self.mean.shape:
            raise VGGishError(
                f"rows of {len(part.mean)} numbers cannot be merged with rows of {len(self.mean)}."
            )
        num_rows = self.num_rows + part.num_rows
        difference = part.mean - self.mean
        self.scatter += part.scatter
        self.scatter += np.outer(difference, difference) * (
            self.num_rows * part.num_rows / num_rows
        )
        self.mean += difference * (part.num_rows / num_rows)
        self.num_rows = num_rows

    @property
    def gaussian(self) -> "Gaussian":
        """The Gaussian with the mean and the unbiased covariance of the rows.

        Raises:
            VGGishError: there are fewer than two rows.
        """
        if self.num_rows < 2:
            raise VGGishError(
                "a distance needs at least 2 rows of each set; received "
                f"{counted(self.num_rows, 'row')}."
            )
        return Gaussian(
            self.mean, self.scatter / (self.num_rows - 1), self.num_rows, self.num_files
        )


class Gaussian(NamedTuple):
    """A mean (size,), a covariance (size, size), and the numbers of rows and files, if known."""

    mean: np.ndarray
    covariance: np.ndarray
    num_rows: int | None = None
    num_files: int | None = None

    @classmethod
    def of(cls, mean, covariance, num_rows=None, num_files=None) -> "Gaussian":
        """A Gaussian in float64, after a check of its values.

        Raises:
            UsageError: the shapes do not fit, or a number is not finite.
        """
        mean, covariance = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
        if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
            raise UsageError(
                "a mean (size,) and a covariance (size, size) are needed; received "
                f"{mean.shape} and {covariance.shape}."
            )
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise UsageError("a mean or a covariance is not finite.")
        return cls(mean, covariance, num_rows, num_files)

    @property
    def rank(self) -> int:
        """The rank of the covariance: the number of dimensions that the rows span."""
        return int(np.linalg.matrix_rank(self.covariance, hermitian=True))

    def warn_of_few(self, name: str) -> None:
        """Warns if there are fewer rows than dimensions: the distance then means little."""
        if self.rank < len(self.mean):
            rows = "" if self.num_rows is None else f"{counted(self.num_rows, 'row')} for "
            warn(
                f"{name} has {rows}{len(self.mean)} dimensions, and its covariance the rank "
                f"{self.rank}: the Fréchet distance depends on the number of rows. Use more, or "
                "FAD∞ (--inf)."
            )
