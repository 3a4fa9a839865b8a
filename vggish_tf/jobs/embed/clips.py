"""Clips: the place of each clip's sound, its samples, and its rows or its failure.

embed_bytes() embeds one clip given as bytes: a function for datasets, Spark, Ray and others.
"""

import itertools
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vggish_tf import audio
from vggish_tf.errors import AudioError, reason_of
from vggish_tf.jobs.embed import stores
from vggish_tf.jobs.embed.stores import Stamp
from vggish_tf.rows import ClipRows

if TYPE_CHECKING:
    from vggish_tf.embedding import Embedder

BLOCK_SECONDS = 10  # decoded at a time
BYTES_A_SECOND = 200_000  # an estimate for a stretch: about 44.1 kHz, 16 bits, stereo
Blocks = tuple[str, Iterable[np.ndarray]]  # the name of a clip, and its samples


class Failure(NamedTuple):
    """A clip that could not be embedded: its path, the kind of error, and the message."""

    path: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip to embed.

    Args:
        name: the name in the output: the path as found, or `shard::member`.
        file: the file that holds the clip; its size and time of change show whether it changed.
        start, end: the stretch of the file, in seconds; None is the end of the file.
        part: the part of the file, if not all of it: ("member", offset, size) in a tar file,
            ("cell", column, row group, row) in a Parquet file, or ("bytes", content).
        listed: size and time of change of the file, if a listing gave them.
    """

    name: str
    file: str
    start: float = 0.0
    end: float | None = None
    part: tuple = ()
    listed: Stamp | None = None

    @property
    def key(self) -> str | tuple:
        """The identity of the clip: its name, and its stretch if it has one."""
        whole = self.start == 0 and self.end is None
        return self.name if whole else (self.name, self.start, self.end)

    @property
    def stamp(self) -> Stamp:
        """Size and time of change of the file."""
        return self.listed or stores.of(self.file).stamp(self.file)

    def num_bytes(self, stamp: Stamp) -> int:
        """The approximate size of its sound in bytes, for the stamp of its file."""
        if self.part:
            return self.part[2] if self.part[0] == "member" else 0
        if self.end is None:
            return stamp[0]
        return min(stamp[0], round((self.end - self.start) * BYTES_A_SECOND))

    @contextmanager
    def opened(self) -> Iterator[str]:
        """Yields the path of a file on this machine that holds only this sound."""
        if self.part:
            kind, *place = self.part
            with _written(self.name, lambda: PARTS[kind](self.file, *place)) as path:
                yield path
            return
        with stores.of(self.file).copied(self.file) as path, _in_words_of(self.name, path):
            yield path


@contextmanager
def _written(name: str, read: Callable[[], bytes]) -> Iterator[str]:
    """Yields the path of a temporary file with the bytes of a clip."""
    with tempfile.NamedTemporaryFile(prefix="vggish_tf.") as file, _in_words_of(name, file.name):
        file.write(read())
        file.flush()
        yield file.name


@contextmanager
def _in_words_of(name: str, path: str) -> Iterator[None]:
    """Replaces the name of a temporary file in errors by that of the clip."""
    try:
        yield
    except AudioError as error:
        raise AudioError(str(error).replace(path, name)) from None
    except OSError as error:
        raise AudioError(f"{name} cannot be read: {reason_of(error)}.") from None


def _member(file: str, offset: int, size: int) -> bytes:
    with stores.of(file).open(file) as shard:
        shard.seek(offset)
        return shard.read(size)


def _cell(file: str, column: str, group: int, row: int) -> bytes:
    import pyarrow as pa

    try:
        cells = _cells(file, column, group, stores.of(file).stamp(file))
        return (cells[row].as_py() or {}).get("bytes") or b""
    except (pa.ArrowException, IndexError) as error:  # damaged, or replaced by another file
        raise AudioError(f"{file} cannot be read: {reason_of(error)}.") from None


@lru_cache(maxsize=2)
def _cells(file: str, column: str, group: int, stamp: Stamp):
    """A row group, cached for its next rows; `stamp` differs for a changed file."""
    import pyarrow.parquet as pq

    with stores.of(file).open(file) as source, pq.ParquetFile(source) as table:
        return table.read_row_group(group, [f"{column}.bytes"])[column]


PARTS: dict[str, Callable[..., bytes]] = {
    "member": _member,
    "cell": _cell,
    "bytes": lambda _, data: data,
}


def seconds_of(clips: Sequence[Clip]) -> float | None:
    """The seconds of sound in clips, by headers; None if one is where no header is at hand."""
    if any(clip.end is None and (clip.part or stores.is_remote(clip.file)) for clip in clips):
        return None
    return audio.total_seconds([(clip.file, clip.start, clip.end) for clip in clips])


def decoded(
    clips: Iterable[Clip],
    embedder: "Embedder",
    report: Callable[[float], object] = lambda seconds: None,
) -> Generator[Blocks]:
    """The name and the mono blocks of each clip, which threads decode ahead.

    Args:
        clips: the clips; a few are taken at a time.
        embedder: the embedder that the samples are for.
        report: a function that is called with the seconds of each block.
    """
    return audio.decoded_ahead((clip.name, _blocks(clip, embedder, report)) for clip in clips)


def _blocks(
    clip: Clip, embedder: "Embedder", report: Callable[[float], object]
) -> Iterator[np.ndarray]:
    """Yields the clip's samples; the file is opened with the first block."""
    rate, stretch = embedder.params.sample_rate, (clip.start, clip.end)
    with clip.opened() as path:
        blocks = audio.read_stretch(path, rate, *stretch, BLOCK_SECONDS, embedder.profile.prepare)
        for block in blocks:
            report(len(block) / rate)
            yield block


