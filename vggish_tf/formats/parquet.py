"""Archive as Parquet: `path, start, end, embedding`, with a row for each example.

It is one file, or a folder of files (shards). `embedding` is a fixed-size list of float32 or uint8.
A labelled dataset also has a column `labels`. The provenance is JSON in the schema's metadata,
under `vggish_tf`. pandas, polars, duckdb, datasets and Spark read it directly.
"""

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vggish_tf.errors import VGGishError, reason_of
from vggish_tf.files import replacing, replacing_all
from vggish_tf.formats.clips import (
    GROUP_ROWS,
    ROWS_AT_ONCE,
    Clips,
    Rows,
    arrow_file,
    groups,
    opened,
)
from vggish_tf.formats.provenance import check_same
from vggish_tf.rows import Archive, ClipRows

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"vggish_tf"
COLUMNS = ("path", "start", "end", "embedding")
SHARD_ROWS = 1 << 18  # rows in a full shard of a folder: 134 MB of float32


def write(path: str | os.PathLike[str], archive: Archive) -> Path:
    """Writes one file, clip after clip; whole or not at all.

    Args:
        path: the file.
        archive: the clips and their provenance.

    Raises:
        VGGishError: the clips have rows of different size or dtype.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> rows = ClipRows("a.wav", np.zeros(1), np.ones(1), np.zeros((1, 128), np.float32))
        >>> path = write(tempfile.mkdtemp() + "/rows.parquet", Archive([rows], {"pad": "short"}))
        >>> archive = read(path)
        >>> [clip.path for clip in archive.clips], archive.provenance
        (['a.wav'], {'pad': 'short'})
    """
    first, clips = opened(archive)
    with replacing(path) as temporary:
        _write(temporary, _schema(first, archive.provenance), clips)
    return Path(path)


def write_folder(path: str | os.PathLike[str], archive: Archive) -> Path:
    """Writes a folder of shards, each about SHARD_ROWS rows; whole or not at all.

    Args:
        path: the folder.
        archive: the clips and their provenance.

    Raises:
        VGGishError: as write().
    """
    path = Path(path)
    first, clips = opened(archive)
    schema = _schema(first, archive.provenance)
    with replacing_all([path]) as folder:
        (folder / path.name).mkdir()
        for number in itertools.count():
            clip = next(clips, None)
            if clip is None and number:
                break
            shard = _shard(itertools.chain([] if clip is None else [clip], clips))
            _write(folder / path.name / f"rows-{number:06d}.parquet", schema, shard)
    return path


def _shard(clips: Iterator[ClipRows]) -> Iterator[ClipRows]:
    """Yields clips until a shard is full."""
    num_rows = 0
    while num_rows < SHARD_ROWS and (clip := next(clips, None)) is not None:
        num_rows += len(clip.start)
        yield clip


def _write(path: Path, schema: "pa.Schema", clips: Iterator[ClipRows]):
    import pyarrow as pa
    import pyarrow.parquet as pq

    floats = schema.field("embedding").type.value_type != pa.uint8()
    dictionaries = ["path"] if floats else True  # floats differ, so theirs would be large
    with (
        arrow_file(path, "wb") as target,
        pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=dictionaries) as file,
    ):
        for rows in groups(clips):
            file.write_table(_table(rows, schema), row_group_size=GROUP_ROWS)


def read(path: str | os.PathLike[str]) -> Archive:
    """Reads a file, or the shards of a folder in the order of their names, clip after clip.

    Raises:
        VGGishError: the file is missing or damaged, or lacks columns; or a shard was made with
            other settings.
    """
    shards = shards_of(Path(path))
    provenance = _provenance(shards[0])
    return Archive(Clips(_batches(shards, provenance)), provenance)


def holds_rows(path: Path) -> bool:
    """Whether a file or a folder has the columns of an archive; otherwise it is another table.

    Raises:
        VGGishError: the file is damaged.
    """
    import pyarrow.parquet as pq

    first = shards_of(path)[0]
    with _reading(first) as file:
        return set(COLUMNS) <= {*pq.read_schema(file).names}


