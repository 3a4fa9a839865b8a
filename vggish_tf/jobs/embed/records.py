"""Records of a run in its output folder: what is done, with which settings, and what failed.

    _embed/settings.json      the provenance of every row
    _embed/units/<id>.json    one a unit, written last: its clips with their stamps, its failures
    _embed/lock               held by the run that writes here
    _failures.csv             all failures, for people

A unit is a shard of the output and its record. It counts as done from the moment its record has its
name; a run that was killed before does the unit again, to the same bytes.
"""

import contextlib
import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vggish_tf.errors import VGGishError
from vggish_tf.files import make_folder, replacing
from vggish_tf.formats.provenance import differences
from vggish_tf.jobs.embed.inputs import Clip

UNIT_BYTES, UNIT_CLIPS = 1 << 26, 512  # at which a unit is full: 64 MB of files, or so many clips
Stamp = list[int]


@dataclass
class Unit:
    """Clips that are embedded and written together, and the failures among them."""

    place: int  # of its first clip among all
    clips: list[Clip] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    failures: list[dict] = field(default_factory=list)
    num_rows: int = 0

    @property
    def name(self) -> str:
        """A name that follows from the clips, and sorts as they do."""
        keys = json.dumps([clip.key for clip in self.clips])
        return f"rows-{self.place:09d}-{hashlib.sha256(keys.encode()).hexdigest()[:12]}"


def units_of(clips: Iterable[tuple[int, Clip]]) -> Iterator[Unit]:
    """Numbered clips in units, cut in the same places whichever units are done already."""
    unit, size = Unit(0), 0
    for place, clip in clips:
        unit = unit if unit.clips else Unit(place)
        unit.clips.append(clip)
        unit.stamps.append(clip.stamp)
        size += unit.stamps[-1][0]
        if size >= UNIT_BYTES or len(unit.clips) >= UNIT_CLIPS:
            yield unit
            unit, size = Unit(0), 0
    if unit.clips:
        yield unit


class Records:
    """The records of an output folder; use it while it is locked.

    Raises:
        VGGishError: the folder cannot be made, or a record is damaged.
    """

    def __init__(self, output: str | os.PathLike[str]):
        self.output = make_folder(output)
        self.folder = make_folder(self.output / "_embed")
        self._units = make_folder(self.folder / "units")
        self._stamps: dict[str, tuple[str, Stamp]] = {}  # key of a clip → its unit, its stamp
        self._failures: dict[str, list[dict]] = {}  # unit → its failures

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the output for this run; the system lets go of it when the process ends."""
        with open(self.folder / "lock", "a+b") as file:
            try:
                _lock(file)
            except OSError:
                raise VGGishError(
                    f"another run writes to {self.output}. Wait for it, or choose another output."
                ) from None
            yield

    def check_settings(self, settings: dict):
        """Writes the settings down, or compares them with those of the rows that are there."""
        path = self.folder / "settings.json"
        if not path.exists():
            _write_json(path, settings)
            return
        different = differences(_read_json(path), settings)
        if different:
            changes = "; ".join(f"{name} was {was}, and is {now}" for name, was, now in different)
            raise VGGishError(
                f"{self.output} holds rows of other settings: {changes}. Choose another output."
            )

    def load(self):
        """Reads the records; one whose shard is gone counts for nothing."""
        for path in self._units.glob("*.json"):
            record = _read_json(path)
            if record["rows"] and not self.shard_of(path.stem).exists():
                path.unlink()
                continue
            self._failures[path.stem] = record["failures"]
            for key, stamp in zip(record["clips"], record["stamps"], strict=True):
                self._stamps[json.dumps(key)] = path.stem, stamp

    def changed(self, clips: Iterable[Clip]) -> list[Clip]:
        """The clips whose files changed since they were embedded; their units are undone."""
        found = [clip for clip in clips if self._stamp_of(clip) not in (None, clip.stamp)]
        for unit in {self._stamps[_key(clip)][0] for clip in found}:
            (self._units / f"{unit}.json").unlink()  # first: then its shard counts for nothing
            self.shard_of(unit).unlink(missing_ok=True)
            del self._failures[unit]
            self._stamps = {key: pair for key, pair in self._stamps.items() if pair[0] != unit}
        return found

    def is_done(self, clip: Clip) -> bool:
        """Whether a clip is in a unit that is done."""
        return _key(clip) in self._stamps

    def add(self, unit: Unit):
        """Says that a unit is done; its shard has been written."""
        keys = [clip.key for clip in unit.clips]
        record = {"clips": keys, "stamps": unit.stamps, "failures": unit.failures}
        _write_json(self._units / f"{unit.name}.json", {**record, "rows": unit.num_rows})
        self._failures[unit.name] = unit.failures
        for clip, stamp in zip(unit.clips, unit.stamps, strict=True):
            self._stamps[_key(clip)] = unit.name, stamp

    @property
    def failures(self) -> list[dict]:
        """All failures, in the order of the clips."""
        return [failure for unit in sorted(self._failures) for failure in self._failures[unit]]

    def write_failures(self) -> Path:
        """Writes the table of failures, and returns its path; without any, there is none."""
        path = self.output / "_failures.csv"
        if not self.failures:
            path.unlink(missing_ok=True)
            return path
        with (
            replacing(path) as temporary,
            open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
        ):
            writer = csv.DictWriter(file, ["path", "kind", "message"])
            writer.writeheader()
            writer.writerows(self.failures)
        return path

    def shard_of(self, unit: str) -> Path:
        """The file of a unit's rows."""
        return self.output / f"{unit}.parquet"

    def _stamp_of(self, clip: Clip) -> Stamp | None:
        return self._stamps.get(_key(clip), ("", None))[1]


def _key(clip: Clip) -> str:
    return json.dumps(clip.key)


def _write_json(path: Path, value):
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value), encoding="utf-8")


def _read_json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise VGGishError(f"{path} is damaged. Remove it: its clips are embedded again.") from None


def _lock(file):
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
