"""Names of files: their folders, and their labels in a CSV."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from vggish_tf import tables
from vggish_tf.errors import VGGishError, counted, from_printable
from vggish_tf.files import check_source
from vggish_tf.jobs.map.segments import UNLABELLED, numbered

COLUMNS = ("path", "label")

Parts = tuple[str, ...]


def parts_of(path: str) -> Parts:
    r"""The folders and the name of a path, without its root.

    A path with backslashes and no slash is a path of Windows.

    Example:
        >>> parts_of("/birds/owl.wav"), parts_of(r"C:\birds\owl.wav")
        (('birds', 'owl.wav'), ('birds', 'owl.wav'))
    """
    is_posix = "/" in path or "\\" not in from_printable(path)
    pure = PurePosixPath(path) if is_posix else PureWindowsPath(path)
    return pure.parts[1:] if pure.anchor else pure.parts


def folders_of(files: Sequence[str]) -> list[str]:
    """The folder of each file, below the folder that all have in common.

    Example:
        >>> folders_of(["a/sea/1.wav", "a/2.wav", "a/sea/far/3.wav"])
        ['sea', 'a', 'sea/far']
    """
    folders = [parts_of(path)[:-1] for path in files]
    common = _in_common(min(folders), max(folders))
    top = folders[0][common - 1] if common else "."
    return ["/".join(folder[common:]) or top for folder in folders]


def _in_common(first: Parts, last: Parts) -> int:
    """The number of folders that the first and the last path, and so all between, begin with."""
    pairs = zip(first, last, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def read_labels(path: str | os.PathLike[str]) -> dict[Parts, str]:
    """Path → label, from a CSV with the columns path and label; others are ignored.

    Several labels of one path are joined by commas.

    Raises:
        VGGishError: the file is missing, is not such a table, or has no rows.
    """
    path = check_source(path, "Give a CSV with the columns path,label.")
    found: dict[Parts, dict[str, None]] = {}
    for line, row in tables.read(Path(path), COLUMNS, COLUMNS, others=True):
        if not parts_of(row["path"]):
            raise VGGishError(f"{path}, line {line}: no path; received {tables.shown(row)}.")
        found.setdefault(parts_of(row["path"]), {})[row["label"].strip()] = None
    if not found:
        raise VGGishError(f"{path} has no rows under its first line. Give a row for each file.")
    return {parts: ", ".join(filter(None, labels)) for parts, labels in found.items()}


def labels_of(files: Sequence[str], labels: dict[Parts, str]) -> tuple[list[str], np.ndarray, int]:
    """The classes of files by their labels; a path in the table may be the end of a file's path.

    Returns:
        The names of the classes, the number of each file's class, and the number of files without
        a label.

    Raises:
        VGGishError: no file has a label.

    Example:
        >>> labels_of(["sounds/owl.wav", "sounds/sea.wav"], {("owl.wav",): "bird"})[1:]
        (array([0, 1]), 1)
    """
    found = [_label(parts_of(path), labels) for path in files]
    if not any(found):
        raise VGGishError(
            f"none of {counted(len(files), 'file')} has a label: the archive has paths such as "
            f"{files[0]!r}, the table has paths such as {'/'.join(next(iter(labels)))!r}."
        )
    return *numbered(label or UNLABELLED for label in found), sum(not label for label in found)


def _label(parts: Parts, labels: dict[Parts, str]) -> str:
    ends = (parts[first:] for first in range(len(parts)))
    return next((labels[end] for end in ends if end in labels), "")
