"""Archive as CSV, for R and spreadsheets: `path,start,end,e0…e127`, with a row for each example.

A labelled dataset also has a column `labels`: numbers separated by spaces. A float32 is written
with the fewest digits that give the same bits when read. The provenance is beside the file, in
`<file>.json`.
"""

import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vggish_tf.errors import VGGishError, reason_of
from vggish_tf.formats.clips import Rows, arrow_file, clips_of, groups
from vggish_tf.formats.provenance import complete, read_sidecar, with_sidecar
from vggish_tf.rows import Archive, ClipRows
from vggish_tf.tables import rows_of

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("path", "start", "end")
BLOCK_BYTES = 1 << 18  # read at a time, about 200 rows; pyarrow holds several blocks


def write(path: str | os.PathLike[str], archive: Archive) -> Path:
    """Writes the file and its sidecar; both or neither.

    Args:
        path: the file.
        archive: the clips and their provenance.

    Raises:
        VGGishError: the clips have rows of different size or dtype.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> rows = ClipRows("a.wav", np.zeros(1), np.ones(1), np.full((1, 2), 0.1, np.float32))
        >>> path = write(tempfile.mkdtemp() + "/rows.csv", Archive([rows], {"pad": "short"}))
        >>> print(path.read_text())
        "path","start","end","e0","e1"
        "a.wav",0,1,0.1,0.1
    """
    import pyarrow.csv

    path = Path(path)
    with with_sidecar(path, archive) as (temporary, first, clips):
        schema = _schema(first)
        with arrow_file(temporary, "wb") as target, pyarrow.csv.CSVWriter(target, schema) as file:
            for rows in groups(clips):
                file.write_table(_table(rows, schema))
    return path


def read(path: str | os.PathLike[str]) -> Archive:
    """Reads the file clip after clip; other columns are ignored.

    Raises:
        VGGishError: the file is missing, damaged or cut short, or lacks columns; the message gives
            the line.
    """
    path = Path(path)
    sidecar = read_sidecar(path)
    names = _header(path)
    dtype = np.dtype(sidecar.get("dtype") or _dtype(path, names))
    clips = clips_of(_batches(path, names, dtype))
    return Archive(complete(clips, path, sidecar), sidecar["provenance"])


def is_header(line: list[str]) -> bool:
    """Whether the first line of a file is that of an archive."""
    return {*COLUMNS, "e0"} <= set(line)


def _values_of(names: list[str]) -> list[str]:
    return [f"e{place}" for place in range(sum(bool(re.fullmatch(r"e\d+", n)) for n in names))]


def _schema(first: ClipRows) -> "pa.Schema":
    import pyarrow as pa

    labels = [] if first.labels is None else [("labels", pa.string())]
    kind = pa.from_numpy_dtype(first.embedding.dtype)
    values = [(f"e{place}", kind) for place in range(first.embedding.shape[1])]
    times = [("start", pa.float64()), ("end", pa.float64())]
    return pa.schema([("path", pa.string()), *times, *labels, *values])


def _table(rows: Rows, schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    labels = [] if rows.labels is None else [[" ".join(map(str, each)) for each in rows.labels]]
    columns = [rows.paths, rows.start, rows.end, *labels, *np.ascontiguousarray(rows.embedding.T)]
    fields = zip(columns, schema.types, strict=True)
    return pa.table([pa.array(column, kind) for column, kind in fields], schema=schema)


def _header(path: Path) -> list[str]:
    """The names of the columns, after a check that the file ends with a whole line."""
    with _reading(path), open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            raise ValueError("its last line has no end, so it was cut short")
        names = _first_lines(path, 1)[0]
        if not is_header(names) or not set(_values_of(names)) <= set(names):
            raise ValueError(f"its columns must be path, start, end, e0, …; it has {names}")
        return names


def _first_lines(path: Path, count: int) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        return [values for _, values in itertools.islice(rows_of(path, file), count)]


def _dtype(path: Path, names: list[str]) -> str:
    """The dtype of rows without a sidecar: uint8 if the first has only whole numbers up to 255."""
    with _reading(path):
        first = dict(zip(names, [*_first_lines(path, 2), []][1], strict=False))
    values = [first.get(name, "") for name in _values_of(names)]
    return "uint8" if all(_is_number(value, np.uint8) for value in values) else "float32"


def _check_quotes(path: Path):
    """Raises at a quote left open: pyarrow would take the rows behind it for a part of its value.

    Only the part of each line up to its last quote is parsed, as bytes, which is fast.
    """
    with _reading(path), open(path, "rb") as file:
        begun = (line[: line.rfind(b'"') + 2].decode("latin-1") for line in file)
        for _ in rows_of(path, begun):
            pass


def _batches(path: Path, names: list[str], dtype: np.dtype) -> Iterator[Rows]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    _check_quotes(path)
    labels = {"labels": pa.string()} if "labels" in names else {}
    times = {"start": pa.float64(), "end": pa.float64()}
    values = dict.fromkeys(_values_of(names), pa.from_numpy_dtype(dtype))
    types = {"path": pa.string(), **times, **labels, **values}
    with (
        _reading(path, list(values), dtype),
        arrow_file(path) as source,
        arrow_csv.open_csv(
            source,
            arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            arrow_csv.ParseOptions(newlines_in_values=True),
            arrow_csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=[]
            ),
        ) as file,
    ):
        for batch in file:
            yield _rows(batch, list(values))


def _rows(batch: "pa.RecordBatch", values: list[str]) -> Rows:
    embedding = np.stack([batch[name].to_numpy() for name in values], axis=1)
    labels = None
    if "labels" in batch.schema.names:
        labels = [np.array(each.split(), np.int64) for each in batch["labels"].to_pylist()]
    paths = np.array(batch["path"].to_pylist(), object)
    return Rows(paths, batch["start"].to_numpy(), batch["end"].to_numpy(), embedding, labels)


@contextmanager
def _reading(path: Path, values: list[str] | None = None, dtype=np.float32) -> Iterator[None]:
    """Turns errors of pyarrow into one line, with the number of the bad line if it is found."""
    import pyarrow as pa

    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = (values and _fault(path, values, dtype)) or reason_of(error)
        raise VGGishError(f"{path} is missing, damaged, or not an archive: {reason}.") from None


def _fault(path: Path, values: list[str], dtype) -> str | None:
    """The number of the first wrong line, and its fault; pyarrow reports only rows."""
    kinds = {**dict.fromkeys(("start", "end"), np.float64), **dict.fromkeys(values, dtype)}
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = rows_of(path, file)
        _, names = next(rows)
        for line, given in rows:
            place = f"line {line}"
            if len(given) != len(names):
                return f"{place} has {len(given)} columns, not {len(names)}"
            fields = dict(zip(names, given, strict=True))
            for name, kind in kinds.items():
                if not _is_number(fields[name], kind):
                    return f"{place}, {name}: {fields[name]!r} is not a number ({np.dtype(kind)})"
    return None


def _is_number(text: str, dtype) -> bool:
    if np.issubdtype(dtype, np.integer):
        return text.isascii() and text.isdigit() and int(text) <= np.iinfo(dtype).max
    try:
        float(text)
    except ValueError:
        return False
    return True
