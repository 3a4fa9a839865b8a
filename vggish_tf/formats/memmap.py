"""Archive as a folder of NumPy arrays that can be mapped into memory, for training.

    embedding.npy        (n, size) float32 or uint8, all rows of all clips
    start.npy, end.npy   (n,) float64, seconds
    clip.npy             (n,) int64, the number of each row's clip
    clips.jsonl          a line for each clip: its path, the number of its rows, its labels
    provenance.json

`np.load("rows/embedding.npy", mmap_mode="r")` reads only the rows that are used.
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from vggish_tf.errors import VGGishError, reason_of
from vggish_tf.files import check_source, replacing_all
from vggish_tf.formats.clips import opened
from vggish_tf.formats.provenance import IN_FOLDER
from vggish_tf.formats.provenance import read as read_provenance
from vggish_tf.rows import Archive, ClipRows

ARRAYS = ("embedding", "start", "end")
CLIPS = "clips.jsonl"


def write(path: str | os.PathLike[str], archive: Archive) -> Path:
    """Writes a folder; whole or not at all. The number of rows need not be known in advance.

    Args:
        path: the folder.
        archive: the clips and their provenance.

    Raises:
        VGGishError: the clips have rows of different size or dtype.

    Example:
        >>> import tempfile
        >>> rows = ClipRows("a.wav", np.zeros(1), np.ones(1), np.zeros((1, 128), np.float32))
        >>> path = write(tempfile.mkdtemp() + "/rows", Archive([rows], {}))
        >>> np.load(path / "embedding.npy", mmap_mode="r").shape
        (1, 128)
    """
    path = Path(path)
    first, clips = opened(archive)
    with replacing_all([path]) as temporary:
        folder = temporary / path.name
        folder.mkdir()
        (folder / IN_FOLDER).write_text(json.dumps(archive.provenance), encoding="utf-8")
        _write(folder, first, clips)
    return path


def _write(folder: Path, first: ClipRows, clips: Iterator[ClipRows]):
    with ExitStack() as stack:
        embedding = stack.enter_context(_Writer(folder / "embedding.npy", first.embedding))
        start, end = (
            stack.enter_context(_Writer(folder / f"{name}.npy", np.zeros(0)))
            for name in ("start", "end")
        )
        numbers = stack.enter_context(_Writer(folder / "clip.npy", np.zeros(0, np.int64)))
        lines = stack.enter_context(open(folder / CLIPS, "w", encoding="utf-8"))
        for number, clip in enumerate(clips):
            embedding.write(clip.embedding)
            start.write(clip.start)
            end.write(clip.end)
            numbers.write(np.full(len(clip.start), number))
            lines.write(_line(clip))


def _line(clip: ClipRows) -> str:
    labels = {} if clip.labels is None else {"labels": np.asarray(clip.labels).tolist()}
    return json.dumps({"path": clip.path, "rows": len(clip.start), **labels}) + "\n"


class _Writer:
    """An .npy file to which rows are appended; its header is written again at the end.

    The shape and dtype of a row are those of `like`.
    """

    def __init__(self, path: Path, like: np.ndarray):
        self._dtype, self._row = like.dtype, like.shape[1:]
        self._num_rows = 0
        self._file = open(path, "wb")  # noqa: SIM115
        self._write_header()

    def write(self, rows: np.ndarray):
        """Appends rows."""
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        self._num_rows += len(rows)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self._file:
            self._file.seek(0)
            self._write_header()

    def _write_header(self):
        """Writes the header, in which NumPy leaves room for any number of rows."""
        shape = (self._num_rows, *self._row)
        descr = npy.dtype_to_descr(self._dtype)
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(self._file, header)


def read(path: str | os.PathLike[str]) -> Archive:
    """Reads clip after clip.

    Raises:
        VGGishError: a file is missing, damaged or cut short, or the files do not fit together.
    """
    path = Path(path)
    arrays = [_Reader(path / f"{name}.npy") for name in ARRAYS]
    counts = {array.num_rows for array in arrays}
    if len(counts) > 1:
        raise VGGishError(f"{path} is damaged: its arrays have {sorted(counts)} rows.")
    check_source(path / CLIPS, f"It says which rows of {path} belong to which clip.")
    return Archive(_clips(path, arrays, *counts), read_provenance(path / IN_FOLDER))


def _clips(path: Path, arrays: list["_Reader"], num_rows: int) -> Iterator[ClipRows]:
    done = 0
    with ExitStack() as stack:
        files = [stack.enter_context(array.opened()) for array in arrays]
        for name, count, labels in _lines(path / CLIPS):
            done += count
            if done > num_rows:
                break
            embedding, start, end = (
                array.take(file, count) for array, file in zip(arrays, files, strict=True)
            )
            yield ClipRows(name, start, end, embedding, labels)
    if done != num_rows:
        raise VGGishError(
            f"{path / CLIPS} is damaged: its clips do not have the {num_rows:,} rows of the arrays."
        )


def _lines(path: Path) -> Iterator[tuple[str, int, np.ndarray | None]]:
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            try:
                clip = json.loads(line)
                labels = np.array(clip["labels"], np.int64) if "labels" in clip else None
                name, count = str(clip["path"]), int(clip["rows"])
                if count < 0:
                    raise ValueError
            except (ValueError, TypeError, KeyError):
                raise VGGishError(f"{path} is damaged: line {number} is not a clip.") from None
            yield name, count, labels


class _Reader:
    """An .npy file, read row after row; a memory map would keep the rows in memory."""

    def __init__(self, path: Path):
        try:
            array = npy.open_memmap(path, mode="r")
            if not (array.ndim and array.flags.c_contiguous):
                raise ValueError(f"its shape is {array.shape}, not rows")
        except Exception as error:  # a damaged header raises errors of tokenize and others
            raise VGGishError(
                f"{path} is missing, damaged, or cut short: {reason_of(error)}."
            ) from None
        self._path, self._offset = path, array.offset
        self.num_rows, self._row, self._dtype = len(array), array.shape[1:], array.dtype

    def opened(self) -> BinaryIO:
        """The file, positioned at its first row."""
        file = open(self._path, "rb")  # noqa: SIM115
        file.seek(self._offset)
        return file

    def take(self, file: BinaryIO, count: int) -> np.ndarray:
        """The next `count` rows."""
        return np.fromfile(file, self._dtype, count * math.prod(self._row)).reshape(
            count, *self._row
        )
