"""Embedder: arrays, files and streams → embeddings with their start times, in bounded memory.

One road for all three: samples → mono at params.sample_rate (audio) → examples (streaming) → batches → the network
(runtime). A whole clip is a stream that is pushed at once, so that the two cannot differ.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from typing import Literal, NamedTuple, overload

import keras
import numpy as np

import vggish_tf
from vggish_tf import audio, checkpoints, network, runtime
from vggish_tf.errors import AudioError, check_word, warn
from vggish_tf.framing import PADS, Pad
from vggish_tf.model import POSTPROCESSES, Postprocess, Weights
from vggish_tf.params import EMBEDDING_SIZE, Params
from vggish_tf.streaming import ChunkLogMel, ExampleStream, batches, prefetched

BLOCK_SECONDS = 10  # of audio that a long push takes in at a time
PRECISIONS = ("float32", "bfloat16")
UNTRAINED = "these weights are untrained: the embeddings show that the pipeline runs, and mean nothing else."

Paths = Iterable[str | os.PathLike[str]]


class Embeddings(NamedTuple):
    """What an Embedder returns: `embedding` (n, 128) float32 (uint8 if quantized) and `timestamps` (n,) float64, the
    start of each example in seconds.
    """

    embedding: np.ndarray
    timestamps: np.ndarray


class Embedder:
    """Turns sound of any rate and channel count into VGGish embeddings.

    Args:
        model: "audioset" for the published weights, the path of a checkpoint, None for untrained weights (with a
            warning), or a model that VGGish() made, whose weights are copied as they are now; its `pad` rule is not.
        params: what to use instead of the published parameters, or those of `model`.
        pad: "short" fills a clip too short for one example with silence, with a warning; "never" gives zero rows for
            it; "always" fills the end of every clip, so that every sample is covered.
        postprocess: None, "pca" (whitened, float32) or "quantized" (uint8, as in the AudioSet release).
        batch_size: examples that the network takes at once.
        precision: "float32", or "bfloat16": half the memory, and faster on short clips where the processor has it
            (avx512_bf16, amx_bf16), with a cosine to float32 of 0.9999; docs/performance.md has what that does to
            speech, music and noise.

    Raises:
        CheckpointError: the weights cannot be had, or do not fit.
        ValueError: one of the words is unknown, or the model post-processes already.

    Example:
        >>> embedder = Embedder(None)
        >>> embedding, timestamps = embedder(np.zeros(48_000, np.float32), sample_rate=16_000)
        >>> embedding.shape, timestamps
        ((3, 128), array([0.  , 0.96, 1.92]))
    """

    def __init__(
        self,
        model: Weights | keras.Model = "audioset",
        *,
        params: Params | None = None,
        pad: Pad = "short",
        postprocess: Postprocess = None,
        batch_size: int = 64,
        precision: Literal["float32", "bfloat16"] = "float32",
    ):
        check_word("pad", pad, PADS)
        check_word("postprocess", postprocess, POSTPROCESSES)
        check_word("precision", precision, PRECISIONS)
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number from 1; received {batch_size!r}.")
        network.check_raw(model)
        self._weights = network.describe(model)
        self.params = params or network.params_of(model)
        self.pad, self.postprocess = pad, postprocess
        self.batch_size, self.precision = batch_size, precision
        self.log_mel = ChunkLogMel(self.params)
        with ThreadPoolExecutor(1) as beside:  # the front end is traced while the weights are read
            traced = beside.submit(self.log_mel, np.zeros(self.params.min_samples, np.float32))
            raw = network.of(model, self.params, self.precision)
            traced.result()
        self.untrained = checkpoints.is_untrained(raw)
        if self.untrained:
            warn(UNTRAINED)
        shape = (None, self.params.num_frames, self.params.num_mel_bins)
        self._run = runtime.compiled(network.prepared(raw, postprocess), shape)
        self._no_rows = np.zeros((0, EMBEDDING_SIZE), np.uint8 if postprocess == "quantized" else np.float32)

    def __call__(self, waveform: np.ndarray, sample_rate: float) -> Embeddings:
        """Embeds a whole clip, (num_samples,) or (num_samples, num_channels) floating point in [-1, 1].

        Raises:
            AudioError: the array is empty, not floating point, not finite, channels first, or of an absurd rate.
        """
        waveform = audio.check_shape(waveform)
        if not len(waveform):
            raise AudioError("waveform has no samples; received an empty array.")
        stream = self.stream(sample_rate)
        pushed, rest = stream.push(waveform), stream.finish()
        return Embeddings(*map(np.concatenate, zip(pushed, rest, strict=True)))

    def embed_file(self, path: str | os.PathLike[str]) -> Embeddings:
        """Embeds a file of any format that soundfile decodes.

        Raises:
            AudioError: the file is missing, not audio, cut short, empty or not finite.
        """
        return next(self.embed_files([path]))

    @overload
    def embed_files(self, paths: Paths, *, return_errors: Literal[False] = False) -> Iterator[Embeddings]: ...

    @overload
    def embed_files(self, paths: Paths, *, return_errors: bool) -> Iterator[Embeddings | AudioError]: ...

    def embed_files(self, paths, *, return_errors=False):
        """Embeds many files, one result a file in the order given; batches are shared across files.

        Args:
            paths: the files.
            return_errors: True gives the AudioError in the place of a bad file and goes on, as asyncio.gather does;
                False raises it when its turn comes.

        Raises:
            AudioError: as embed_file.
        """
        if isinstance(paths, (str, os.PathLike)):
            raise TypeError(f"paths must be a list; received {paths!r}. Use embed_file for one file.")
        ends: list[tuple[int, AudioError | None]] = []  # of each file read so far: its number of rows, and what failed
        held, num_held, done = [self._no_rows], 0, 0
        for more in self._embed_ahead(self._examples_of(paths, ends)):
            held.append(more)
            num_held += len(more)
            for count, error in ends[done:]:
                if num_held < count:
                    break
                if error and not return_errors:
                    raise error
                rows = np.concatenate(held)  # once a file, so that hours cost what minutes do
                held, num_held, done = [rows[count:]], num_held - count, done + 1
                yield error or self._timed(rows[:count])

    def embed_examples(self, examples: np.ndarray) -> np.ndarray:
        """Embeds log-mel examples, (n, 96, 64) float32, that come from elsewhere; returns (n, 128).

        Raises:
            ValueError: the examples have another shape, or are not finite.
        """
        expected = (self.params.num_frames, self.params.num_mel_bins)
        if np.shape(examples)[1:] != expected:
            raise ValueError(f"examples must be (n, {expected[0]}, {expected[1]}); received {np.shape(examples)}.")
        if not np.isfinite(examples).all():
            raise ValueError("examples must be finite; received NaN or infinity.")
        return np.concatenate([self._no_rows, *self._embed([examples])])

    def stream(self, sample_rate: float) -> "EmbeddingStream":
        """A stream that takes the blocks of one clip, of any size, as they come."""
        return EmbeddingStream(self, sample_rate)

    @cached_property
    def provenance(self) -> dict:
        """What the embeddings come from, to be kept beside them; JSON can hold it."""
        return {
            "vggish_tf": vggish_tf.__version__,
            **self._weights,
            "untrained": self.untrained,
            "params": asdict(self.params),
            "pad": self.pad,
            "postprocess": self.postprocess,
            "precision": self.precision,
        }

    def _embed(self, examples: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Rows in whole batches."""
        return map(self._run, batches(examples, self.batch_size))

    def _embed_ahead(self, examples: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The same, reading, resampling and the front end being a batch ahead; then no rows, once all were read."""
        yield from map(self._run, prefetched(batches(examples, self.batch_size)))
        yield self._no_rows

    def _examples_of(self, paths, ends) -> Iterator[np.ndarray]:
        """The examples of all files, one after the other; appends to `ends` where each file ends."""
        for path in paths:
            stream, error = ExampleStream(self.log_mel, self.pad, str(path)), None
            try:
                yield from stream.push_all(audio.read_blocks(path, self.params.sample_rate, BLOCK_SECONDS))
            except AudioError as failure:
                error = failure
            ends.append((stream.num_examples, error))

    def _timed(self, embedding: np.ndarray, first: int = 0) -> Embeddings:
        starts = first + np.arange(len(embedding))
        return Embeddings(embedding, starts * (self.params.example_hop_samples / self.params.sample_rate))


class EmbeddingStream:
    """Embeds one clip that comes in blocks, as Embedder.stream makes it. All results concatenated are the whole clip's.

    Example:
        >>> stream = Embedder(None).stream(sample_rate=48_000)
        >>> [len(stream.push(np.zeros(24_000, np.float32)).embedding) for _ in range(3)]
        [0, 1, 0]
        >>> stream.finish().timestamps
        array([], dtype=float64)
    """

    def __init__(self, embedder: Embedder, sample_rate: float):
        self._embedder = embedder
        self._mono = audio.MonoStream(sample_rate, embedder.params.sample_rate)
        self._examples = ExampleStream(embedder.log_mel, embedder.pad)
        self._block = int(BLOCK_SECONDS * sample_rate)
        self._num_rows = 0
        self._broken = False

    def push(self, samples: np.ndarray) -> Embeddings:
        """Takes the next samples, (num_samples,) or (num_samples, num_channels) floating point in [-1, 1], and returns
        the embeddings of the examples that they complete, which may be none.

        Raises:
            AudioError: not floating point, not finite, channels first, or another number of channels than before; or
                an earlier push that failed midway, after which the stream has lost its place.
        """
        samples = audio.check_shape(samples)
        starts = range(0, max(len(samples), 1), self._block)
        blocks = (self._mono.push(samples[start : start + self._block]) for start in starts)
        with self._all_or_broken():
            return self._embed(map(self._examples.push, blocks))

    def finish(self) -> Embeddings:
        """Ends the clip: what the resampler still holds, then the embedder's `pad` rule."""
        with self._all_or_broken():
            return self._embed([self._examples.push(self._mono.finish()), self._examples.finish()])

    @contextmanager
    def _all_or_broken(self) -> Iterator[None]:
        if self._broken:
            raise AudioError("an earlier push of this stream failed midway. Make a new stream and push the clip again.")
        self._broken = True
        yield
        self._broken = False

    def _embed(self, examples: Iterable[np.ndarray]) -> Embeddings:
        first = self._num_rows
        rows = np.concatenate([self._embedder._no_rows, *self._embedder._embed(examples)])
        self._num_rows += len(rows)
        return self._embedder._timed(rows, first)
