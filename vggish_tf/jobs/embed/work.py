"""Work on units: clips → rows → a shard and a record, in this process or in a worker of Beam."""

import itertools
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from vggish_tf.errors import UsageError
from vggish_tf.jobs.embed.clips import Blocks, Clip, Failure, decoded, embedded
from vggish_tf.jobs.embed.progress import Progress
from vggish_tf.jobs.embed.records import Records
from vggish_tf.jobs.embed.units import Unit
from vggish_tf.rows import Archive, ClipRows, Pool

if TYPE_CHECKING:
    from vggish_tf.embedding import Embedder


class Work(NamedTuple):
    """The settings of a run, which are the same for every unit; they can be pickled."""

    embedder: "Embedder"
    pool: Pool | None = None

    @property
    def provenance(self) -> dict:
        """The provenance of the rows."""
        return {**self.embedder.provenance, "pool": self.pool}

    def check(self, format: str):
        """Raises if the rows cannot be pooled, or a format cannot hold them.

        Raises:
            UsageError: the message says which of the two.
        """
        if self.embedder.postprocess == "quantized":
            if self.pool:
                raise UsageError(
                    f"pool={self.pool!r} needs floats, and postprocess='quantized' gives bytes. "
                    "Leave out one of them."
                )
        elif format == "tfrecord" or (format == "youtube8m" and not self.pool):
            raise UsageError(
                f"format={format!r} holds bytes. Use postprocess='quantized', or convert later."
            )

    def decoded(self, clips: Iterable[Clip], said: Progress) -> Generator[Blocks]:
        """The name and the samples of each clip, which threads decode ahead."""
        return decoded(clips, self.embedder, said.decoded)

    def do(self, unit: Unit, blocks: Iterable[Blocks], records: Records, said: Progress):
        """Embeds a unit, whose clips are decoded in `blocks`, and writes it."""
        results = embedded(unit.clips, blocks, self.embedder)
        records.write(unit, Archive(self._rows(unit, results, said), self.provenance))

    def _rows(
        self, unit: Unit, results: Iterable[ClipRows | Failure], said: Progress
    ) -> Iterator[ClipRows]:
        """Yields the rows of each embedded clip; counts rows and failures in the unit."""
        for result in results:
            if isinstance(result, Failure):
                unit.failures.append(result)
                unit.rows.append(0)
                said.failed(result)
                continue
            pooled = result.pooled(self.pool)
            unit.seconds += float(result.end[-1] - result.start[0]) if len(result.start) else 0.0
            unit.rows.append(len(pooled.start))
            said.done(result.path, unit.rows[-1])
            if unit.rows[-1]:
                yield pooled


def work_here(
    work: Work, records: Records, units: Iterable[Unit], said: Progress, max_failures: int | None
):
    """Runs all units one after the other in this process, and decodes the next ones ahead."""
    now, ahead = itertools.tee(units)
    clips = (clip for unit in ahead for clip in unit.clips)
    blocks = work.decoded(clips, said)
    try:
        for unit in now:
            work.do(unit, itertools.islice(blocks, len(unit.clips)), records, said)
            records.check_failures(max_failures)
    finally:
        blocks.close()