def embedded(
    clips: Iterable[Clip], blocks: Iterable[Blocks], embedder: "Embedder"
) -> Iterator[ClipRows | Failure]:
    """Yields the rows of each clip, or its failure; clips share batches.

    Args:
        clips: the clips.
        blocks: their samples, in the same order, from decoded().
        embedder: the embedder.
    """
    for clip, result in zip(clips, embedder.embed_blocks(blocks), strict=True):
        if isinstance(result, AudioError):
            message = " ".join(str(result).split())
            yield Failure(clip.name, type(result).__name__, message)
        else:
            yield ClipRows.of(clip.name, result, clip.start)


def embed_bytes(
    data: bytes,
    name: str = "the clip",
    start: float = 0.0,
    end: float | None = None,
    *,
    embedder: "Embedder",
) -> ClipRows | Failure:
    """Embeds a clip whose file is in memory; bad audio is a result, not an error.

    The function and its embedder can be pickled, for libraries that spread work over processes:
    each process loads the weights once.

    Args:
        data: the content of an audio file of any format.
        name: the name of the clip in its rows.
        start, end: the stretch of the file, in seconds; None is the end of the file.
        embedder: the embedder; give it with functools.partial.

    Returns:
        ClipRows: `path`, `start`, `end` and `embedding`; or Failure: `path`, `kind`, `message`.

    Example:
        >>> from functools import partial
        >>> from vggish_tf import Embedder
        >>> embed = partial(embed_bytes, embedder=Embedder(None))
        >>> embed(b"no audio", "a.wav").kind
        'AudioError'
    """
    (result,) = embed_many([(data, name, start, end)], embedder=embedder)
    return result


def embed_many(clips: Iterable[tuple], *, embedder: "Embedder") -> Iterator[ClipRows | Failure]:
    """Embeds many clips, as embed_bytes() does one; they share batches, so short ones are faster.

    Args:
        clips: (data, name[, start[, end]]) of each clip; a few are taken at a time.
        embedder: as for embed_bytes.

    Example:
        >>> from vggish_tf import Embedder
        >>> clips = [(b"no audio", "a.wav"), (b"", "b.wav")]
        >>> [result.kind for result in embed_many(clips, embedder=Embedder(None))]
        ['AudioError', 'AudioError']
    """
    named = (_of_bytes(*clip) for clip in clips)
    now, ahead = itertools.tee(named)
    return embedded(now, decoded(ahead, embedder), embedder)


def _of_bytes(data: bytes, name: str, start: float = 0.0, end: float | None = None) -> Clip:
    return Clip(name, name, start, end, ("bytes", data))
