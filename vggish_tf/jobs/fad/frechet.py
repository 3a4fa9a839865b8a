"""Fréchet distance of two Gaussians, and its limit for infinitely many rows (FAD∞).

    d² = |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁ Σ₂)^½

Source: Dowson and Landau (1982); Kilgour et al., "Fréchet Audio Distance" (2019); Gui et al.,
"Adapting Frechet Audio Distance for Generative Music Evaluation" (2024), for FAD∞.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from vggish_tf.errors import UsageError, check_argument
from vggish_tf.jobs.fad.statistics import Gaussian, Statistics

SIZES, LEAST = 25, 500  # the number of samples for FAD∞, and the size of the smallest; as in fadtk


def frechet_distance(
    mean_1: np.ndarray, covariance_1: np.ndarray, mean_2: np.ndarray, covariance_2: np.ndarray
) -> float:
    """The squared Fréchet distance of two Gaussians, commonly called FAD.

    Args:
        mean_1, mean_2: (size,).
        covariance_1, covariance_2: (size, size), symmetric, of any rank.

    Returns:
        float, at least 0 except for a rounding error of about 1e-13 of the traces.

    Raises:
        UsageError: the shapes do not fit, or a number is not finite.

    Example:
        >>> eye = np.eye(2)
        >>> frechet_distance(np.zeros(2), eye, np.array([3.0, 4.0]), eye)
        25.0
        >>> frechet_distance(np.zeros(2), eye, np.zeros(2), 4 * eye)
        2.0
    """
    return distance(Gaussian.of(mean_1, covariance_1), Gaussian.of(mean_2, covariance_2))


def distance(reference: Gaussian, candidate: Gaussian) -> float:
    """The Fréchet distance of two sets of rows, by their Gaussians."""
    return distance_from(reference)(candidate)


def distance_from(reference: Gaussian) -> Callable[[Gaussian], float]:
    """A function from a candidate to its distance; the root of the reference is computed once.

    The trace of (Σ₁ Σ₂)^½ is the sum of the singular values of Σ₁^½ Σ₂^½, which are never complex.
    """
    mean, covariance = reference[:2]
    root, trace = _root(covariance), np.trace(covariance)

    def measure(candidate: Gaussian) -> float:
        if candidate.mean.shape != mean.shape:
            sizes = f"{mean.shape}, {candidate.mean.shape}"
            raise UsageError(f"the means must be of one size; received {sizes}.")
        difference = mean - candidate.mean
        values = np.linalg.svd(root @ _root(candidate.covariance), compute_uv=False)
        traces = trace + np.trace(candidate.covariance) - 2 * values.sum()
        return float(difference @ difference + traces)

    return measure


def _root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric root; eigenvalues that rounding made negative are zero."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


class Infinity(NamedTuple):
    """FAD∞: the value at 1/n = 0 of a line through the distances of samples of n rows, over 1/n."""

    value: float
    standard_error: float
    r2: float
    slope: float
    sizes: np.ndarray  # (25,) n of each sample
    distances: np.ndarray  # (25,) of each sample


def infinity(
    reference: Gaussian, rows: np.ndarray, *, seed: int = 0, replace: bool = False
) -> Infinity:
    """Estimates the distance that infinitely many rows of the candidate would have.

    Args:
        reference: the Gaussian of the reference, which is fixed.
        rows: (n, size), the rows of the candidate.
        seed: the seed of the samples.
        replace: whether a sample may hold a row twice, as in fadtk. Then the smallest sample has
            500 rows, even if there are fewer.

    Raises:
        UsageError: there are fewer than 3 rows.

    Example:
        >>> reference, rows = np.random.default_rng(0).standard_normal((2, 2000, 8))
        >>> found = infinity(Statistics.of(reference).gaussian, rows)
        >>> bool(found.distances[0] > found.distances[-1] > found.value)
        True
    """
    check_argument("rows", len(rows), len(rows) >= 3, "at least 3")
    return infinity_by(np.random.default_rng(seed), reference, rows, replace=replace)


def infinity_by(generator, reference: Gaussian, rows: np.ndarray, *, replace: bool) -> Infinity:
    """FAD∞ from samples that a generator of NumPy draws; fadtk draws them with a RandomState."""
    least = LEAST if replace else min(LEAST, max(2, len(rows) // 10))
    sizes = np.linspace(least, len(rows), SIZES).astype(int)
    measure = distance_from(reference)
    samples = (rows[generator.choice(len(rows), size, replace)] for size in sizes)
    distances = np.array([measure(Statistics.of(sample).gaussian) for sample in samples])
    return Infinity(*_line(1 / sizes, distances), sizes, distances)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """The value at zero of the least-squares line, its standard error, r² and the slope."""
    design = np.stack([np.ones_like(x), x], axis=1)
    (value, slope), *_ = np.linalg.lstsq(design, y, rcond=None)
    left = y - design @ [value, slope]
    variance = left @ left / max(len(x) - 2, 1)
    error = np.sqrt(variance * np.linalg.pinv(design.T @ design)[0, 0])
    total = ((y - y.mean()) ** 2).sum()
    r2 = 1 - left @ left / total if total else 1.0
    return float(value), float(error), float(r2), float(slope)
