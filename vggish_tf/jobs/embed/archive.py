"""embed_archive(): folders, lists, tables and shards → one archive, resumable, in bounded memory.

Clips are grouped in units (units.py). The clips of a unit share batches, threads decode the next
units ahead, and each unit becomes a shard of Parquet by a rename. The same call continues a run
that was killed: it repeats only the units that were not done, and ends with the same rows, bit for
bit. Any other format is made from the shards at the end.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from vggish_tf import formats
from vggish_tf.errors import UsageError, VGGishError, check_word, counted, warn
from vggish_tf.jobs.embed import inputs as sources
from vggish_tf.jobs.embed import stores
from vggish_tf.jobs.embed.clips import Clip, Failure, seconds_of
from vggish_tf.jobs.embed.progress import Progress
from vggish_tf.jobs.embed.records import Records
from vggish_tf.jobs.embed.units import Unit, units_of
from vggish_tf.jobs.embed.work import Work, work_here
from vggish_tf.rows import POOLS, UNTRAINED, Archive, Pool
from vggish_tf.weights.identity import recorded_untrained

if TYPE_CHECKING:  # so that a mistyped name is reported before Keras is imported
    from vggish_tf.embedding import Embedder

Runner = Callable[[Work, Records, Iterable[Unit], Progress, int | None], None]


def embed_archive(
    inputs: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    embedder: "Embedder | Callable[[], Embedder]",
    *,
    format: str | None = None,
    overwrite: bool = False,
    prune: bool = False,
    pool: Pool | None = None,
    max_failures: int | None = None,
    progress: Progress | None = None,
    runner: Runner = work_here,
    settings: Callable[[], dict] | None = None,
) -> list[Failure]:
    """Embeds clips of any number and length into one archive.

    Args:
        inputs: files, folders, globs, "@list.txt", tables (CSV or Parquet), tar shards; see
            inputs.py.
        output: a folder of Parquet shards, which formats.read() and other Parquet readers read as
            one table; or a file or a folder of another format.
        embedder: an Embedder, or a function that returns one, called after the inputs are found.
        format: as for formats.write(); None chooses by the suffix of the output, and Parquet for a
            folder. Other formats are made at the end, from shards in `<output>.parts`.
        overwrite: whether an existing output may be replaced. A folder of Parquet shards cannot be
            replaced: the run continues it.
        prune: whether to remove rows of clips that are no longer among the inputs.
        pool: one row for each clip instead of each example: "mean", "max", or "mean+std", which is
            twice as long; None is the profile's `pool`, which in most profiles is None.
        max_failures: stop when the output has more bad clips than this; None never stops.
        progress: reports what happens; None reports nothing.
        runner: runs the units: work_here in this process, or vggish_tf.integrations.beam.runner().
        settings: returns the known part of the provenance, if `embedder` is a function. A complete
            output of the same settings needs no Embedder, and one of others is refused.

    Returns:
        The failures of these inputs, each with `path`, `kind` and `message`. Those of the whole
        output are in a table: `_failures.csv` in the folder, or `<output>.failures.csv`.

    Raises:
        UsageError: there are no inputs, a word is unknown, or the format cannot hold the rows.
        VGGishError: the output cannot be written, another run writes to it, or it holds rows of
            other settings; a clip has changed whose rows are in a unit with clips that are no
            inputs; or there are too many failures.

    Example:
        >>> import tempfile, numpy, soundfile
        >>> from vggish_tf import Embedder
        >>> folder = tempfile.mkdtemp()
        >>> soundfile.write(f"{folder}/tone.wav", numpy.sin(numpy.arange(48_000) / 9), 16_000)
        >>> embed_archive([folder], f"{folder}/rows", Embedder(None))
        []
        >>> [clip.path.endswith("tone.wav") for clip in formats.read(f"{folder}/rows").clips]
        [True]
    """
    check_word("pool", pool, (None, *POOLS))
    output, said = os.fspath(output), progress or Progress()
    format, is_final = _checked(output, format, overwrite)
    clips = sources.find(inputs)
    _check_clips(clips, output, format)
    records = Records(output if is_final else f"{output}.parts")
    with records.opened():
        stale = _stale(clips, records, prune, said)
        pending = _pending(clips, records, stale, said)
        try:
            # Rows are removed after the settings are compared: a refused run removes nothing.
            if pending:
                work = _work(embedder, pool, format, records)
                records.undo(stale)
                runner(work, records, units_of(pending), said, max_failures)
            else:
                known = settings() if settings else getattr(embedder, "provenance", {})
                _check_done(known, records, lambda: _work(embedder, pool, format, records))
                records.undo(stale)
                records.check_failures(max_failures)
        finally:
            records.write_failures()
        if not is_final:
            _convert(records, output, format)
        failures = records.failures_of(clips)
        said.end(failures, records.settings)
    if not is_final:
        shutil.rmtree(records.output)
    return failures


def table_of_failures(output: str | os.PathLike[str], format: str | None = None) -> str:
    """The file in which embed_archive() lists the clips that could not be embedded.

    Example:
        >>> table_of_failures("rows"), table_of_failures("rows.csv")
        ('rows/_failures.csv', 'rows.csv.failures.csv')
    """
    output = os.fspath(output)
    is_shards = formats.chosen(output, format) == ("parquet", True)
    return f"{output}/_failures.csv" if is_shards else f"{output}.failures.csv"


def _checked(output: str, format: str | None, overwrite: bool) -> tuple[str, bool]:
    """The format, and whether the output is the folder of shards itself."""
    format, is_folder = formats.chosen(output, format)
    if format == "parquet" and is_folder:
        if overwrite:
            raise UsageError(
                f"{output} is a folder of Parquet shards, which a run continues and does not "
                "replace. Remove it first, or leave out overwrite=True (--overwrite)."
            )
        return format, True
    if stores.is_remote(output):
        raise UsageError(f"{output} must be a folder of Parquet shards. Convert it afterwards.")
    parts = f"{output}.parts"
    if os.path.isdir(parts) and os.listdir(parts) and not os.path.isdir(f"{parts}/_embed"):
        raise VGGishError(
            f"{parts} holds other files than the unfinished rows of {output}, for which it is "
            "needed. Move it, or choose another output."
        )
    return formats.check_output(output, format, overwrite=overwrite), False


def _check_clips(clips: list[Clip], output: str, format: str):
    if not clips:
        raise UsageError("there is nothing to embed. Give files or folders.")
    if len(clips) > 1 and format == "npz" and not formats.chosen(output, format)[1]:
        raise UsageError(
            f"{counted(len(clips), 'clip')} do not fit into {output}. Give a folder, and "
            "format='npz'."
        )


def _stale(clips: list[Clip], records: Records, prune: bool, said: Progress) -> set[str]:
    """The units to undo."""
    changed, others = records.changed(clips), records.units_of_others(clips)
    stale = {unit for clip in changed if (unit := records.unit_of(clip))}
    if stale & others and not prune:
        name = next(clip.name for clip in changed if records.unit_of(clip) in others)
        raise VGGishError(
            f"{name} has changed, and its rows are in one unit with those of clips that are no "
            "inputs now. Give all inputs again, or prune=True (--prune) to remove rows of clips "
            "that are no inputs."
        )
    said.changed(changed)
    return stale | others if prune else stale


def _pending(
    clips: list[Clip], records: Records, stale: set[str], said: Progress
) -> list[tuple[int, Clip]]:
    """The clips that are not done, each with its number among all clips."""
    repeated = {None, *stale}
    pending = [each for each in enumerate(clips) if records.unit_of(each[1]) in repeated]
    counts = len(clips), len(clips) - len(pending), len(records.failures_of(clips))
    said.begin(*counts, lambda: seconds_of([clip for _, clip in pending]))
    return pending


def _check_done(known: dict, records: Records, make: Callable[[], Work]):
    """Compares the settings of a complete output; makes an Embedder only if the weights may differ.

    Raises:
        VGGishError: they differ.
    """
    weights = known.get("weights", {})
    records.check_known({name: value for name, value in known.items() if name != "weights"})
    if not records.made_with(weights):
        make()
    elif recorded_untrained(records.settings):
        warn(UNTRAINED)


def _work(embedder, pool: Pool | None, format: str, records: Records) -> Work:
    """The work, with the embedder or the one that a function returns; a function has no methods."""
    made = embedder if hasattr(embedder, "embed_blocks") else embedder()
    work = Work(made, pool or made.profile.pool)
    work.check(format)
    records.check_settings(work.provenance)
    return work


def _convert(records: Records, output: str, format: str):
    """Makes the output from the shards."""
    has_rows = any(name.endswith(".parquet") for name in os.listdir(records.output))
    archive = formats.read(records.output) if has_rows else Archive([], records.settings)
    formats.write(output, archive, format)
    records.write_failures(table_of_failures(output, format))
