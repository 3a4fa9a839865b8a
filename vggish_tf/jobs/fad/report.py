"""Comparison of sets with a reference: numbers, a table, JSON, CSV."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import numpy as np

from vggish_tf import formats
from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing
from vggish_tf.formats.provenance import differences
from vggish_tf.jobs.fad import frechet, sources
from vggish_tf.jobs.fad.kernel import Bandwidth, Kernel, measured
from vggish_tf.jobs.fad.sources import Set
from vggish_tf.jobs.fad.statistics import Gaussian, Statistics


@dataclass(frozen=True)
class Comparison:
    """A candidate beside the reference; what was not asked for is None.

    Args:
        name: of the candidate.
        num_files, num_rows: None where saved statistics do not say it.
        rank: of its covariance.
        fad: the Fréchet distance.
        kad: the kernel distance; `bandwidth` of its kernel.
        infinity: FAD∞; `infinity_error` its standard error, `infinity_r2` of the line.
    """

    name: str
    num_files: int | None
    num_rows: int | None
    rank: int
    fad: float
    kad: float | None = None
    bandwidth: float | None = None
    infinity: float | None = None
    infinity_error: float | None = None
    infinity_r2: float | None = None


def compare(
    reference: Set,
    candidate: Set,
    *,
    kernel: Kernel | None = None,
    bandwidth: Bandwidth | float = "reference",
    infinity: bool = False,
    seed: int = 0,
    replace: bool = False,
) -> Comparison:
    """Compares a set with the reference.

    Args:
        reference, candidate: of read(); made with the same weights and settings.
        kernel: of the kernel distance; None leaves that out.
        bandwidth: of the kernel.
        infinity: whether to estimate FAD∞.
        seed, replace: of its samples, as for frechet.infinity().

    Raises:
        UsageError: rows are needed, and there are statistics alone.
        VGGishError: the sets were made with other weights or settings.
    """
    check_same(reference, candidate)
    gaussian = candidate.gaussian
    gaussian.warn_of_few(candidate.name)
    fad = frechet.distance(reference.gaussian, gaussian)
    about = (candidate.name, gaussian.num_files, gaussian.num_rows, gaussian.rank, fad)
    more: dict[str, Any] = {}
    if kernel or infinity:
        rows = sources.rows_of(candidate)
    if kernel:
        first = sources.rows_of(reference)
        more["kad"], more["bandwidth"] = measured(first, rows, kernel, bandwidth)
    if infinity:
        found = frechet.infinity(reference.gaussian, rows, seed=seed, replace=replace)
        more["infinity"], more["infinity_error"], more["infinity_r2"] = found[:3]
    return replaced(Comparison(*about), **more)


def check_same(reference: Set, candidate: Set) -> None:
    """Refuses sets that were made in other ways; what one of them does not say is not compared.

    Raises:
        VGGishError: which settings differ.
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
    """The distance of each file by itself, the farthest first: path, number of rows, distance.

    Files with fewer than two rows have none, and are left out.
    """
    clips = sources.checked(formats.read(candidate.path), candidate.path)
    found = [
        (clip.path, len(clip.start), _distance(reference.gaussian, clip.embedding))
        for clip in clips
        if len(clip.start) > 1
    ]
    return sorted(found, key=lambda row: -row[2])


def _distance(reference: Gaussian, rows: np.ndarray) -> float:
    return frechet.distance(reference, Statistics.of(rows).gaussian)


def as_text(reference: Set, found: Sequence[Comparison]) -> str:
    """A line on how the embeddings were made, and a table with a line for each set."""
    gaussian = reference.gaussian
    first = Comparison(reference.name, gaussian.num_files, gaussian.num_rows, gaussian.rank, 0.0)
    names = [name for name in COLUMNS if any(getattr(each, name) is not None for each in found)]
    table = [["", *(COLUMNS[name] for name in names)]]
    table.append([f"reference {first.name}", *_cells(first, names[:3]), *[""] * (len(names) - 3)])
    table += [[each.name, *_cells(each, names)] for each in found]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(_aligned(row, widths)).rstrip() for row in table)
    return "\n".join([described(reference), *lines])


COLUMNS = {
    "num_files": "files",
    "num_rows": "rows",
    "rank": "rank",
    "fad": "FAD",
    "kad": "KAD",
    "bandwidth": "bandwidth",
    "infinity": "FAD∞",
    "infinity_error": "±",
    "infinity_r2": "r²",
}


def _cells(each: Comparison, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        value = getattr(each, name)
        yield "?" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    first, *others = zip(row, widths, strict=True)
    yield first[0].ljust(first[1])
    yield from (cell.rjust(width) for cell, width in others)


def described(reference: Set) -> str:
    """How the embeddings were made, in one line."""
    made = reference.provenance
    if not made:
        return "embeddings: nothing is known of how they were made"
    weights = made.get("weights") or {}
    digest = str(weights.get("values_sha256", "unknown"))[:12]
    untrained = "UNTRAINED " if weights.get("untrained") else ""
    process = made.get("postprocess") or "none (before any activation)"
    resampler = made.get("resampler", "unknown")
    return f"embeddings: {untrained}weights {digest}, post-processing {process}, {resampler}"


def as_json(reference: Set, found: Sequence[Comparison]) -> str:
    """An object with the reference, how it was made, and the candidates."""
    gaussian = reference.gaussian
    about = {
        "name": reference.name,
        "num_files": gaussian.num_files,
        "num_rows": gaussian.num_rows,
        "rank": gaussian.rank,
        "provenance": reference.provenance,
    }
    return json.dumps({"reference": about, "candidates": [asdict(each) for each in found]})


def write_csv(path: Path, found: Sequence[Comparison]) -> None:
    """Writes a table with a line for each candidate; whole or not at all."""
    _write(path, ["name", *COLUMNS], (list(asdict(each).values()) for each in found))


def write_by_file(path: Path, found: Iterable[tuple[str, int, float]]) -> None:
    """Writes what by_file() returns; whole or not at all."""
    _write(path, ["path", "num_rows", "fad"], found)


def _write(path: Path, header: list[str], rows: Iterable[Sequence]):
    with (
        replacing(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
