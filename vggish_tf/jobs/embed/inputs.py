"""Inputs: files, folders, globs, lists, tables, tar shards → the clips to embed, in a fixed order.

    a file             an audio file
    a folder           its audio files by their suffixes, in all its subfolders
    "*.wav"            a glob, with ** for subfolders
    @list.txt, -       a list, a path a line; - is standard input
    .csv, .parquet     a table: path[,start,end] in seconds; or a column {bytes, path} of Parquet
    .tar               a WebDataset shard: its members by their suffixes

Nothing is decoded here, and of a shard nothing is read but its table of contents.
"""

import csv
import glob
import io
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vggish_tf import audio
from vggish_tf.errors import AudioError, UsageError, VGGishError, reason_of

GLOB = frozenset("*?[")


@dataclass(frozen=True)
class Clip:
    """A clip to embed.

    Args:
        name: in the output: the path as found, or `shard::member`.
        file: the file that holds it; its size and time of change say whether it changed.
        start, end: of the stretch, in seconds; None is the end of the file.
        read: its bytes, where it is a part of a file.
    """

    name: str
    file: str
    start: float = 0.0
    end: float | None = None
    read: Callable[[], bytes] | None = None

    @property
    def key(self) -> tuple:
        """What tells the clip from others."""
        return self.name, self.start, self.end

    @property
    def stamp(self) -> list[int]:
        """Size and time of change; zeros if the file is gone."""
        try:
            status = os.stat(self.file)
        except (OSError, ValueError):
            return [0, 0]
        return [status.st_size, status.st_mtime_ns]

    @contextmanager
    def opened(self) -> Iterator[str]:
        """The path of a file with the sound alone."""
        if self.read is None:
            yield self.file
            return
        with tempfile.NamedTemporaryFile(prefix="vggish_tf.") as file:
            try:
                file.write(self.read())
                file.flush()
                yield file.name
            except AudioError as error:  # in the words of the user, who does not know that file
                raise AudioError(str(error).replace(file.name, self.name)) from None
            except OSError as error:
                raise AudioError(f"{self.name} cannot be read: {reason_of(error)}.") from None


def are_files(inputs: Iterable[str | os.PathLike[str]]) -> bool:
    """Whether each input is the name of one audio file, which may be missing.

    Example:
        >>> are_files(["a.wav", "b.flac"]), are_files(["sounds/*.wav"]), are_files(["list.csv"])
        (True, False, False)
    """
    return all(_stands_for(os.fspath(given)) is _one for given in inputs)


def find(inputs: Iterable[str | os.PathLike[str]]) -> list[Clip]:
    """All clips, each once, in the order of the inputs; within a folder or glob by name.

    Raises:
        UsageError: an input that stands for nothing.
        VGGishError: a table or a shard that cannot be read.
    """
    found: dict[tuple, Clip] = {}
    for given in inputs:
        clips = list(_stands_for(os.fspath(given))(os.fspath(given)))
        if not clips:
            raise UsageError(f"{given}: no audio files. Give files, or a folder that has some.")
        for clip in clips:
            found.setdefault(clip.key, clip)
    return list(found.values())


def _stands_for(given: str) -> Callable[[str], Iterator[Clip]]:
    """The function that finds the clips of an input, by its form."""
    suffix = os.path.splitext(given)[1].lower()
    if given == "-":
        return lambda _: _listed(sys.stdin.buffer.read())
    if os.path.isdir(given):
        return lambda folder: map(_clip, _files_in(folder))
    if suffix in READERS:
        return READERS[suffix]
    if os.path.exists(given):
        return _one
    if given.startswith("@"):
        return lambda name: _listed(_bytes_of(name[1:]))
    return _matches if GLOB & set(given) else _one


def _one(given: str) -> Iterator[Clip]:
    return iter([_clip(given)])


def _matches(pattern: str) -> Iterator[Clip]:
    return map(_clip, sorted(filter(os.path.isfile, glob.iglob(pattern, recursive=True))))


def _clip(path: str) -> Clip:
    return Clip(path, path)


