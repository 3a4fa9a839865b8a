"""Comparisons for people and for programs: a table, JSON, CSV."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vggish_tf.files import replacing_text
from vggish_tf.jobs.fad.comparison import Comparison
from vggish_tf.jobs.fad.sources import Set
from vggish_tf.profiles import recorded
from vggish_tf.weights.identity import recorded_untrained


def as_text(reference: Set, found: Sequence[Comparison], p_value: float | None = None) -> str:
    """A line about the weights and settings, and a table with a line for each set."""
    gaussian = reference.gaussian
    about = reference.name, gaussian.num_files, gaussian.num_rows, gaussian.rank
    first = Comparison(*about, reference.provenance, fad=0.0)
    names = [name for name in COLUMNS if any(each.numbers[name] is not None for each in found)]
    table = [["", *(COLUMNS[name] for name in names)]]
    known = names[: names.index("fad")]  # the others are distances from it
    row = [f"reference {first.name}", *_cells(first, known)]
    table.append([*row, *[""] * (len(names) - len(known))])
    table += [[each.name, *_cells(each, names)] for each in found]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(_aligned(row, widths)).rstrip() for row in table)
    made = reference.provenance or next((each.provenance for each in found), {})
    both = " and ".join(each.name for each in found)
    differ = [] if p_value is None else [f"{both} differ in FAD: p = {p_value:.3g}"]
    return "\n".join([described(made), *lines, *differ])


COLUMNS = {
    "num_files": "files",
    "num_rows": "rows",
    "rank": "rank",
    "fad": "FAD",
    "low": "95 % from",
    "high": "to",
    "kad": "KAD",
    "bandwidth": "bandwidth",
    "infinity": "FAD∞",
    "infinity_error": "±",
    "infinity_r2": "r²",
}


def _cells(each: Comparison, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        value = each.numbers[name]
        yield "?" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    first, *others = zip(row, widths, strict=True)
    yield first[0].ljust(first[1])
    yield from (cell.rjust(width) for cell, width in others)


def described(provenance: dict) -> str:
    """The weights and settings of embeddings, in one line."""
    if not provenance:
        return "embeddings: their weights and settings are not known"
    weights, profile, *others = made_by(provenance).values()
    untrained = "UNTRAINED " if recorded_untrained(provenance) else ""
    return f"embeddings: {untrained}weights {weights[:12]}, profile {profile}, {', '.join(others)}"


def made_by(provenance: dict) -> dict[str, str]:
    """The settings that most often explain a difference between two distances, in words."""
    if not provenance:
        return dict.fromkeys(("weights", "profile", "activation", "resampler"), "unknown")
    process = provenance.get("postprocess")
    profile = recorded(provenance)
    side = "after" if profile["activation"] else "before"
    return {
        "weights": (provenance.get("weights") or {}).get("values_sha256", "unknown"),
        "profile": profile["name"],
        "activation": f"{process} of the output {side} its ReLU" if process else f"{side} the ReLU",
        "resampler": provenance.get("resampler", "resampler unknown"),
    }


def as_json(reference: Set, found: Sequence[Comparison], p_value: float | None = None) -> dict:
    """A dictionary for JSON, with the reference, its provenance, and the candidates."""
    gaussian = reference.gaussian
    about = {
        "name": reference.name,
        "num_files": gaussian.num_files,
        "num_rows": gaussian.num_rows,
        "rank": gaussian.rank,
        "provenance": reference.provenance,
    }
    made = [reference.provenance, *(each.provenance for each in found)]
    every = {
        "untrained": any(map(recorded_untrained, made)),
        "reference": about,
        "candidates": [_as_object(each) for each in found],
    }
    return every if p_value is None else {**every, "p_value": p_value}


def _as_object(each: Comparison) -> dict:
    line = each.infinity
    points = line and [*zip(line.sizes.tolist(), line.distances.tolist(), strict=True)]
    more = {"kernel": each.kernel, "infinity_points": points, "provenance": each.provenance}
    return {"name": each.name, **each.numbers, **more}


def write_csv(path: Path, found: Sequence[Comparison]) -> None:
    """Writes a table with a line for each candidate; whole or not at all.

    Raises:
        VGGishError, OSError: the file cannot be written.
    """
    numbers = (*COLUMNS, "infinity_slope")
    rows = (
        [
            *(each.name, *map(each.numbers.get, numbers), each.kernel),
            *made_by(each.provenance).values(),
        ]
        for each in found
    )
    _write(path, ["name", *numbers, "kernel", *made_by({})], rows)


def write_by_file(path: Path, found: Iterable[tuple[str, int, float]]) -> None:
    """Writes the result of by_file() as a table; whole or not at all."""
    _write(path, ["path", "num_rows", "fad"], found)


def _write(path: Path, header: list[str], rows: Iterable[Iterable]):
    with replacing_text(path) as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
