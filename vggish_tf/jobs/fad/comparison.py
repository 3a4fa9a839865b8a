"""Comparison of sets with a reference: every number of a set, and of each of its files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import numpy as np

from vggish_tf.errors import VGGishError, check_word
from vggish_tf.formats.provenance import differences
from vggish_tf.jobs.fad import frechet, resampling, sources
from vggish_tf.jobs.fad.kernel import Bandwidth, Kernel, measured, median_distance
from vggish_tf.jobs.fad.sources import Set
from vggish_tf.jobs.fad.statistics import Statistics


@dataclass(frozen=True)
class Comparison:
    """A candidate compared with the reference; numbers that were not requested are None.

    Args:
        name: the name of the candidate.
        num_files, num_rows: its numbers of files and rows; None if saved statistics lack them.
        rank: the rank of its covariance.
        provenance: the provenance of its embeddings; empty if it is not known.
        fad: the Fréchet distance.
        interval: the confidence interval of the Fréchet distance, from and to.
        kad: the kernel distance.
        bandwidth, kernel: those of the kernel distance.
        infinity: FAD∞ and its line.
    """

    name: str
    num_files: int | None
    num_rows: int | None
    rank: int
    provenance: dict
    fad: float
    interval: tuple[float, float] | None = None
    kad: float | None = None
    bandwidth: float | None = None
    kernel: str | None = None
    infinity: frechet.Infinity | None = None

    @property
    def numbers(self) -> dict[str, float | None]:
        """All numbers by their names."""
        low, high = self.interval or (None, None)
        line = self.infinity
        return {
            "num_files": self.num_files,
            "num_rows": self.num_rows,
            "rank": self.rank,
            "fad": self.fad,
            "low": low,
            "high": high,
            "kad": self.kad,
            "bandwidth": self.bandwidth,
            "infinity": line and line.value,
            "infinity_error": line and line.standard_error,
            "infinity_r2": line and line.r2,
            "infinity_slope": line and line.slope,
        }


def compare(
    reference: Set,
    candidate: Set,
    *,
    kernel: Kernel | None = None,
    bandwidth: Bandwidth | float = "reference",
    infinity: bool = False,
    bootstrap: int = 0,
    seed: int = 0,
    replace: bool = False,
) -> Comparison:
    """Compares a set with the reference.

    Args:
        reference, candidate: sets from read(), made with the same weights and settings.
        kernel: the kernel of the kernel distance; None leaves that distance out.
        bandwidth: the bandwidth of the kernel, as for kernel_distance().
        infinity: whether to estimate FAD∞.
        bootstrap: the number of samples for the interval of the distance; 0 leaves it out.
        seed: the seed of all random samples.
        replace: whether a sample of FAD∞ may hold a row twice, as in fadtk.

    Raises:
        UsageError: rows are needed and a set has only statistics, or there are too few rows or
            files.
        VGGishError: the sets were made with different weights or settings.

    Example:
        >>> from pathlib import Path
        >>> from vggish_tf.jobs.fad.statistics import Gaussian
        >>> real = Set("real", Gaussian.of(np.zeros(2), np.eye(2)), {}, Path("real"))
        >>> made = Set("made", Gaussian.of(np.array([3.0, 4.0]), np.eye(2)), {}, Path("made"))
        >>> compare(real, made).fad
        25.0
    """
    _check_kernel(kernel)
    check_same(reference, candidate)
    gaussian = candidate.gaussian
    gaussian.warn_of_few(candidate.name)
    fad = frechet.distance(reference.gaussian, gaussian)
    about = (candidate.name, gaussian.num_files, gaussian.num_rows, gaussian.rank)
    more: dict[str, Any] = {}
    if kernel or infinity or bootstrap:
        files = sources.files_of(candidate)
        rows = np.concatenate(files)
    if bootstrap:
        draws = {"times": bootstrap, "seed": seed}
        more["interval"] = resampling.interval(reference.gaussian, files, **draws)
    if kernel:
        first = sources.rows_of(reference)
        more["kad"], more["bandwidth"] = measured(first, rows, kernel, bandwidth)
        more["kernel"] = kernel
    if infinity:
        more["infinity"] = frechet.infinity(reference.gaussian, rows, seed=seed, replace=replace)
    return Comparison(*about, candidate.provenance, fad, **more)


def compare_each(
    reference: Set,
    candidates: Iterable[Set],
    *,
    kernel: Kernel | None = None,
    bandwidth: Bandwidth | float = "reference",
    **options,
) -> Iterator[Comparison]:
    """Compares several sets, as compare() does one; the reference's median is computed once."""
    _check_kernel(kernel)
    if kernel not in (None, "cubic") and bandwidth == "reference":
        median = median_distance(sources.rows_of(reference).astype(np.float64))
        bandwidth = median or bandwidth  # 0, of equal rows, is refused as a number of the user
    same = partial(compare, reference, kernel=kernel, bandwidth=bandwidth, **options)
    return map(same, candidates)


def _check_kernel(kernel: Kernel | None):
    check_word("kernel", kernel, (None, *get_args(Kernel)))


def p_value(
    reference: Set, first: Set, second: Set, *, times: int = resampling.TIMES, seed: int = 0
) -> float:
    """The p-value of the difference between two sets in their distance to the reference.

    It is the probability of such a difference if both sets came from the same source.

    Args:
        reference, first, second: sets from read(); their Fréchet distances are compared.
        times, seed: as for resampling.p_value().

    Raises:
        UsageError: a set has only statistics, or fewer than two files.
        VGGishError: the sets were made with different weights or settings.
    """
    for candidate in (first, second):
        check_same(reference, candidate)
    files = sources.files_of(first), sources.files_of(second)
    return resampling.p_value(reference.gaussian, *files, times=times, seed=seed)


def check_same(reference: Set, candidate: Set) -> None:
    """Raises if two sets were made in different ways; without a provenance there is no check.

    Raises:
        VGGishError: settings differ; the message names them.
    """
    if not (reference.provenance and candidate.provenance):
        return
    different = differences(candidate.provenance, reference.provenance)
    if different:
        changes = "; ".join(f"{name} is {found}, not {was}" for name, found, was in different)
        raise VGGishError(
            f"{candidate.name} was made in another way than {reference.name}: {changes}. Embed "
            "both with the same settings."
        )


def by_file(reference: Set, candidate: Set) -> list[tuple[str, int, float]]:
    """The distance of each file alone, the farthest first: path, number of rows, distance.

    Files with fewer than two rows have no distance, and are left out.
    """
    measure = frechet.distance_from(reference.gaussian)
    found = [
        (clip.path, len(clip.start), measure(Statistics.of(clip.embedding).gaussian))
        for clip in sources.clips_of(candidate)
        if len(clip.start) > 1
    ]
    return sorted(found, key=lambda row: -row[2])
