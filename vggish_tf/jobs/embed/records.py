"""Records of a run in its output folder: the units that are done, their settings, and failures.

    _embed/settings.json      the provenance of every row
    _embed/units/<id>.json    the record of a unit, written last: its clips, stamps and failures
    _embed/writing/           unfinished files, which a killed run may leave there
    _embed/lock               a lock of the run that writes here
    _embed/pending/<n>.jsonl  units of work, for workers on other machines
    _embed/stop               exists while these workers must stop
    _failures.csv             all failures, for people

A unit is a shard of the output and its record. It is done when its record has its final name. A run
that was killed before that repeats the unit, with the same bytes.
"""

import csv
import io
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from vggish_tf.errors import VGGishError, counted
from vggish_tf.formats import parquet
from vggish_tf.formats.provenance import Difference, differences, settings_of
from vggish_tf.jobs.embed import stores
from vggish_tf.jobs.embed.clips import Clip, Failure
from vggish_tf.jobs.embed.stores import Stamp
from vggish_tf.jobs.embed.units import Unit
from vggish_tf.rows import Archive

READERS = 16  # records that are read at the same time, since a remote store is slow
REPEATED = "Remove it: its clips are embedded again."
Key = str | tuple  # of a clip


class Records:
    """The records of an output folder; use them within opened().

    Raises:
        VGGishError: the folder cannot be made, or a record is damaged.
    """

    def __init__(self, output: str | os.PathLike[str]):
        self.output = os.fspath(output)
        self.folder = f"{self.output}/_embed"
        self._settings = f"{self.folder}/settings.json"
        self._units = f"{self.folder}/units"
        self._writing = f"{self.folder}/writing"
        self._store = stores.of(self.output)
        self._stamps: dict[Key, tuple[str, Stamp]] = {}  # key of a clip → unit, stamp
        self._failures: dict[str, dict[Key, Failure]] = {}  # unit → its failures

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Makes the output folder, locks it for this run, and reads its records.

        Raises:
            VGGishError: the folder cannot be made, another run writes there, or a record is
                damaged.
        """
        pending = f"{self.folder}/pending"
        for folder in (self.output, self.folder, self._units, self._writing, pending):
            self._store.make_folder(folder)
        with ExitStack() as held:
            try:
                held.enter_context(self._store.locked(f"{self.folder}/lock"))
            except BlockingIOError:
                raise VGGishError(
                    f"another run writes to {self.output}. Wait for it, or choose another output."
                ) from None
            self._store.clear(self._writing)
            self.load()
            yield

    def check_settings(self, settings: dict):
        """Writes the settings, or compares them with those of the rows that are there.

        Raises:
            VGGishError: they differ.
        """
        if self._failures or self._store.exists(self._settings):
            self._refuse(differences(self.settings, settings))
        else:
            self.write_text(self._settings, json.dumps(settings))

    def check_known(self, settings: dict):
        """Compares some settings, not necessarily all, with those of the rows that are there.

        Raises:
            VGGishError: they differ.
        """
        known = settings_of(settings)
        found = differences(self.settings, settings) if settings else []
        self._refuse([each for each in found if each.name in known])

    def _refuse(self, different: Sequence[Difference]):
        if different:
            changes = "; ".join(f"{name} was {was}, and is {now}" for name, was, now in different)
            raise VGGishError(
                f"{self.output} holds rows of other settings: {changes}. Choose another output."
            )

    @property
    def settings(self) -> dict:
        """The provenance of every row."""
        advice = f"Choose another output, or remove {self.output} and embed again."
        return self._read(self._settings, advice)

    def made_with(self, weights: dict) -> bool:
        """Whether the rows were made with weights of which some facts are known."""
        return weights.items() <= self.settings.get("weights", {}).items()

    def load(self) -> list[dict]:
        """Reads the records that are new since the last call, and returns them.

        A record without its shard is removed.
        """
        names = {name.removesuffix(".json") for name in self._store.names_in(self._units)}
        new = sorted(name for name in names - {*self._failures} if not name.startswith("."))
        shards = {*self._store.names_in(self.output)} if new else set()
        with ThreadPoolExecutor(READERS) as pool:
            found = list(pool.map(lambda name: self._read(self._record_of(name)), new))
        for name, record in zip(new, found, strict=True):
            self._take(name, record, f"{name}.parquet" in shards)
        return found

    def _take(self, name: str, record: dict, has_shard: bool):
        try:
            if any(record["rows"]) and not has_shard:
                self._store.remove(self._record_of(name))
                return
            self._failures[name] = failures_in(record)
            for key, stamp in zip(keys_in(record), record["stamps"], strict=True):
                self._stamps[key] = name, tuple(stamp)
        except (KeyError, TypeError, ValueError):
            raise _damaged(self._record_of(name)) from None

    def changed(self, clips: Iterable[Clip]) -> list[Clip]:
        """The clips whose files changed since they were embedded."""
        return [clip for clip in clips if self._stamp_of(clip) not in (None, clip.stamp)]

    def unit_of(self, clip: Clip) -> str | None:
        """The unit of a clip, if it was done when the records were loaded."""
        return self._stamps[clip.key][0] if clip.key in self._stamps else None

    def units_of_others(self, clips: Iterable[Clip]) -> set[str]:
        """The units that have a clip which is not among these."""
        keys = {clip.key for clip in clips}
        return {unit for key, (unit, _) in self._stamps.items() if key not in keys}

    def undo(self, units: Iterable[str]):
        """Removes units, with their rows."""
        for unit in units:
            self._store.remove(self._record_of(unit))  # first: the unit is undone from here on
            self._store.remove(self.shard_of(unit))
            del self._failures[unit]
        self._stamps = {
            key: pair for key, pair in self._stamps.items() if pair[0] in self._failures
        }

    def has(self, unit: Unit) -> bool:
        """Whether a unit is done."""
        return self._store.exists(self._record_of(unit.name))

    def write(self, unit: Unit, archive: Archive):
        """Writes the shard of a unit, and then its record, which makes the unit done."""
        clips = iter(archive.clips)
        first = next(clips, None)  # before the file is made, since there may be no rows
        if first is not None:
            with self._store.written(self.shard_of(unit.name), self._writing) as path:
                parquet.write(path, archive._replace(clips=itertools.chain([first], clips)))
        keys = [clip.key for clip in unit.clips]
        record = {"clips": keys, "stamps": unit.stamps, "rows": unit.rows, "seconds": unit.seconds}
        record |= {"failures": unit.failures}
        self.write_text(self._record_of(unit.name), json.dumps(record))
        self._failures[unit.name] = failures_in(record)

    def check_failures(self, most: int | None):
        """Raises if there are too many failures.

        Raises:
            VGGishError: there are more than `most`, which may be None for no limit.
        """
        if most is not None and len(self.failures) > most:
            failed = counted(len(self.failures), "clip")
            raise VGGishError(f"{failed} could not be embedded, more than {most}.")

    @property
    def failures(self) -> list[Failure]:
        """All failures, in the order of the clips."""
        units = (self._failures[unit] for unit in sorted(self._failures))
        return [failure for unit in units for failure in unit.values()]

    def failures_of(self, clips: Iterable[Clip]) -> list[Failure]:
        """The failures of these clips; an output may have others, of earlier inputs."""
        failed = {key: failure for unit in self._failures.values() for key, failure in unit.items()}
        return [failed[clip.key] for clip in clips if clip.key in failed]

    def write_failures(self, path: str | None = None):
        """Writes the table of failures, or removes it if there are none."""
        path = path or f"{self.output}/_failures.csv"
        if not self.failures:
            self._store.remove(path)
            return
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerows([Failure._fields, *self.failures])
        self.write_text(path, text.getvalue())

    @property
    def is_stopped(self) -> bool:
        """Whether workers on other machines must stop."""
        return self._store.exists(f"{self.folder}/stop")

    def stop(self):
        """Makes workers on other machines stop."""
        self.write_text(f"{self.folder}/stop", "")

    def go(self):
        """Undoes stop()."""
        self._store.remove(f"{self.folder}/stop")

    def shard_of(self, unit: str) -> str:
        """The file of a unit's rows."""
        return f"{self.output}/{unit}.parquet"

    def _record_of(self, unit: str) -> str:
        return f"{self._units}/{unit}.json"

    def _stamp_of(self, clip: Clip) -> Stamp | None:
        return self._stamps.get(clip.key, ("", None))[1]

    def write_text(self, path: str, text: str):
        """Writes a file of the output, whole or not at all."""
        with self._store.written(path, self._writing) as local:
            local.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")

    def _read(self, path: str, advice: str = REPEATED) -> dict:
        try:
            with self._store.open(path) as file:
                found = json.loads(file.read())
        except (ValueError, FileNotFoundError):
            found = None
        if not isinstance(found, dict):
            raise _damaged(path, advice)
        return found


def failures_in(record: dict) -> dict[Key, Failure]:
    """The failures of a record, which are in the order of its clips, by the key of the clip."""
    left = [Failure(*failure) for failure in record["failures"][::-1]]
    found = {}
    for key, count in zip(keys_in(record), record["rows"], strict=True):
        if not count and left and left[-1].path == name_of(key):
            found[key] = left.pop()
    return found


def name_of(key: Key) -> str:
    """The name of the clip with a key."""
    return key if isinstance(key, str) else key[0]


def keys_in(record: dict) -> list[Key]:
    """The keys of the clips of a record; JSON has lists for tuples."""
    return [tuple(key) if isinstance(key, list) else key for key in record["clips"]]


def _damaged(path: str, advice: str = REPEATED) -> VGGishError:
    return VGGishError(f"{path} is missing or damaged. {advice}")
