"""embed_archive() as an Apache Beam pipeline: the same units, the same rows, the same failures.

The process that starts the pipeline finds the clips and makes the units. The worker of a unit
writes its shard and its record, under names that the unit determines, so that any machine may
repeat it. Beam's writers and its handling of exceptions are not used: they lose the rows of a
killed run, and let a run succeed that embedded nothing.

Source: Beam's programming guide, for exactly-once work by idempotent writes.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice

import apache_beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from vggish_tf.errors import UsageError, VGGishError, counted
from vggish_tf.jobs.embed import stores
from vggish_tf.jobs.embed.archive import Runner
from vggish_tf.jobs.embed.progress import Progress
from vggish_tf.jobs.embed.records import Records, failures_in, keys_in, name_of
from vggish_tf.jobs.embed.units import Unit
from vggish_tf.jobs.embed.work import Work

LIST_UNITS = 1000  # units in a list, which one worker reads
POLL_SECONDS = 2.0  # between two readings of the records


def runner(flags: Iterable[str] = ()) -> Runner:
    """A function for embed_archive() that runs the units in a pipeline.

    Args:
        flags: Beam's options, as on its own command lines.

    Raises:
        UsageError: Beam does not have an option.

    Example:
        >>> from vggish_tf.jobs.embed import embed_archive
        >>> embed_archive(["sounds"], "rows", embedder, runner=runner())  # doctest: +SKIP
        []
    """
    options = _options([*flags])
    FileSystems.set_options(options)  # credentials and addresses, for the files read here

    def run(
        work: Work,
        records: Records,
        units: Iterable[Unit],
        said: Progress,
        max_failures: int | None,
    ):
        lists = _write_lists(records, units)
        with _watched(records, said, max_failures):
            _run(options, work, records.output, lists)
        records.check_failures(max_failures)
        _check_all(records, lists)

    return run


def _options(flags: list[str]) -> PipelineOptions:
    """Beam's options; raises for unknown ones, which Beam only logs."""
    options = PipelineOptions(flags)
    known = options.get_all_options(retain_unknown_options=False)
    unknown = set(options.get_all_options(retain_unknown_options=True)) - set(known)
    if unknown:
        names = ", ".join(f"--{name}" for name in sorted(unknown))
        raise UsageError(f"Beam has no option {names}. See its documentation of the runner.")
    return options


def _write_lists(records: Records, units: Iterable[Unit]) -> list[str]:
    """Writes the units to files, so that the pipeline itself stays small."""
    units, paths = iter(units), list[str]()
    while some := list(islice(units, LIST_UNITS)):
        path = f"{records.folder}/pending/{len(paths):06d}.jsonl"
        records.write_text(path, "".join(f"{unit.to_json()}\n" for unit in some))
        paths.append(path)
    return paths


def _lines_of(path: str) -> list[str]:
    with stores.of(path).open(path) as file:
        return file.read().decode().splitlines()


def _run(options: PipelineOptions, work: Work, output: str, lists: list[str]):
    pipeline = apache_beam.Pipeline(options=options)
    _ = (
        pipeline
        | "lists of units" >> apache_beam.Create(lists)
        | "units" >> apache_beam.FlatMap(_lines_of)
        | "to any worker" >> apache_beam.Reshuffle()
        | "embed" >> apache_beam.ParDo(_EmbedUnit(work, output))
    )
    pipeline.run().wait_until_finish()


class _EmbedUnit(apache_beam.DoFn):
    """Embeds a unit and writes it, unless it is done."""

    def __init__(self, work: Work, output: str):
        self._work, self._output = work, output

    def setup(self):
        _ = self._work.embedder.identity  # reads the weights, once in each process

    def process(self, line):
        records, unit = Records(self._output), Unit.from_json(line)
        if records.is_stopped or records.has(unit):
            return
        with closing(self._work.decoded(unit.clips, Progress())) as blocks:
            self._work.do(unit, blocks, records, Progress())


@contextmanager
def _watched(records: Records, said: Progress, max_failures: int | None) -> Iterator[None]:
    """Reads the records while a pipeline runs, reports new ones, and stops it on failures."""
    records.go()
    over = threading.Event()

    def look():
        for record in records.load():
            _say(record, said)
        if max_failures is not None and len(records.failures) > max_failures:
            records.stop()

    def watch():
        while not over.wait(POLL_SECONDS):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        records.stop()
        raise
    finally:
        over.set()
        thread.join()
        look()


def _say(record: dict, said: Progress):
    failures = failures_in(record)
    said.decoded(record["seconds"])
    for key, num_rows in zip(keys_in(record), record["rows"], strict=True):
        if key in failures:
            said.failed(failures[key])
        else:
            said.done(name_of(key), num_rows)


def _check_all(records: Records, lists: list[str]):
    """Raises if units are missing, which can happen although the pipeline succeeded."""
    units = (Unit.from_json(line) for path in lists for line in _lines_of(path))
    lost = sum(records.unit_of(unit.clips[0]) is None for unit in units)
    if lost:
        raise VGGishError(
            f"{counted(lost, 'unit')} of work did not come back, although the pipeline succeeded. "
            "Run the same command to continue."
        )
