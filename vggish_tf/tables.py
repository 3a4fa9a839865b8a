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
    path: Path, columns: Sequence[str], required: Sequence[str], *, others: bool = False
) -> Iterator[tuple[int, Row]]:
    """Yields the rows of a table in UTF-8, as named_rows() does.

    Raises:
        VGGishError: the file is not UTF-8; or as named_rows().
    """
    return named_rows(path, _text_of(path), columns, required, others=others)


def named_rows(
    path: str | os.PathLike[str],
    text: str,
    columns: Sequence[str],
    required: Sequence[str],
    *,
    others: bool = False,
) -> Iterator[tuple[int, Row]]:
    """Yields the number of the last line of each row, and the row as column → text.

    Spaces around the names of columns are no part of them. Values that a row lacks are "".

    Args:
        path: the file, for the messages.
        text: its text.
        columns: the columns that are read.
        required: those of them that must be there.
        others: whether the table may have other columns.

    Raises:
        VGGishError: the text is not CSV, columns are missing, doubled or not allowed, or a row has
            more values than columns.

    Example:
        >>> list(named_rows("t.csv", "path, start\\na.wav, 1\\n", ["path", "start"], ["path"]))
        [(2, {'path': 'a.wav', 'start': ' 1'})]
    """
    rows = rows_of(path, io.StringIO(text, newline=""))
    names = [name.strip() for name in next(rows, (0, []))[1]]
    check_columns(path, names, columns, required, others=others)
    for line, values in rows:
        if len(values) > len(names):
            raise _surplus(path, line, values, names)
        yield line, dict(itertools.zip_longest(names, values, fillvalue=""))


def check_columns(
    path: str | os.PathLike[str],
    names: Sequence[str],
    columns: Sequence[str],
    required: Sequence[str],
    *,
    others: bool = False,
):
    """Raises if the names of a table's columns are wrong; the arguments are those of named_rows().

    Raises:
        VGGishError: columns are missing, doubled or not allowed.
    """
    known = [name for name in map(str.strip, names) if name in columns]
    if not set(required) <= set(known) or len(set(known)) < len(known if others else names):
        optional = ",".join(name for name in columns if name not in required)
        raise VGGishError(
            f"{path}: the header must name the columns {','.join(required)}"
            f"{' and, if wanted, ' if optional else ''}{optional}, each once; "
            f"received {','.join(names)[:SHOWN] or 'nothing'}."
        )


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


def _surplus(
    path: str | os.PathLike[str], line: int, values: list[str], names: list[str]
) -> VGGishError:
    return VGGishError(
        f"{path}, line {line}: {len(values)} values in {len(names)} columns; received "
        f"{_shown(values)}. Put a value that holds a comma in quotes."
    )
