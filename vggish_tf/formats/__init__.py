"""Where embeddings are written and read, one file a format: each has `read(path)` and `write(path,
…)`. `formats.read` reads any of them, and `formats.write` writes any.

    parquet    a file or a folder of shards: a row an example; the default
    csv        the same for R and spreadsheets
    npz        one clip
    tree       a folder of npz, one a clip
    tfrecord   the AudioSet release, record by record
    records    archives as AudioSet and YouTube-8M publish them
    memmap     a folder of NumPy arrays

    clips, provenance, content    what several of them need
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
    """Names of functions that write an archive to a file and to a folder, and that read it; the
    suffixes of files.
    """

    read: str
    to_file: str | None = None
    to_folder: str | None = None
    suffixes: tuple[str, ...] = ()

    @property
    def has_sidecar(self) -> bool:
        """Whether the provenance is in a file beside."""
        return self.to_folder is None


FORMATS = {
    "parquet": _Format("parquet.read", "parquet.write", "parquet.write_folder", (".parquet",)),
    "csv": _Format("csv.read", "csv.write", suffixes=(".csv",)),
    "npz": _Format("tree.read", "tree.write_one", "tree.write", (".npz",)),
    "tfrecord": _Format("records.read", "records.write", suffixes=(".tfrecord", ".tfrecords")),
    "youtube8m": _Format("records.read", "records.write_youtube8m"),
    "memmap": _Format("memmap.read", to_folder="memmap.write"),
}
OF_TENSORFLOW = frozenset({"tfrecord", "youtube8m"})  # those that import it
_OURS = (".parquet", ".npz", ".npy", ".json", ".jsonl", "lock", "_failures.csv")


def read(path: str | os.PathLike[str]) -> "Archive":
    """Reads an archive of any format, told by its content; `clips` are read one after the other.

    Raises:
        VGGishError: nothing is there, or no archive, or a damaged one; from `clips` also.

    Example:
        >>> for clip in read("rows").clips:  # doctest: +SKIP
        ...     print(clip.path, clip.embedding.shape)
    """
    return _function(FORMATS[format_of(path)].read)(path)


def format_of(path: str | os.PathLike[str]) -> str:
    """The format of an archive that is there, by its content; "tfrecord" for YouTube-8M's too.

    Raises:
        VGGishError: nothing is there, or no archive.
    """
    from vggish_tf.formats.content import format_in

    return format_in(Path(path))


def write(path: str | os.PathLike[str], archive: "Archive", format: str | None = None) -> Path:
    """Writes an archive clip after clip, whole or not at all.

    Args:
        path: of a file or a folder. An archive that is there is replaced.
        archive: whose clips have rows of one kind.
        format: "parquet", "csv", "npz", "tfrecord" (as AudioSet), "youtube8m" or "memmap"; None
            follows the suffix, and is Parquet for a folder. Parquet and npz are one file if the
            name has their suffix, and else a folder.

    Raises:
        UsageError: an unknown format.
        VGGishError: rows that the format cannot hold; nothing can be written there.
    """
    return _function(_writer(path, check_output(path, format)))(path, archive)


def check_output(
    path: str | os.PathLike[str], format: str | None = None, *, overwrite: bool = True
) -> str:
    """Returns the format in which write() would write; call it before long work starts.

    Raises:
        UsageError: an unknown format, or a suffix that tells none.
        VGGishError: nothing can be written there, it exists and `overwrite` is False, or it is a
            folder with other files than embeddings.
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
        UsageError: an unknown format, or a suffix that tells none.

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
        f"{path} has no suffix that tells its format. Give format: {', '.join(FORMATS)}."
    )


def _writer(path: str | os.PathLike[str], format: str) -> str:
    known = FORMATS[format]
    if known.to_file and (Path(path).suffix in known.suffixes or not known.to_folder):
        return known.to_file
    assert known.to_folder
    return known.to_folder


def _check_folder(path: Path, overwrite: bool):
    """A folder may be replaced if it is empty, or an archive and nothing else."""
    if not path.is_dir() or (any(path.iterdir()) and not overwrite):
        check_target(path, overwrite=overwrite)
        return
    for _, _, names in os.walk(path):
        other = next((name for name in names if not name.endswith(_OURS)), None)
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
