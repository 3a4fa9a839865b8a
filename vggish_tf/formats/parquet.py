"""Archive as Parquet: a row an example, `path, start, end, embedding`; one file, or a folder.

`embedding` is a fixed-size list of float32 or uint8, and the provenance is JSON in the schema's
metadata, under `vggish_tf`. pandas, polars, duckdb, datasets and Spark read it by themselves.
"""

import itertools
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vggish_tf.errors import VGGishError, reason_of
from vggish_tf.files import replacing
from vggish_tf.params import EMBEDDING_SIZE
from vggish_tf.rows import Archive, ClipRows

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"vggish_tf"
NO_ROWS = ClipRows("", np.zeros(0), np.zeros(0), np.zeros((0, EMBEDDING_SIZE), np.float32))
COLUMNS = ("path", "start", "end", "embedding")
ROWS_AT_ONCE = 4096  # of a file that is read
GROUP_ROWS = 16_384  # of a file that is written, which are 8 MB of float32


def write(path: str | os.PathLike[str], archive: Archive) -> Path:
    """Writes one file, clip after clip; whole or not at all.

    Raises:
        VGGishError: nothing can be written there; a clip with rows of another size or dtype.

    Example:
        >>> import tempfile
        >>> rows = ClipRows("a.wav", np.zeros(1), np.ones(1), np.zeros((1, 128), np.float32))
        >>> path = write(tempfile.mkdtemp() + "/rows.parquet", Archive([rows], {"pad": "short"}))
        >>> archive = read(path)
        >>> [clip.path for clip in archive.clips], archive.provenance
        (['a.wav'], {'pad': 'short'})
    """
    import pyarrow.parquet as pq

    clips = iter(archive.clips)
    first = next(clips, NO_ROWS)
    schema = _schema(first.embedding, archive.provenance)
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as file,
    ):
        for group in _groups(itertools.chain([first], clips)):
            file.write_table(_table(group, schema))
    return Path(path)


def read(path: str | os.PathLike[str]) -> Archive:
    """Reads a file, or the shards of a folder in the order of their names, clip after clip.

    Raises:
        VGGishError: the file is missing, damaged, or has other columns.
    """
    shards = shards_of(Path(path))
    return Archive(_clips(shards), _provenance(shards[0]))


def shards_of(path: Path) -> list[Path]:
    """The files of an archive, in order."""
    shards = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not shards:
        raise VGGishError(f"{path} holds no .parquet file. Give an archive that embed wrote.")
    return shards


def _schema(embedding: np.ndarray, provenance: dict) -> "pa.Schema":
    import pyarrow as pa

    kind = pa.list_(pa.from_numpy_dtype(embedding.dtype), embedding.shape[1])
    fields = [("path", pa.string()), ("start", pa.float64()), ("end", pa.float64())]
    return pa.schema([*fields, ("embedding", kind)], {KEY: json.dumps(provenance)})


def _groups(clips: Iterable[ClipRows]) -> Iterator[list[ClipRows]]:
    """Clips together that have about GROUP_ROWS rows."""
    group, num_rows = list[ClipRows](), 0
    for clip in clips:
        group.append(clip)
        num_rows += len(clip.start)
        if num_rows >= GROUP_ROWS:
            yield group
            group, num_rows = [], 0
    if group:
        yield group


def _table(clips: list[ClipRows], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    kind = schema.field("embedding").type
    embedding = np.concatenate([clip.embedding for clip in clips])
    if (
        embedding.shape[1:] != (kind.list_size,)
        or embedding.dtype != kind.value_type.to_pandas_dtype()
    ):
        raise VGGishError(
            f"an archive holds rows of one kind, ({kind.list_size},) {kind.value_type}; received "
            f"{embedding.dtype} {embedding.shape}."
        )
    names = np.repeat([_printable(clip.path) for clip in clips], [len(c.start) for c in clips])
    times = [np.concatenate([getattr(clip, name) for clip in clips]) for name in ("start", "end")]
    values = pa.FixedSizeListArray.from_arrays(pa.array(embedding.ravel()), kind.list_size)
    return pa.table([pa.array(names, pa.string()), *map(pa.array, times), values], schema=schema)


def _printable(path: str) -> str:
    """The same in UTF-8: bytes of a name that are none become \\udc80 and the like."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _provenance(path: Path) -> dict:
    import pyarrow.parquet as pq

    with _reading(path):
        schema = pq.read_schema(path)
        if not set(COLUMNS) <= set(schema.names):
            raise ValueError(f"it has the columns {', '.join(schema.names)}")
        return json.loads((schema.metadata or {}).get(KEY, b"{}"))


def _clips(shards: list[Path]) -> Iterator[ClipRows]:
    """Clip after clip; the rows of one follow each other, and may be in several batches."""
    held: list[ClipRows] = []
    for part in (part for shard in shards for part in _parts(shard)):
        if held and held[0].path != part.path:
            yield _joined(held)
            held = []
        held.append(part)
    if held:
        yield _joined(held)


def _parts(shard: Path) -> Iterator[ClipRows]:
    """The rows of clips, as far as they are in one batch."""
    import pyarrow.parquet as pq

    with _reading(shard), pq.ParquetFile(shard) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(COLUMNS)):
            paths = np.array(batch["path"].to_pylist(), object)
            starts, ends = (batch[name].to_numpy() for name in ("start", "end"))
            values = batch["embedding"]
            embedding = values.flatten().to_numpy().reshape(len(batch), values.type.list_size)
            borders = np.flatnonzero(paths[1:] != paths[:-1]) + 1
            for place in np.split(np.arange(len(batch)), borders):
                if len(place):
                    yield ClipRows(paths[place[0]], starts[place], ends[place], embedding[place])


def _joined(parts: list[ClipRows]) -> ClipRows:
    arrays = (np.concatenate(arrays) for arrays in zip(*(part[1:] for part in parts), strict=True))
    return ClipRows(parts[0].path, *arrays)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns errors of pyarrow into one line."""
    import pyarrow as pa

    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        raise VGGishError(
            f"{path} is missing, damaged, or no archive of embeddings: {reason_of(error)}."
        ) from None