def _bytes_of(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise VGGishError(f"{path} cannot be read: {reason_of(error)}.") from None


def _listed(lines: bytes) -> Iterator[Clip]:
    """A path a line, or, as `find -print0` writes them, a path a zero byte."""
    separator = b"\0" if b"\0" in lines else b"\n"
    for line in lines.split(separator):
        path = line if separator == b"\0" else line.rstrip(b"\r")
        if path:
            yield _clip(os.fsdecode(path))


def _files_in(folder: str) -> Iterator[str]:
    """Audio files by their suffixes, in the order of their names; links are followed, once each."""
    suffixes, seen = audio.suffixes(), set[tuple[int, int]]()
    for parent, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in seen:  # a link to a folder above, or to one again
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if os.path.splitext(name)[1].lower() in suffixes and not name.startswith("."):
                yield os.path.join(parent, name)


def _rows_of_csv(given: str) -> Iterator[Clip]:
    """Paths are relative to the table."""
    table = Path(given)
    try:
        text = table.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise VGGishError(f"{table} cannot be read: {reason_of(error)}.") from None
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if "path" not in (rows.fieldnames or ()):
        raise VGGishError(f"{table}: the first line must name the columns path[,start,end].")
    for row in rows:
        yield _stretch(table, row["path"], row.get("start"), row.get("end"), rows.line_num)


def _rows_of_parquet(given: str) -> Iterator[Clip]:
    """A column `path`; or one of structs {bytes, path}, as datasets stores audio."""
    import pyarrow.parquet as pq

    table = Path(given)
    try:
        file = pq.ParquetFile(table)
    except Exception as error:
        raise VGGishError(f"{table} is no Parquet file, or is damaged: {error}.") from None
    names = file.schema_arrow.names
    if "path" in names:
        columns = [name for name in ("path", "start", "end") if name in names]
        for number, row in enumerate(file.read(columns).to_pylist(), start=1):
            yield _stretch(table, row["path"], row.get("start"), row.get("end"), number)
        return
    column = _column_of_bytes(file.schema_arrow)
    if column is None:
        raise VGGishError(f"{table} has no column `path`, and none of {{bytes, path}}.")
    for group in range(file.num_row_groups):
        paths = file.read_row_group(group, [f"{column}.path"])[column].to_pylist()
        for number, named in enumerate(paths):
            name = f"{table}::{named['path'] or f'{group}-{number}'}"
            yield Clip(name, str(table), read=_Cell(str(table), column, group, number))


def _column_of_bytes(schema) -> str | None:
    import pyarrow as pa

    for field in schema:
        if pa.types.is_struct(field.type) and {"bytes", "path"} <= {
            part.name for part in field.type
        }:
            return field.name
    return None


@dataclass(frozen=True)
class _Cell:
    """The bytes in a row of a Parquet file."""

    table: str
    column: str
    group: int
    number: int

    def __call__(self) -> bytes:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.table) as file:
            values = file.read_row_group(self.group, [f"{self.column}.bytes"])[self.column]
        return values[self.number].as_py()["bytes"] or b""


def _stretch(table: Path, path: str, start, end, line: int) -> Clip:
    try:
        first, last = float(start or 0), None if end in (None, "") else float(end)
        if not (path and first >= 0 and (last is None or last > first)):
            raise ValueError
    except ValueError:
        raise VGGishError(
            f"{table}, line {line}: a row needs a path, and an end after its start, in seconds; "
            f"received {path!r}, {start!r}, {end!r}."
        ) from None
    whole = str(table.parent / path)
    return Clip(whole, whole, first, last)


def _members_of(shard: str) -> Iterator[Clip]:
    suffixes = audio.suffixes()
    try:
        with tarfile.open(shard) as file:
            members = [member for member in file if member.isfile()]
    except (OSError, tarfile.TarError, EOFError) as error:
        raise VGGishError(f"{shard} is no tar file, or is damaged: {reason_of(error)}.") from None
    for member in members:
        if os.path.splitext(member.name)[1].lower() in suffixes:
            place = _Member(shard, member.offset_data, member.size)
            yield Clip(f"{shard}::{member.name}", shard, read=place)


@dataclass(frozen=True)
class _Member:
    """The bytes of a file in a tar file."""

    shard: str
    offset: int
    size: int

    def __call__(self) -> bytes:
        with open(self.shard, "rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


READERS = {".csv": _rows_of_csv, ".parquet": _rows_of_parquet, ".tar": _members_of}
