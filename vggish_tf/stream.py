"""EmbeddingStream: one clip that comes in blocks → embeddings, as soon as each is complete."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from vggish_tf import audio
from vggish_tf.errors import AudioError
from vggish_tf.frontend.blocks import ExampleStream
from vggish_tf.rows import Embeddings

BLOCK_SECONDS = 10  # a longer push is processed in blocks of so much audio
Embed = Callable[[Iterable[np.ndarray], int], Embeddings]  # examples, the number of the first


class EmbeddingStream:
    """Embeds one clip that comes in blocks; made by Embedder.stream.

    All results, concatenated, equal those of the whole clip.

    Example:
        >>> from vggish_tf import Embedder
        >>> stream = Embedder(None).stream(sample_rate=48_000)
        >>> [len(stream.push(np.zeros(24_000, np.float32)).embedding) for _ in range(3)]
        [0, 1, 0]
        >>> stream.finish().timestamps
        array([], dtype=float64)
    """

    def __init__(
        self,
        sample_rate: float,
        mono: audio.MonoStream | audio.WholeClip,
        examples: ExampleStream,
        embed: Embed,
    ):
        self._mono, self._examples, self._embed_from = mono, examples, embed
        self._block = int(BLOCK_SECONDS * sample_rate)
        self._num_rows = 0
        self._broken = self._finished = False

    def push(self, samples: np.ndarray) -> Embeddings:
        """Takes the next samples and returns the embeddings of the examples that they complete.

        Args:
            samples: (num_samples,) or (num_samples, num_channels) floating point in [-1, 1].

        Returns:
            Embeddings, which may have no rows.

        Raises:
            AudioError: the samples are not floating point or not finite, have channels first, or
                have another number of channels than before; the stream is finished; or an earlier
                push failed midway, so that the stream cannot continue.
        """
        samples = audio.check_shape(samples)
        starts = range(0, max(len(samples), 1), self._block)
        blocks = (self._mono.push(samples[start : start + self._block]) for start in starts)
        with self._all_or_broken():
            return self._embed(map(self._examples.push, blocks))

    def finish(self) -> Embeddings:
        """Ends the clip: pads it by the embedder's rule, and returns the last embeddings.

        Raises:
            AudioError: the stream is finished, or an earlier push failed midway.
        """
        with self._all_or_broken():
            embeddings = self._embed(self._rest())
        self._finished = True
        return embeddings

    def _rest(self) -> Iterator[np.ndarray]:
        yield from map(self._examples.push, audio.pieces(self._mono.finish(), self._block))
        yield self._examples.finish()

    @contextmanager
    def _all_or_broken(self) -> Iterator[None]:
        if self._finished:
            raise AudioError("this stream is finished. Make a new one for the next clip.")
        if self._broken:
            raise AudioError(
                "an earlier push of this stream failed midway. Make a new stream and push the clip "
                "again."
            )
        self._broken = True
        yield
        self._broken = False

    def _embed(self, examples: Iterable[np.ndarray]) -> Embeddings:
        rows = self._embed_from(examples, self._num_rows)
        self._num_rows += len(rows.embedding)
        return rows
