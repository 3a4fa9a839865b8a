"""embed_archive(): folders, lists, tables and shards → one archive, resumable, in bounded memory.

Clips go in units (records.py): within a unit they share batches, decoding goes on ahead across
units, and each unit becomes a shard of Parquet by a rename. A run that was killed goes on with the
same call, redoes only the units that were not done, and ends with the same rows, bit for bit.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from vggish_tf import audio
from vggish_tf.errors import AudioError, UsageError, VGGishError, check_word, counted
from vggish_tf.formats import parquet
from vggish_tf.jobs.embed import inputs as sources
from vggish_tf.jobs.embed.inputs import Clip
from vggish_tf.jobs.embed.progress import Progress
from vggish_tf.jobs.embed.records import Records, Unit, units_of
from vggish_tf.rows import POOLS, Archive, ClipRows, Pool

if TYPE_CHECKING:  # so that a mistyped name is answered before Keras has been imported
    from vggish_tf.embedding import Embedder

BLOCK_SECONDS = 10  # of a file, decoded at a time


def embed_archive(
    inputs: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    embedder: "Embedder | Callable[[], Embedder]",
    *,
    pool: Pool | None = None,
    max_failures: int | None = None,
    progress: Progress | None = None,
) -> list[dict]:
    """Embeds clips of any number and length into a folder of Parquet shards.

    Args:
        inputs: files, folders, globs, "@list.txt", tables (CSV or Parquet), tar shards; see
            inputs.py.
        output: the folder; formats.read() and everybody's Parquet readers take it as one table.
        embedder: or a function that makes one, which is called when the inputs have been found.
        pool: one row a clip instead of one an example: "mean", "max", or "mean+std", which is twice
            as long.
        max_failures: after how many bad clips to stop; None goes on whatever their number.
        progress: hears of all that happens; None says nothing.

    Returns:
        The failures, each a dictionary of `path`, `kind` and `message`; also in _failures.csv.

    Raises:
        UsageError: no inputs; or `pool` and an embedder whose rows are bytes.
        VGGishError: an output that cannot be written, that another run writes to, or that holds
            rows of other settings; too many failures.

    Example:
        >>> embed_archive(["sounds/"], "rows", Embedder)  # doctest: +SKIP
        []
    """
    check_word("pool", pool, (None, *POOLS))
    clips = sources.find(inputs)
    if not clips:
        raise UsageError("there is nothing to embed. Give files or folders.")
    records, said = Records(output), progress or Progress()
    with records.locked():
        records.load()
        said.changed(records.changed(clips))
        pending = [(place, clip) for place, clip in enumerate(clips) if not records.is_done(clip)]
        said.begin(clips, len(clips) - len(pending), len(records.failures))
        if pending:
            made = _made(embedder)
            provenance = {**made.provenance, "pool": pool}
            _check_pool(pool, provenance)
            records.check_settings(provenance)
            _run(records, pending, made, provenance, pool, max_failures, said)
        records.write_failures()
        said.end(records.failures)
    return records.failures


def _made(embedder) -> "Embedder":
    """Embedders can be called too, so it is by their methods that they are known."""
    return embedder if hasattr(embedder, "embed_blocks") else embedder()


def _check_pool(pool: Pool | None, provenance: dict):
    if pool and provenance["postprocess"] == "quantized":
        raise UsageError(f"pool={pool!r} needs numbers, and the rows are bytes. Leave out one.")


def _run(records, pending, embedder, provenance, pool, max_failures, said: Progress):
    """Embeds and writes unit after unit; the table of failures is kept whatever happens."""
    rate = embedder.params.sample_rate
    decoded = audio.decoded_ahead((clip.name, _blocks(clip, rate)) for _, clip in pending)
    try:
        for unit in units_of(pending):
            results = embedder.embed_blocks(itertools.islice(decoded, len(unit.clips)))
            archive = Archive(_rows(unit, results, pool, said), provenance)
            _write(records, unit, archive)
            if max_failures is not None and len(records.failures) > max_failures:
                failed = counted(len(records.failures), "clip")
                raise VGGishError(f"{failed} could not be embedded, more than {max_failures}.")
    finally:
        decoded.close()
        records.write_failures()


def _blocks(clip: Clip, rate: int) -> Iterator[np.ndarray]:
    """The clip's samples, mono at a rate; the file is opened when the first is asked for."""
    last = None if clip.end is None else round(clip.end * rate)
    with clip.opened() as path:
        blocks = audio.read_blocks(path, rate, BLOCK_SECONDS)
        count = 0
        for block in audio.cut(blocks, round(clip.start * rate), last):
            count += len(block)
            yield block
    if not count:
        raise AudioError(f"{clip.name} has no samples from {clip.start:g} s on.")


def _rows(unit: Unit, results, pool, said: Progress) -> Iterator[ClipRows]:
    """The rows of each clip that could be embedded; the unit counts them, and the failures."""
    for clip, result in zip(unit.clips, results, strict=True):
        if isinstance(result, AudioError):
            message = " ".join(str(result).split())
            failure = {"path": clip.name, "kind": type(result).__name__, "message": message}
            unit.failures.append(failure)
            said.failed(failure)
            continue
        rows = ClipRows.of(clip.name, result, clip.start)
        said.done(clip, rows)
        if len(rows.start):
            rows = rows.pooled(pool)
            unit.num_rows += len(rows.start)
            yield rows


def _write(records: Records, unit: Unit, archive: Archive):
    """The shard, if there are rows, and then the record."""
    clips = iter(archive.clips)
    first = next(clips, None)
    if first is not None:
        rows = itertools.chain([first], clips)
        parquet.write(records.shard_of(unit.name), Archive(rows, archive.provenance))
    records.add(unit)
