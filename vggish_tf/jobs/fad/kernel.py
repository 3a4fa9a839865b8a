"""Kernel distances: the unbiased squared maximum mean discrepancy (MMD²) of two sets of rows.

    MMD² = mean k(x, x') + mean k(y, y') − 2 mean k(x, y),   over x ≠ x' and y ≠ y'

Kernel sums are computed block by block, so that no matrix of all pairs is in memory. The estimate
is unbiased, so it may be negative for sets that do not differ.

Source: Gretton et al. (2012); Chung et al., "KAD: No More FAD!" (2025), for KAD; Bińkowski et al.
(2018), for the cubic kernel of KID.
"""

from collections.abc import Callable, Iterator
from typing import Literal, get_args

import numpy as np

from vggish_tf.errors import UsageError, check_argument, check_word

Kernel = Literal["gaussian", "iq", "imq", "cubic"]
Bandwidth = Literal["reference", "kadtk"]
BLOCK = 2048  # rows in a block; a matrix of two blocks has 34 MB
BINS, MOST_SORTED = 4096, 1 << 22  # for a median: bins, and distances that may be sorted
SCALE = 100.0  # the factor of KAD in its paper, and from kadtk 1.0 on


def kernel_distance(
    reference: np.ndarray,
    candidate: np.ndarray,
    *,
    kernel: Kernel = "gaussian",
    bandwidth: Bandwidth | float = "reference",
    scale: float = SCALE,
) -> float:
    """The kernel audio distance (KAD) of two sets of rows.

    Args:
        reference, candidate: (n, size) and (m, size).
        kernel: a function of the squared distance d², with g = 1 / (2 bandwidth² + 1e-8):
            "gaussian", exp(−g d²); "iq", 1 / (1 + g d²); or "imq", 1 / √(1 + g d²). "cubic" is that
            of KID, (x·y / size + 1)³, which has no bandwidth.
        bandwidth: "reference" is the median distance within the reference, as in the paper;
            "kadtk" is that within the candidate, as kadtk 1.x computes it; or a number.
        scale: a factor of the result.

    Raises:
        UsageError: a set has fewer than two rows, the sizes differ, a number is not finite, or a
            word is unknown.

    Example:
        >>> rows = np.random.default_rng(0).standard_normal((100, 8))
        >>> round(kernel_distance(rows[:50], rows[50:] + 1.0), 1)
        25.2
    """
    return measured(reference, candidate, kernel, bandwidth, scale)[0]


def measured(
    reference: np.ndarray,
    candidate: np.ndarray,
    kernel: Kernel,
    bandwidth: Bandwidth | float,
    scale: float = SCALE,
) -> tuple[float, float | None]:
    """The distance of kernel_distance(), and the bandwidth as a number, if the kernel has one."""
    check_word("kernel", kernel, get_args(Kernel))
    reference, candidate = _checked(reference, candidate)
    if kernel == "cubic":
        return scale * _mmd2(reference, candidate, _cubic), None
    width = _width(reference, candidate, bandwidth)
    function = _of_distances(kernel, 1 / (2 * width**2 + 1e-8))
    return scale * _mmd2(reference, candidate, function), width


def _width(reference: np.ndarray, candidate: np.ndarray, bandwidth: Bandwidth | float) -> float:
    """The bandwidth as a number; a word stands for the median distance within a set."""
    if isinstance(bandwidth, str):
        check_word("bandwidth", bandwidth, get_args(Bandwidth))
        return median_distance(reference if bandwidth == "reference" else candidate)
    check_argument("bandwidth", bandwidth, bandwidth > 0, "positive, 'reference' or 'kadtk'")
    return float(bandwidth)


def _checked(*sets: np.ndarray) -> list[np.ndarray]:
    found = [np.asarray(rows, np.float64) for rows in sets]
    shapes = [rows.shape for rows in found]
    fits = all(len(shape) == 2 and shape[0] >= 2 for shape in shapes)
    if not fits or len({shape[1] for shape in shapes}) > 1:
        raise UsageError(f"two sets (n, size) of at least 2 rows are needed; received {shapes}.")
    if not all(np.isfinite(rows).all() for rows in found):
        raise UsageError("a row is not finite.")
    return found


def _of_distances(kernel: str, g: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    functions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "gaussian": lambda d2: np.exp(-g * d2),
        "iq": lambda d2: 1 / (1 + g * d2),
        "imq": lambda d2: 1 / np.sqrt(1 + g * d2),
    }
    return lambda x, y: functions[kernel](_squared_distances(x, y))


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    squares = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1)[None]
    return np.maximum(squares - 2 * (x @ y.T), 0)


def _mmd2(x: np.ndarray, y: np.ndarray, kernel) -> float:
    within = _mean_within(x, kernel) + _mean_within(y, kernel)
    between = sum(kernel(a, b).sum() for _, a in _blocks(x) for _, b in _blocks(y))
    return float(within - 2 * between / (len(x) * len(y)))


def _mean_within(rows: np.ndarray, kernel) -> float:
    """The mean over all pairs of different rows; each pair is computed once."""
    total = 0.0
    for first, block in _blocks(rows):
        values = kernel(block, block)
        total += values.sum() - np.trace(values)
        for _, other in _blocks(rows[first + len(block) :]):
            total += 2 * kernel(block, other).sum()
    return total / (len(rows) * (len(rows) - 1))


def _blocks(rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for first in range(0, len(rows), BLOCK):
        yield first, rows[first : first + BLOCK]


def median_distance(rows: np.ndarray) -> float:
    """The lower median of the distances of all pairs of rows: exact, in bounded memory.

    For an even number of pairs it is the smaller of the two in the middle, as in torch.median. The
    distances are counted in bins; the bin with the median is divided into finer bins, until the
    distances in it can be sorted.
    """
    left = (len(rows) * (len(rows) - 1) // 2 - 1) // 2  # distances below the median, in the range
    low, high = 0.0, max((float(found.max()) for found in _distances(rows)), default=0.0)
    while True:
        edges = np.linspace(low, high, BINS + 1)
        if not (np.diff(edges) > 0).all():  # finer than float64: all distances in it are equal
            return low
        counts = np.sum(
            [np.histogram(found, BINS, (low, high))[0] for found in _distances(rows)], axis=0
        )
        if counts.sum() <= MOST_SORTED:
            inside = [found[(found >= low) & (found <= high)] for found in _distances(rows)]
            return float(np.sort(np.concatenate(inside))[left])
        place = int(np.searchsorted(np.cumsum(counts), left, side="right"))
        left -= int(counts[:place].sum())
        low, high = float(edges[place]), float(edges[place + 1])


def _distances(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the distances of all pairs, some million at a time."""
    for first, block in _blocks(rows):
        if len(block) > 1:
            within = _squared_distances(block, block)
            yield np.sqrt(within[np.triu_indices(len(block), 1)])
        for _, other in _blocks(rows[first + len(block) :]):
            yield np.sqrt(_squared_distances(block, other)).ravel()
