"""Statistics of embeddings: count, mean and covariance, in float64, in one pass, mergeable.

The sum of squares is about the mean, so that nothing cancels; parts are merged by the rule of Chan,
Golub and LeVeque (1979), which fadtk uses for files too. A part of one row counts, with no scatter
of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from vggish_tf.errors import VGGishError, counted, warn


@dataclass
class Statistics:
    """Statistics of a set of rows, which grows.

    Args:
        count: of rows.
        mean: (size,) float64.
        scatter: (size, size) float64, the sum of the squares about the mean.
        num_files: of the rows; 0 where that is not known.

    Example:
        >>> parts = [Statistics.of(np.array([[1.0], [3.0]])), Statistics.of(np.array([[5.0]]))]
        >>> merged = Statistics.merged(parts)
        >>> merged.count, merged.mean, merged.covariance
        (3, array([3.]), array([[4.]]))
    """

    count: int = 0
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
        if not part.count:
            return
        if not self.count:
            self.count, self.mean, self.scatter = part.count, part.mean.copy(), part.scatter.copy()
            return
        if part.mean.shape != self.mean.shape:
            raise VGGishError(
                f"rows of {len(part.mean)} numbers do not go with rows of {len(self.mean)}."
            )
        count = self.count + part.count
        difference = part.mean - self.mean
        self.scatter += part.scatter
        self.scatter += np.outer(difference, difference) * (self.count * part.count / count)
        self.mean += difference * (part.count / count)
        self.count = count

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance, (size, size).

        Raises:
            VGGishError: there are fewer than two rows.
        """
        if self.count < 2:
            raise VGGishError(
                "a distance needs at least 2 rows of each set; received "
                f"{counted(self.count, 'row')}."
            )
        return self.scatter / (self.count - 1)

    @property
    def rank(self) -> int:
        """The rank of the covariance: how many directions of the space the rows show."""
        return int(np.linalg.matrix_rank(self.covariance, hermitian=True))

    def check(self, name: str) -> None:
        """Warns of fewer rows than dimensions, with which the distance says little.

        Raises:
            VGGishError: there are fewer than two rows.
        """
        rank = self.rank
        if rank < len(self.mean):
            warn(
                f"{name} has {counted(self.count, 'row')} for {len(self.mean)} dimensions, and its "
                f"covariance the rank {rank}: the Fréchet distance depends on the number of rows. "
                "Use more, or FAD∞ (--inf)."
            )
