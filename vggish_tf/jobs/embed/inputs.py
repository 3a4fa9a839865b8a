"""Inputs: files, folders, globs, lists, tables, tar shards → the clips to embed, in a fixed order.

    a file             an audio file
    a folder           its audio files, by their suffixes, in all its subfolders
    "*.wav"            a glob, with ** for subfolders
    @list.txt, -       a list with a path in each line; - is standard input
    .csv, .parquet     a table: path[,start,end] in seconds; or a Parquet column {bytes, path}
    .tar               a WebDataset shard: its members, by their suffixes

Nothing is decoded here; only the table of contents of a shard is read.
"""

import codecs
import os
import posixpath
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vggish_tf import audio, tables
from vggish_tf.errors import UsageError, VGGishError, reason_of
from vggish_tf.jobs.embed import stores
from vggish_tf.jobs.embed.clips import Clip
from vggish_tf.jobs.embed.stores import Stamp

GLOB = frozenset("*?[")
COLUMNS = ("path", "start", "end")
LATEST = 1e300  # seconds; the samples until a later time cannot be counted


def local_files(inputs: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The inputs, if each is the name of one local audio file, which may be missing; else [].

    Example:
        >>> local_files(["a.wav", "b.flac"]), local_files(["sounds/*.wav"])
        ([PosixPath('a.wav'), PosixPath('b.flac')], [])
    """
    names = [os.fspath(given) for given in inputs]
    are_files = all(not stores.is_remote(name) and _stands_for(name) is _one for name in names)
    return list(map(Path, names)) if are_files else []


def find(inputs: Iterable[str | os.PathLike[str]]) -> list[Clip]:
    """All clips, each once, in the order of the inputs; within a folder or glob by name.

    Raises:
        UsageError: an input has no audio files.
        VGGishError: a table or a shard cannot be read.
    """
    found, seen = list[Clip](), set()
    for given in inputs:
        empty = True
        for clip in _stands_for(os.fspath(given))(os.fspath(given)):
            empty = False
            if clip.key not in seen:
                seen.add(clip.key)
                found.append(clip)
        if empty:
            raise UsageError(f"{given}: no audio files. Give files, or a folder that has some.")
    return found


def _stands_for(given: str) -> Callable[[str], Iterable[Clip]]:
    """The function that finds the clips of an input, by its form."""
    store = stores.of(given)
    if given == "-":
        return lambda _: _listed(sys.stdin.buffer.read())
    if store.is_folder(given):
        return lambda folder: _sounds_in(store.files_in(folder))
    if GLOB & set(given) and not store.exists(given):
        return _matches
    if given.startswith("@") and not store.exists(given):
        return lambda name: _listed(_bytes_of(name[1:]))
    return READERS.get(_suffix(given), _one)


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _one(given: str) -> list[Clip]:
    return [_clip(given)]


def _clip(path: str, listed: Stamp | None = None) -> Clip:
    return Clip(path, path, listed=listed)


def _matches(pattern: str) -> Iterator[Clip]:
    """Clips of the files that match a glob: of audio files, tables and shards."""
    for path, listed in stores.of(pattern).matches(pattern):
        read = READERS.get(_suffix(path))
        yield from read(path) if read else [_clip(path, listed)]


def _sounds_in(files: Iterable[tuple[str, Stamp | None]]) -> Iterator[Clip]:
    """Yields the audio files, by their suffixes."""
    suffixes = audio.suffixes()
    for path, listed in files:
        if _suffix(path) in suffixes:
            yield _clip(path, listed)


def _bytes_of(path: str) -> bytes:
    with _opened(path, "file") as file:
        return file.read()


def _listed(lines: bytes) -> Iterator[Clip]:
    """Paths that end in a line break, or in a zero byte, as `find -print0` writes them."""
    lines = lines.removeprefix(codecs.BOM_UTF8)  # as editors of Windows write it
    separator = b"\0" if b"\0" in lines else b"\n"
    for line in lines.split(separator):
        path = line if separator == b"\0" else line.rstrip(b"\r")
        if path:
            yield _clip(os.fsdecode(path))


@contextmanager
def _opened(path: str, kind: str, *errors: type[Exception]) -> Iterator[BinaryIO]:
    """Opens a file of a kind; turns errors into one line."""
    try:
        with stores.of(path).open(path) as file:
            yield file
    except OSError as error:
        raise VGGishError(f"{path} cannot be read: {reason_of(error)}.") from None
    except errors as error:
        raise VGGishError(f"{path} is not a {kind}, or is damaged: {reason_of(error)}.") from None


def _rows_of_csv(table: str) -> Iterator[Clip]:
    """The clips of a CSV, whose paths are relative to it."""
    text = _bytes_of(table).decode("utf-8-sig", "surrogateescape")
    for line, row in tables.named_rows(table, text, COLUMNS, COLUMNS[:1], others=True):
        yield _stretch(table, row["path"], row.get("start"), row.get("end"), line)


def _rows_of_parquet(table: str) -> Iterator[Clip]:
    """The clips of a column `path`; or of one with structs {bytes, path}, as datasets has it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with (
        _opened(table, "Parquet file", pa.ArrowException) as source,
        pq.ParquetFile(source) as file,
    ):
        names, column = file.schema_arrow.names, _column_of_bytes(file.schema_arrow)
        if "path" in map(str.strip, names):
            tables.check_columns(table, names, COLUMNS, COLUMNS[:1], others=True)
            yield from _stretches(table, file, [n for n in names if n.strip() in COLUMNS])
        elif column:
            yield from _cells(table, file, column)
        else:
            raise VGGishError(f"{table} has neither a column `path` nor one of {{bytes, path}}.")


def _stretches(table: str, file, columns: list[str]) -> Iterator[Clip]:
    names = [name.strip() for name in columns]
    rows = file.read(columns).rename_columns(names).to_pylist()
    for number, row in enumerate(rows, start=1):
        yield _stretch(table, row["path"], row.get("start"), row.get("end"), number)


def _cells(table: str, file, column: str) -> Iterator[Clip]:
    seen = set[str]()
    for group in range(file.num_row_groups):
        paths = file.read_row_group(group, [f"{column}.path"])[column].to_pylist()
        for row, named in enumerate(paths):
            name = (named or {}).get("path") or f"{group}-{row}"
            part = ("cell", column, group, row)
            yield Clip(f"{table}::{_unlike(seen, name, f'{group}-{row}')}", table, part=part)


def _unlike(seen: set[str], name: str, place: str) -> str:
    """A name that no earlier clip has: in many tables, every clip is called `audio.wav`."""
    name = f"{name}#{place}" if name in seen else name
    seen.add(name)
    return name


def _column_of_bytes(schema) -> str | None:
    import pyarrow as pa

    for field in schema:
        if pa.types.is_struct(field.type) and {"bytes", "path"} <= {
            part.name for part in field.type
        }:
            return field.name
    return None


def _stretch(table: str, path: str, start, end, line: int) -> Clip:
    try:
        first, last = float(start or 0), None if end in (None, "") else float(end)
        named = isinstance(path, str) and path
        if not (named and 0 <= first < LATEST and (last is None or first < last < LATEST)):
            raise ValueError
    except (TypeError, ValueError):
        raise VGGishError(
            f"{table}, line {line}: a row needs a path, and an end after its start, in seconds; "
            f"received {path!r}, {start!r}, {end!r}."
        ) from None
    whole = path if stores.is_remote(path) else _beside(table, path)
    return Clip(whole, whole, first, last)


def _beside(table: str, path: str) -> str:
    if stores.is_remote(table):
        return posixpath.join(posixpath.dirname(table), path)
    return str(Path(table).parent / path)


def _members_of(shard: str) -> Iterator[Clip]:
    suffixes, seen = audio.suffixes(), set[str]()
    with (
        _opened(shard, "tar file", tarfile.TarError, EOFError) as source,
        tarfile.open(fileobj=source) as file,
    ):
        for member in file:
            if member.isfile() and _suffix(member.name) in suffixes:
                part = ("member", member.offset_data, member.size)
                name = _unlike(seen, member.name, str(member.offset))
                yield Clip(f"{shard}::{name}", shard, part=part)


READERS = {".csv": _rows_of_csv, ".parquet": _rows_of_parquet, ".tar": _members_of}
