"""Clips: where the sound of each is, its samples, and its rows or its failure.

embed_bytes() is the same for the bytes of one clip: a function for datasets, Spark, Ray and others.
"""

import itertools
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
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

BLOCK_SECONDS = 10  # of a file, decoded at a time
BYTES_A_SECOND = 200_000  # of a stretch: about 44.1 kHz, 16 bits, stereo
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
        name: in the output: the path as found, or `shard::member`.
        file: the file that holds it; its size and time of change say whether it changed.
        start, end: of the stretch, in seconds; None is the end of the file.
        part: of the file, where the clip is not all of it: ("member", offset, size) of a tar
            file, ("cell", column, row group, row) of a Parquet file, or ("bytes", content).
        listed: size and time of change of the file, where a listing gave them.
    """

    name: str
    file: str
    start: float = 0.0
    end: float | None = None
    part: tuple = ()
    listed: Stamp | None = None

    @property
    def key(self) -> str | tuple:
        """The name, and the stretch if it is one: no two clips share them."""
        whole = self.start == 0 and self.end is None
        return self.name if whole else (self.name, self.start, self.end)

    @property
    def stamp(self) -> Stamp:
        """Size and time of change of the file."""
        return self.listed or stores.of(self.file).stamp(self.file)

    def num_bytes(self, stamp: Stamp) -> int:
        """About how many bytes of sound it has, if its file has that stamp."""
        if self.part:
            return self.part[2] if self.part[0] == "member" else 0
        if self.end is None:
            return stamp[0]
        return min(stamp[0], round((self.end - self.start) * BYTES_A_SECOND))

    @contextmanager
    def opened(self) -> Iterator[str]:
        """The path of a file on this machine with the sound alone."""
        if self.part:
            kind, *place = self.part
            with _written(self.name, lambda: PARTS[kind](self.file, *place)) as path:
                yield path
            return
        with stores.of(self.file).copied(self.file) as path, _in_words_of(self.name, path):
            yield path


@contextmanager
def _written(name: str, read: Callable[[], bytes]) -> Iterator[str]:
    """The path of a temporary file with the bytes of a clip."""
    with tempfile.NamedTemporaryFile(prefix="vggish_tf.") as file, _in_words_of(name, file.name):
        file.write(read())
        file.flush()
        yield file.name


@contextmanager
def _in_words_of(name: str, path: str) -> Iterator[None]:
    """Names the clip in an error, not the temporary file, which the user does not know."""
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
    except (pa.ArrowException, IndexError) as error:  # damaged, or another file by now
        raise AudioError(f"{file} cannot be read: {reason_of(error)}.") from None


@lru_cache(maxsize=2)
def _cells(file: str, column: str, group: int, stamp: Stamp):
    """A row group, which is kept for the rows that follow; `stamp` tells a changed file."""
    import pyarrow.parquet as pq

    with stores.of(file).open(file) as source, pq.ParquetFile(source) as table:
        return table.read_row_group(group, [f"{column}.bytes"])[column]


PARTS: dict[str, Callable[..., bytes]] = {
    "member": _member,
    "cell": _cell,
    "bytes": lambda _, data: data,
}


def decoded(
    clips: Iterable[Clip],
    embedder: "Embedder",
    heard: Callable[[float], None] = lambda seconds: None,
) -> Generator[Blocks]:
    """The name and the mono blocks of each clip, which threads decode ahead.

    Args:
        clips: are asked for a few at a time.
        embedder: that the samples are for.
        heard: hears of the seconds of each block.
    """
    return audio.decoded_ahead((clip.name, _blocks(clip, embedder, heard)) for clip in clips)


def _blocks(
    clip: Clip, embedder: "Embedder", heard: Callable[[float], None]
) -> Iterator[np.ndarray]:
    """The clip's samples; the file is opened when the first is asked for."""
    rate, stretch = embedder.params.sample_rate, (clip.start, clip.end)
    with clip.opened() as path:
        blocks = audio.read_stretch(path, rate, *stretch, BLOCK_SECONDS, embedder.profile.prepare)
        for block in blocks:
            heard(len(block) / rate)
            yield block


def embedded(
    clips: Iterable[Clip], blocks: Iterable[Blocks], embedder: "Embedder"
) -> Iterator[ClipRows | Failure]:
    """The rows of each clip, or its failure; batches are shared across clips.

    Args:
        clips: of which the samples are in `blocks`, in the same order.
        blocks: see decoded().
        embedder: embeds them.
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
    """Embeds a clip of which the file is in memory; bad audio is a result, not an error.

    A pure function that pickles, with its embedder, for engines that spread work over processes:
    each process loads the weights once.

    Args:
        data: the content of an audio file of any format.
        name: in the rows.
        start, end: of the stretch, in seconds; None is the end of the file.
        embedder: give it with functools.partial.

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
    """embed_bytes() for many clips, which share batches: faster if the clips are short.

    Args:
        clips: (data, name[, start[, end]]) each; they are asked for a few at a time.
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
