"""Hits for people and for programs: a table, CSV, Audacity labels, a Raven selection table.

Source: manual.audacityteam.org, Importing and Exporting Labels (standard format); Raven Pro's sound
selection tables for many files, with `Begin Path` and `File Offset (s)`, as BirdNET-Analyzer and
Rraven's exp_raven write them.
"""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from vggish_tf.cosines import Hit
from vggish_tf.files import make_folder, replacing_text
from vggish_tf.params import MEL_MAX_HZ, MEL_MIN_HZ

RAVEN_COLUMNS = (
    "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)",
    "High Freq (Hz)", "Begin Path", "File Offset (s)", "Begin File", "Score",
)  # fmt: skip


def as_text(hits: Sequence[Hit]) -> str:
    """A table with a line for each hit; characters that cannot be printed are escaped.

    Example:
        >>> print(as_text([Hit("birds.wav", 1.92, 2.88, 0.98765, 0)]))
        cosine       start         end  example  path
        0.9877        1.92        2.88        0  birds.wav
    """
    lines = [f"{'cosine':>6}  {'start':>10}  {'end':>10}  {'example':>7}  path"]
    for path, start, end, cosine, example in hits:
        lines.append(f"{cosine:6.4f}  {start:10.2f}  {end:10.2f}  {example:7}  {_printable(path)}")
    return "\n".join(lines)


def write_csv(path: str | os.PathLike[str], hits: Sequence[Hit]) -> Path:
    """Writes the columns path, start, end, cosine, example; whole or not at all.

    Raises:
        VGGishError, OSError: the file cannot be written.
    """
    with replacing_text(path) as file:
        writer = csv.writer(file)
        writer.writerow(Hit._fields)
        writer.writerows(hits)
    return Path(path)


def write_audacity(folder: str | os.PathLike[str], hits: Sequence[Hit]) -> list[Path]:
    """Writes a label track for each audio file, `<its name>.txt`, with the cosines as labels.

    Labels are in the order of time. If several files have one name, the track of the second is
    `<its name>.2.txt`.

    Raises:
        VGGishError: the folder cannot be made or written to.
    """
    folder, tracks = make_folder(folder), dict[str, list[Hit]]()
    for hit in hits:
        tracks.setdefault(hit.path, []).append(hit)
    names = _names(list(tracks))
    return [
        _write_lines(folder / name, [_label(hit) for hit in sorted(tracks[path], key=_time)])
        for path, name in zip(tracks, names, strict=True)
    ]


def write_raven(
    path: str | os.PathLike[str], hits: Sequence[Hit], provenance: dict | None = None
) -> Path:
    """Writes one table of all audio files, in the format of Raven's sound selection tables.

    `Begin Path` and `File Offset (s)` give the place of each selection; `Begin Time (s)` counts
    from the start of its file too. The box covers the frequencies of the front end, by
    `provenance`.

    Raises:
        VGGishError, OSError: the file cannot be written.
    """
    params = (provenance or {}).get("params", {})
    low, high = params.get("mel_min_hz", MEL_MIN_HZ), params.get("mel_max_hz", MEL_MAX_HZ)
    lines = ["\t".join(RAVEN_COLUMNS)]
    for number, hit in enumerate(hits, start=1):
        start, end = f"{hit.start:.6f}", f"{hit.end:.6f}"
        cells = [str(number), "Spectrogram 1", "1", start, end, f"{low:.1f}", f"{high:.1f}"]
        cells += [_printable(hit.path), start, _printable(Path(hit.path).name), f"{hit.cosine:.4f}"]
        lines.append("\t".join(cells))
    return _write_lines(Path(path), lines)


def _label(hit: Hit) -> str:
    return f"{hit.start:.6f}\t{hit.end:.6f}\t{hit.cosine:.4f}"


def _time(hit: Hit) -> tuple[float, float]:
    return hit.start, hit.end


def _names(paths: list[str]) -> list[str]:
    """A name for the track of each file; names that differ only in case count as the same."""
    taken: set[str] = set()
    names = []
    for path in paths:
        stem = _printable(Path(path).name)
        name, number = f"{stem}.txt", 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}.{number}.txt"
        taken.add(name.casefold())
        names.append(name)
    return names


def _printable(path: str) -> str:
    """A name on one line without tabs: characters that cannot be printed are escaped."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in path)


def _write_lines(path: Path, lines: list[str]) -> Path:
    with replacing_text(path) as file:
        file.writelines(f"{line}\n" for line in lines)
    return path
