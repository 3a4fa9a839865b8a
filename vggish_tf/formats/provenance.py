"""Provenance of formats that cannot hold it: in a second file.

<file>.json        beside a CSV or TFRecord: the provenance, the number of rows and their dtype
provenance.json    in a folder: the provenance
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vggish_tf.errors import VGGishError, reason_of
from vggish_tf.files import check_target, replacing_all
from vggish_tf.formats import clips as clips_module
from vggish_tf.profiles import recorded
from vggish_tf.rows import Archive, ClipRows

IN_FOLDER = "provenance.json"
MAY_DIFFER = {"vggish_tf", "audio", "computed"}  # between the rows of one archive


def sidecar_of(path: Path) -> Path:
    """The path of the sidecar of a file, which holds its provenance."""
    return path.with_name(f"{path.name}.json")


@contextmanager
def with_sidecar(
    path: Path, archive: Archive
) -> Iterator[tuple[Path, ClipRows, Iterator[ClipRows]]]:
    """Yields a path to write the file to, the first clip, and all clips; then writes the sidecar.

    Both files appear together, or neither does.
    """
    sidecar = sidecar_of(path)
    check_target(path)
    check_target(sidecar)
    first, clips = clips_module.opened(archive)
    written = {"rows": 0, "dtype": str(first.embedding.dtype), "provenance": archive.provenance}
    with replacing_all([path, sidecar]) as folder:
        yield folder / path.name, first, _counted(clips, written)
        (folder / sidecar.name).write_text(json.dumps(written), encoding="utf-8")


def _counted(clips: Iterable[ClipRows], written: dict) -> Iterator[ClipRows]:
    for clip in clips:
        written["rows"] += len(clip.start)
        yield clip


def read_sidecar(path: Path) -> dict:
    """The sidecar of a file; with an empty provenance if there is none.

    Raises:
        VGGishError: the sidecar is damaged, or belongs to another kind of file.
    """
    sidecar = sidecar_of(path)
    found = read(sidecar) if sidecar.exists() else {"provenance": {}}
    dtypes = ("float32", "uint8")
    if not isinstance(found.get("provenance"), dict) or found.get("dtype", "uint8") not in dtypes:
        raise VGGishError(f"{sidecar} cannot be read: it is not the sidecar of {path.name}.")
    return found


def complete(clips: Iterable[ClipRows], path: Path, sidecar: dict) -> Iterator[ClipRows]:
    """Yields the clips of a file; at the end, checks their number of rows against the sidecar.

    Raises:
        VGGishError: the numbers differ: the file was cut at the end of a row.
    """
    read_rows = {"rows": 0}
    yield from _counted(clips, read_rows)
    expected = sidecar.get("rows", read_rows["rows"])
    if read_rows["rows"] != expected:
        raise VGGishError(
            f"{path} has {read_rows['rows']} rows, and {sidecar_of(path).name} says {expected}: it "
            "was cut or changed. Remove the .json to read it as it is."
        )


def read(path: Path) -> dict:
    """Reads a JSON object.

    Raises:
        VGGishError: the file is missing or damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise VGGishError(f"{path} cannot be read: {reason_of(error)}.") from None
    if not isinstance(found, dict):
        raise VGGishError(f"{path} cannot be read: it is not a provenance.")
    return found


class Difference(NamedTuple):
    """A setting that differs between two provenances."""

    name: str
    found: object
    expected: object


def differences(found: dict, expected: dict) -> list[Difference]:
    """The settings that differ between a provenance and the expected one.

    Weights are compared by the digest of their values, not by the name of their file.

    Example:
        >>> expected = {"pad": "short", "params": {"mel_min_hz": 125, "mel_max_hz": 7500}}
        >>> differences({**expected, "params": {"mel_min_hz": 125, "mel_max_hz": 8000}}, expected)
        [Difference(name='params.mel_max_hz', found=8000, expected=7500)]
    """
    ours, theirs = settings_of(expected), settings_of(found)
    every = (Difference(name, theirs.get(name), ours.get(name)) for name in {**ours, **theirs})
    return [each for each in every if each.found != each.expected]


def settings_of(provenance: dict) -> dict[str, object]:
    """Name → setting, with those of `params` apart; weights are the digest of their values.

    An archive without a profile is older than profiles; its profile is the default one.
    """
    settings: dict[str, object] = {}
    for name, value in {"profile": recorded(provenance), **provenance}.items():
        if name in MAY_DIFFER:
            continue
        inner = value if isinstance(value, dict) else {"values_sha256": value}
        if "values_sha256" in inner:
            settings[name] = inner["values_sha256"]
        else:
            settings |= {f"{name}.{each}": inner[each] for each in inner}
    return settings


def check_same(found: dict, expected: dict, path: Path) -> None:
    """Raises if a file of an archive was made with other settings than the first file.

    Raises:
        VGGishError: the settings differ; the message gives both values.
    """
    different = differences(found, expected)
    if different:
        changes = "; ".join(f"{name} is {its}, not {theirs}" for name, its, theirs in different)
        raise VGGishError(
            f"{path} was made with other settings than the files before it: {changes}. Read them "
            "one by one."
        )
