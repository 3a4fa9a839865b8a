"""Projection: rows → points in a plane, by PCA or by UMAP.

Rows are scaled to length 1 first, since search compares directions. So segments that search finds
near each other are near on the map too, as far as a plane can show it.
"""

import importlib.util
import warnings
from typing import Literal, NamedTuple

import numpy as np

from vggish_tf.cosines import BLOCK_ROWS, directions
from vggish_tf.errors import UsageError, VGGishError, check_word, counted, how_to_install
from vggish_tf.progress import hidden

Projection = Literal["pca", "umap"]
PROJECTIONS = ("pca", "umap")
FLAT = 1e-9  # for rows of length 1; a smaller deviation is a rounding error of float64
UMAP_NEIGHBOURS, LEAST_FOR_UMAP = 15, 4


class Points(NamedTuple):
    """Points, and the share of the variance along each axis of PCA."""

    points: np.ndarray  # (n, 2) float32
    variance: list[float]  # two shares; empty for UMAP


def check(projection: str):
    """Raises if a projection is not possible; call it before long work starts.

    Raises:
        UsageError: the projection is unknown.
        VGGishError: UMAP is not installed.
    """
    check_word("projection", projection, PROJECTIONS)
    if projection == "umap" and importlib.util.find_spec("umap") is None:
        raise VGGishError(
            f"projection='umap' needs umap-learn, which is not installed. {how_to_install('umap')}"
        )


def project(rows: np.ndarray, projection: Projection = "pca", seed: int = 0) -> Points:
    """The points of rows that have a direction, (n, size) float32 or uint8.

    Args:
        rows: at least one row.
        projection: "pca", or "umap", which keeps near rows together better, and takes longer.
        seed: the seed of UMAP.

    Raises:
        UsageError: the projection is unknown, or there are too few rows for UMAP.
        VGGishError: UMAP is not installed.

    Example:
        >>> project(np.array([[1, 0], [0, 1], [1, 0]], np.float32)).points[:, 1]
        array([0., 0., 0.], dtype=float32)
    """
    check(projection)
    points = _pca(rows)
    if projection == "pca":
        return points
    return Points(_umap(rows, points.points, seed), [])


def _pca(rows: np.ndarray) -> Points:
    """PCA in float64; the sign of each axis makes its largest number positive."""
    count, size = rows.shape
    mean = sum(unit.sum(axis=0) for unit in _units(rows)) / count
    scatter = sum((unit - mean).T @ (unit - mean) for unit in _units(rows)) / count
    values, vectors = np.linalg.eigh(scatter)
    axes = np.zeros((size, 2))
    axes[:, : min(size, 2)] = vectors[:, ::-1][:, :2]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1, 1)
    points = np.concatenate([(unit - mean) @ axes for unit in _units(rows)])
    points[:, points.std(axis=0) < FLAT] = 0
    variance = points.var(axis=0) / max(values.sum(), FLAT**2)
    return Points(points.astype(np.float32), variance.tolist())


def _units(rows: np.ndarray):
    for first in range(0, len(rows), BLOCK_ROWS):
        yield directions(rows[first : first + BLOCK_ROWS], np.float64)[0]


def _umap(rows: np.ndarray, begin: np.ndarray, seed: int) -> np.ndarray:
    """UMAP that begins with the points of PCA, so that distant groups keep their places."""
    if len(rows) < LEAST_FOR_UMAP:
        raise UsageError(
            f"projection='umap' needs {LEAST_FOR_UMAP} rows; the archive has "
            f"{counted(len(rows), 'row')}. Choose projection='pca'."
        )
    spread = begin.std(axis=0).max()
    if not spread:
        return begin  # all rows are the same
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap-learn's, which are not about the rows
        import umap

        noise = np.random.default_rng(seed).normal(scale=1e-4, size=begin.shape)
        reducer = umap.UMAP(
            n_neighbors=min(UMAP_NEIGHBOURS, len(rows) - 1), metric="cosine", n_jobs=1,
            init=(begin / spread + noise).astype(np.float32), random_state=seed,
            tqdm_kwds={"desc": "UMAP", "disable": hidden(), "leave": False},
        )  # fmt: skip
        unit = np.concatenate([unit.astype(np.float32) for unit in _units(rows)])
        return np.asarray(reducer.fit_transform(unit), np.float32)
