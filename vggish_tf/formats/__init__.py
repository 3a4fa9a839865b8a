"""Formats of archives: embeddings are written and read here, one file a format.

Each format has `read(path)` and `write(path, …)`. `formats.read` reads any format, and
`formats.write` writes any.

    parquet    a file or a folder of shards, with a row for each example; the default
    csv        the same table as text, for R and spreadsheets
    npz        one clip
    tree       a folder of npz files, one for each clip
    tfrecord   the AudioSet release, record by record
    records    archives as AudioSet and YouTube-8M publish them
    memmap     a folder of NumPy arrays

    clips, provenance, content    parts that several formats use
"""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vggish_tf.errors import UsageError, VGGishError, check_word
from vggish_tf.files import check_target

if TYPE_CHECKING:
    from vggish_tf.rows import Archive

__all__ = ["csv", "memmap", "npz", "parquet", "read", "records", "tfrecord", "tree", "write"]


class _Format(NamedTuple):
    """The names of the functions that read a format and write it, and the suffixes of its files."""

    read: str
    to_file: str | None = None
    to_folder: str | None = None
    suffixes: tuple[str, ...] = ()

    @property
    def has_sidecar(self) -> bool:
        """Whether the provenance is in a second file beside the first."""
        return self.to_folder is None


FORMATS = {
    "parquet": _Format("parquet.read", "parquet.write", "parquet.write_folder", (".parquet",)),
    "csv": _Format("csv.read", "csv.write", suffixes=(".csv",)),
    "npz": _Format("tree.read", "tree.write_one", "tree.write", (".npz",)),
    "tfrecord": _Format("records.read", "records.write", suffixes=(".tfrecord", ".tfrecords")),
    "youtube8m": _Format("records.read", "records.write_youtube8m"),
    "memmap": _Format("memmap.read", to_folder="memmap.write"),
}
OF_TENSORFLOW = frozenset({"tfrecord", "youtube8m"})  # formats that import TensorFlow


def read(path: str | os.PathLike[str]) -> "Archive":
    """Reads an archive; its format is recognized by its content.

    Args:
        path: a file or a folder.

    Returns:
        Archive: `clips` is an iterator that reads one clip after the other.

    Raises:
        VGGishError: nothing is there, it is not an archive, or it is damaged. Iterating over
            `clips` raises it too.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from vggish_tf.rows import Archive, ClipRows
        >>> start, embedding = np.array([0.0]), np.zeros((1, 128), np.float32)
        >>> archive = Archive([ClipRows("a.wav", start, start + 0.96, embedding)], {})
        >>> path = write(tempfile.mkdtemp() + "/rows.parquet", archive)
        >>> list(read(path).clips)
        [ClipRows('a.wav', (1, 128) float32, 0 to 0.96 s)]
    """
    return _function(FORMATS[format_of(path)].read)(path)


def format_of(path: str | os.PathLike[str]) -> str:
    """The format of an existing archive, by its content; "tfrecord" for YouTube-8M's too.

    Raises:
        VGGishError: nothing is there, or it is not an archive.
    """
    from vggish_tf.formats.content import format_in

    return format_in(Path(path))


def write(path: str | os.PathLike[str], archive: "Archive", format: str | None = None) -> Path:
    """Writes an archive clip after clip, whole or not at all.

    Args:
        path: a file or a folder. An archive that is there is replaced.
        archive: the clips and their provenance. The rows of all clips have the same size and dtype.
        format: "parquet", "csv", "npz", "tfrecord" (as AudioSet), "youtube8m" or "memmap"; None
            chooses by the suffix, and Parquet for a folder. Parquet and npz are one file if the
            name has their suffix, otherwise a folder.

    Returns:
        path: the path of the archive.

    Raises:
        UsageError: the format is unknown, or `format` is None and the suffix belongs to none.
        VGGishError: the format cannot hold the rows, or the path cannot be written.
    """
    return _function(_writer(path, check_output(path, format)))(path, archive)


def check_output(
    path: str | os.PathLike[str], format: str | None = None, *, overwrite: bool = True
) -> str:
    """Returns the format in which write() would write; call it before long work starts.

    Args:
        path, format: as for write().
        overwrite: whether an existing archive may be replaced.

    Raises:
        UsageError: the format is unknown, or `format` is None and the suffix belongs to none.
        VGGishError: the path cannot be written, it exists and `overwrite` is False, it is a folder
            with other files than embeddings, or a file where the format makes a folder.
    """
    from vggish_tf.formats.provenance import sidecar_of

    format, is_folder = chosen(path, format)
    path = Path(path)
    if is_folder:
        _check_folder(path, overwrite)
    else:
        check_target(path, overwrite=overwrite)
        if FORMATS[format].has_sidecar:
            check_target(sidecar_of(path), overwrite=overwrite)
    return format


def chosen(path: str | os.PathLike[str], format: str | None = None) -> tuple[str, bool]:
    """The format in which write() would write, and whether it would make a folder.

    Raises:
        UsageError: the format is unknown, or `format` is None and the suffix belongs to none.

    Example:
        >>> chosen("rows"), chosen("rows.csv"), chosen("rows", "npz")
        (('parquet', True), ('csv', False), ('npz', True))
    """
    check_word("format", format, (None, *FORMATS))
    format = format or _format_for(Path(path))
    return format, _writer(path, format) == FORMATS[format].to_folder


def _format_for(path: Path) -> str:
    if not path.suffix or path.is_dir():
        return "parquet"
    for name, format in FORMATS.items():
        if path.suffix in format.suffixes:
            return name
    raise UsageError(
        f"the suffix of {path} belongs to no format. Give format: {', '.join(FORMATS)}."
    )


def _writer(path: str | os.PathLike[str], format: str) -> str:
    known = FORMATS[format]
    if known.to_file and (Path(path).suffix in known.suffixes or not known.to_folder):
        return known.to_file
    assert known.to_folder
    return known.to_folder


def _check_folder(path: Path, overwrite: bool):
    """Raises if a folder cannot be made, or may not be replaced.

    If it exists, it must be empty, or hold only an archive.
    """
    from vggish_tf.formats.content import other_file_in

    if path.name in ("", ".."):
        raise VGGishError(f"cannot write {path}: it has no name. Give the name of a new folder.")
    if path.exists() and not path.is_dir():
        raise VGGishError(
            f"cannot write {path}: it is a file, and this format makes a folder. Choose another "
            "name."
        )
    if not path.exists() or (any(path.iterdir()) and not overwrite):
        check_target(path, overwrite=overwrite)
        return
    other = other_file_in(path)
    if other:
        raise VGGishError(
            f"{path} holds other files than embeddings, such as {other}. Choose another folder."
        )


def _function(name: str):
    module, _, function = name.partition(".")
    return getattr(import_module(f"{__name__}.{module}"), function)


def __getattr__(name: str):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
