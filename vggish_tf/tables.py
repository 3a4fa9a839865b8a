"""CSV → its rows, each with the number of its line, which error messages give."""

import csv
import io
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vggish_tf.errors import VGGishError

SHOWN = 200  # characters of a bad row in a message

Row = dict[str, str]


def read(
    path: Path, columns: Sequence[str] | None, required: Sequence[str]
) -> Iterator[tuple[int, Row]]:
    """Yields the number of the last line of each row, and the row as column → text.

    Values that a row lacks are "".

    Args:
        path: the file.
        columns: the allowed columns; None allows any.
        required: the columns that must be there.

    Raises:
        VGGishError: the file is not UTF-8 or not CSV, columns are missing or not allowed, or a row
            has more values than columns.
    """
    rows = rows_of(path, io.StringIO(_text_of(path), newline=""))
    _, names = next(rows, (0, []))
    _check_columns(path, names, columns, required)
    for line, values in rows:
        if len(values) > len(names):
            raise _surplus(path, line, values, names)
        yield line, dict(itertools.zip_longest(names, values, fillvalue=""))


def rows_of(path: str | os.PathLike[str], lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yields the number of the last line of each row of a CSV, and its values; skips empty lines.

    Args:
        path: the file, for the message.
        lines: its lines, with their ends.

    Raises:
        VGGishError: the lines are not CSV; the message gives the line where the bad row begins.

    Example:
        >>> list(rows_of("a.csv", ['"a\\n', 'b",1\\n']))
        [(2, ['a\\nb', '1'])]
    """
    rows = csv.reader(lines, strict=True)  # an open quote would hide the rows behind it
    line = 0  # of the last row that could be read
    try:
        for row in rows:
            line = rows.line_num
            if row:
                yield line, row
    except csv.Error as error:
        raise VGGishError(
            f"{path}, line {line + 1}: {error}. Is a quote left open there?"
        ) from None


def shown(row: Row) -> str:
    """A row for a message: on one line, and cut off after SHOWN characters.

    Example:
        >>> shown({"path": "a.wav", "label": "x"})
        "'a.wav,x'"
    """
    return _shown(row.values())


def _shown(values: Iterable[str]) -> str:
    return repr(",".join(values)[:SHOWN])


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = f"byte 0x{error.object[error.start]:02x}"
        raise VGGishError(
            f"{path}, line {line}: this is not UTF-8 ({byte}). Save the table as UTF-8."
        ) from None


def _check_columns(
    path: Path, names: list[str], columns: Sequence[str] | None, required: Sequence[str]
):
    known = names if columns is None else columns
    if not set(required) <= set(names) <= set(known) or len(set(names)) < len(names):
        optional = ",".join(name for name in columns or () if name not in required)
        raise VGGishError(
            f"{path}: the first line must name the columns {','.join(required)}"
            f"{' and, if wanted, ' if optional else ''}{optional}, each once; "
            f"received {','.join(names)[:SHOWN] or 'nothing'}."
        )


def _surplus(path: Path, line: int, values: list[str], names: list[str]) -> VGGishError:
    return VGGishError(
        f"{path}, line {line}: {len(values)} values in {len(names)} columns; received "
        f"{_shown(values)}. Put a value that holds a comma in quotes."
    )