def shards_of(path: Path) -> list[Path]:
    """The files of an archive, in order, without temporary ones, whose names begin with a dot.

    Raises:
        VGGishError: a folder has no such file.
    """
    shards = sorted(path.glob("[!.]*.parquet")) if path.is_dir() else [path]
    if not shards:
        raise VGGishError(f"{path} holds no .parquet file. Give an archive that embed wrote.")
    return shards


def _schema(first: ClipRows, provenance: dict) -> "pa.Schema":
    import pyarrow as pa

    kind = pa.list_(pa.from_numpy_dtype(first.embedding.dtype), first.embedding.shape[1])
    fields = [("path", pa.string()), ("start", pa.float64()), ("end", pa.float64())]
    labels = [] if first.labels is None else [("labels", pa.list_(pa.int64()))]
    metadata = {KEY: json.dumps(provenance)}
    return pa.schema([*fields, *labels, ("embedding", kind)], metadata)


def _table(rows: Rows, schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    size = schema.field("embedding").type.list_size
    labels = [] if rows.labels is None else [pa.array(rows.labels, pa.list_(pa.int64()))]
    values = pa.FixedSizeListArray.from_arrays(pa.array(rows.embedding.ravel()), size)
    times = [pa.array(times, pa.float64()) for times in (rows.start, rows.end)]
    return pa.table([pa.array(rows.paths, pa.string()), *times, *labels, values], schema=schema)


def _provenance(path: Path) -> dict:
    import pyarrow.parquet as pq

    with _reading(path) as file:
        schema = pq.read_schema(file)
        if not set(COLUMNS) <= set(schema.names):
            raise ValueError(f"it has the columns {', '.join(schema.names)}")
        _check_types(schema)
        return json.loads((schema.metadata or {}).get(KEY, b"{}"))


def _check_types(schema: "pa.Schema"):
    """Raises if a column other than the path does not have the type that write() gives it."""
    import pyarrow as pa

    kind = schema.field("embedding").type
    values = kind.value_type if pa.types.is_fixed_size_list(kind) else None
    if values not in (pa.float32(), pa.uint8()):
        raise ValueError(f"its embedding is {kind}, not a fixed-size list of float or uint8")
    for name in ("start", "end"):
        if schema.field(name).type != pa.float64():
            raise ValueError(f"its {name} is {schema.field(name).type}, not double")


def _batches(shards: list[Path], provenance: dict) -> Iterator[Rows]:
    import pyarrow.parquet as pq

    for shard in shards:
        check_same(_provenance(shard), provenance, shard)
        with _reading(shard) as source, pq.ParquetFile(source) as file:
            names = [*COLUMNS, *(["labels"] if "labels" in file.schema_arrow.names else [])]
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=names):
                yield _rows(batch)


def _rows(batch: "pa.RecordBatch") -> Rows:
    start, end = (batch[name].to_numpy() for name in ("start", "end"))
    paths = np.array(batch["path"].to_pylist(), object)
    if None in paths:
        raise ValueError("a row has no path")
    values = batch["embedding"]
    embedding = values.flatten().to_numpy().reshape(len(batch), values.type.list_size)
    labels = None
    if "labels" in batch.schema.names:
        labels = [np.array(each or [], np.int64) for each in batch["labels"].to_pylist()]
    return Rows(paths, start, end, embedding, labels)


@contextmanager
def _reading(path: Path) -> Iterator["pa.OSFile"]:
    """Opens a file; turns errors of pyarrow into one line."""
    import pyarrow as pa

    try:
        with arrow_file(path) as file:
            yield file
    except (OSError, ValueError, pa.ArrowException) as error:
        raise VGGishError(
            f"{path} is missing, damaged, or not an archive of embeddings: {reason_of(error)}."
        ) from None
