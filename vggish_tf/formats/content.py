"""The format of a file or folder, by its content."""

import csv
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from vggish_tf.errors import VGGishError
from vggish_tf.files import check_source
from vggish_tf.formats import memmap, npz, parquet, tree
from vggish_tf.formats.csv import is_header
from vggish_tf.formats.provenance import IN_FOLDER

HEAD = 1 << 16  # bytes of a file that are examined
KNOWN = (
    "Known are Parquet, CSV, npz and TFRecord files, folders of Parquet shards or of npz files, "
    "and folders of NumPy arrays."
)
# Beside the rows: the files and empty folders of embed, those of search --index, and those of the
# file managers of macOS and Windows.
_BESIDE = re.compile(
    r"provenance\.json|_failures\.csv|_index/(rows\.usearch|about\.json|[^/]*\.npy)"
    r"|_embed/(settings\.json|lock|stop|units/([^/]*\.json)?|pending/(\d+\.jsonl)?"
    r"|writing/(\.[^/]*)?)|(.*/)?(\.DS_Store|Thumbs\.db|desktop\.ini)",
    re.DOTALL,
)
_OF_ARRAYS = re.compile(rf"(embedding|start|end|clip)\.npy|{re.escape(memmap.CLIPS)}")


def format_in(path: Path) -> str:
    """The format of an archive; see FORMATS.

    Raises:
        VGGishError: nothing is there, or it is not an archive.
    """
    path = check_source(path, "Give an archive of embeddings.")
    found = _of_folder(path) if path.is_dir() else _of_file(path)
    if not found:
        raise VGGishError(f"{path} is not an archive of embeddings: {_described(path)}. {KNOWN}")
    return found


def other_file_in(folder: Path) -> str | None:
    """A file of a folder that is not part of an archive, by its content; None if there is none."""
    has_arrays = _has_arrays(folder) and (folder / memmap.CLIPS).exists()
    for name in _files_in(folder):
        is_beside = _BESIDE.fullmatch(name) or (has_arrays and _OF_ARRAYS.fullmatch(name))
        if not (is_beside or _holds_rows(folder, name)):
            return name
    return None


def _files_in(folder: Path) -> Iterator[str]:
    """Yields the files of a folder and its subfolders, by their paths within it.

    Links to folders are files here, and empty folders are told too, with a slash.
    """
    for place, folders, names in os.walk(folder):
        within = os.path.relpath(place, folder)
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        empty = [""] if not (folders or names or within == ".") else []
        found = [*names, *links, *empty]
        yield from (os.path.join(within, name).removeprefix("./") for name in found)


def _holds_rows(folder: Path, name: str) -> bool:
    """Whether a file is a part of an archive; a tree of npz files has the folders of its clips."""
    path = folder / name
    if name.endswith(".npz"):
        return npz.holds_rows(path)
    try:
        is_shard = name.endswith(".parquet") and "/" not in name and path.is_file()
        return is_shard and parquet.holds_rows(path)
    except VGGishError:  # it is damaged, so nobody knows whose it is
        return False


def _has_arrays(folder: Path) -> bool:
    return (folder / "embedding.npy").exists()


def _of_folder(path: Path) -> str | None:
    if _has_arrays(path):
        return "memmap"
    with os.scandir(path) as entries:  # one by one; glob() would list them all
        if any(entry.name.endswith(".parquet") for entry in entries):
            return "parquet"
    if (path / IN_FOLDER).exists() or next(tree.files_of(path), None):
        return "npz"
    return None


def _of_file(path: Path) -> str | None:
    head = _head(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK"):
        return "npz"
    # A TFRecord without records is an empty file: only its name shows the format.
    if _begins_with_record(head) or (not head and path.suffix.startswith(".tfrecord")):
        return "tfrecord"
    return "csv" if _begins_with_header(head) else None


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(HEAD)


def _described(path: Path) -> str:
    if path.is_dir():
        return "it is a folder without embeddings"
    head = _head(path)
    return f"it begins with {head[:12]!r}" if head else "it is empty"


def _begins_with_header(head: bytes) -> bool:
    first = head.decode("utf-8-sig", "replace").splitlines()[:1]
    return is_header(next(csv.reader(first), []))


def _begins_with_record(head: bytes) -> bool:
    """A record begins with its length and the checksum of the length."""
    if len(head) < 12:
        return False
    (checksum,) = struct.unpack("<I", head[8:12])
    crc = _crc32c(head[:8])
    return checksum == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
