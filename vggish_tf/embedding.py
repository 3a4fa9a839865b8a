"""Embedder: arrays, files and streams → embeddings with their start times, in bounded memory.

All three are processed alike: samples → mono at params.sample_rate (audio) → examples (blocks) →
batches → the network (inference). A whole clip is a stream with a single push.
"""

import logging
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, overload

import keras
import numpy as np

import vggish_tf
from vggish_tf import audio, inference, notebooks
from vggish_tf.errors import AudioError, check_count, check_word, warn
from vggish_tf.frontend.blocks import ChunkLogMel, ExampleStream, chunk_log_mel
from vggish_tf.frontend.framing import PADS, Pad
from vggish_tf.model import Postprocess, Weights, describe_front_end, parts_of
from vggish_tf.network.batching import batches, embed_clips
from vggish_tf.network.plan import Engine, Plan, Precision, check_asked
from vggish_tf.params import EMBEDDING_SIZE, Params
from vggish_tf.profiles import DEFAULT, Profile, named
from vggish_tf.rows import MEANINGLESS, UNTRAINED, Embeddings, rounded
from vggish_tf.stream import BLOCK_SECONDS, EmbeddingStream
from vggish_tf.weights.identity import Identity

Paths = Iterable[str | os.PathLike[str]]
# a name for warnings, and mono blocks at params.sample_rate
Clip = tuple[str, Iterable[np.ndarray]]


class Embedder:
    """Turns sound of any rate and channel count into VGGish embeddings.

    Args:
        model: "audioset" for the published weights; the path of a checkpoint; None for untrained
            weights, with a log line; or a model of VGGish(), whose current weights and front-end
            parameters are copied, but not its `pad`.
        profile: the pipeline: a name in vggish_tf.profiles, or a Profile, whose `pool` is not
            applied. If it needs whole clips, streams return all rows at the end.
        params: front-end parameters; None takes those of the profile or of `model`.
        pad: "short" fills a clip too short for one example with silence, with a warning; "never"
            gives zero rows for it; "always" fills the end of every clip, so that every sample is
            covered. None is the profile's rule, by default "short".
        postprocess: "pca" (whitened, float32) or "quantized" (uint8, as released); None is that of
            the profile.
        batch_size: examples in a batch of the network.
        precision: "float32", or "bfloat16": half the memory, much faster on processors that
            multiply it (amx_bf16, avx512_bf16), and a cosine to float32 of at least 0.9995. Other
            CPUs compute in float32.
        engine: "keras" (its backend), "openvino" or "onnxruntime"; see docs/performance.md.
        plan: how the network is computed, instead of by the rule for engine and precision.

    A pickle holds the settings, and weights that no file holds; the copy reads others at its first
    use. In a process that was forked after the first embedder was made, embedders raise an error.

    Raises:
        CheckpointError: the weights cannot be found or fetched, or do not fit.
        UsageError: a word is unknown, or two do not go together; batch_size is under 1; or the
            model already has a post-processing.
        VGGishError: the engine, or the profile's resampler, is not installed; or the process was
            forked.

    Warns:
        UserWarning: the weights of `model` are untrained or were trained on other examples; later,
            a clip is silent throughout, or shorter than an example.

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
        profile: str | Profile = DEFAULT,
        params: Params | None = None,
        pad: Pad | None = None,
        postprocess: Postprocess = None,
        batch_size: int = 64,
        precision: Precision = "float32",
        engine: Engine = "keras",
        plan: Plan | None = None,
    ):
        check_word("pad", pad, (None, *PADS))
        check_count("batch_size", batch_size)
        check_asked(engine, precision, plan)
        asked = named(profile)
        params = params or (asked if asked.params != Params() else parts_of(model)).params
        self.profile = asked.given(params=params, pad=pad, postprocess=postprocess)
        self.params, self.pad = self.profile.params, self.profile.pad
        self.postprocess = self.profile.postprocess
        audio.check_installed(self.profile.resampler)
        self.batch_size, self.precision = batch_size, plan.arithmetic if plan else precision
        with ThreadPoolExecutor(1) as pool:  # the front end is traced while the weights are read
            traced = pool.submit(self.log_mel, np.zeros(self.params.min_samples, np.float32))
            self._network = inference.Network(model, self.profile, plan or (engine, precision))
            traced.result()
        self._no_rows = np.zeros(
            (0, EMBEDDING_SIZE), np.uint8 if self.postprocess == "quantized" else np.float32
        )
        said = UNTRAINED if self.untrained else describe_front_end(model, self.params)
        if model is None:  # on request, so not a warning, which -W error would turn into an error
            logging.getLogger("vggish_tf").warning(said)
        elif said:
            warn(said)

    @property
    def identity(self) -> Identity:
        """Identity of the weights, with digests of their file and of their values."""
        return self._network.identity

    @property
    def untrained(self) -> bool:
        """Whether the weights are those of an initializer, so that the embeddings mean nothing."""
        return self.identity.untrained

    @property
    def plan(self) -> Plan:
        """The plan by which the network is computed."""
        return self._network.plan

    @property
    def log_mel(self) -> ChunkLogMel:
        """The front end."""
        return chunk_log_mel(self.params, self.profile.triangles)

    @property
    def _settings(self) -> dict:
        names = ("pad", "postprocess", "batch_size", "precision", "plan", "params")
        return {"profile": self.profile.name} | {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._settings.items())
        return f"Embedder({self._network!r}, {options})"

    def _repr_html_(self) -> str:
        known, facts = self._network.known, {"weights": self._network, **self._settings}
        return notebooks.table("Embedder", facts, MEANINGLESS if known and known.untrained else "")

    def __call__(self, waveform: np.ndarray, sample_rate: float) -> Embeddings:
        """Embeds a whole clip.

        Args:
            waveform: (num_samples,) or (num_samples, num_channels) floating point in [-1, 1].
            sample_rate: Hz.

        Raises:
            AudioError: the array is empty, not floating point or not finite, has channels first, or
                has an impossible rate.
        """
        waveform = audio.check_shape(waveform)
        if not len(waveform):
            raise AudioError("waveform has no samples; received an empty array.")
        stream = self.stream(sample_rate)
        return self._timed(
            np.concatenate([stream.push(waveform).embedding, stream.finish().embedding])
        )

    def embed_batch(self, waveforms: Iterable[np.ndarray], sample_rate: float) -> list[Embeddings]:
        """Embeds clips of any lengths, in the order given; batches are shared across clips.

        Args:
            waveforms: clips, each as for __call__.
            sample_rate: Hz, the same for all clips.

        Raises:
            AudioError: as __call__; the message has the number of the clip, from 0.

        Example:
            >>> Embedder(None).embed_batch([np.ones(16_000), np.ones(48_000)], 16_000)
            [Embeddings((1, 128) float32, 0 to 0.96 s, UNTRAINED), Embeddings((3, 128) ...)]
        """
        rates, results = (sample_rate, self.params.sample_rate), []
        prepare = self.profile.prepare
        blocks = (
            audio.array_blocks(waveform, *rates, BLOCK_SECONDS, prepare) for waveform in waveforms
        )
        clips = ((f"clip {number}", clip) for number, clip in enumerate(blocks))
        for number, result in enumerate(self.embed_blocks(audio.decoded_ahead(clips))):
            if isinstance(result, AudioError):
                raise AudioError(f"clip {number}: {result}")
            results.append(result)
        return results

    def embed_file(self, path: str | os.PathLike[str]) -> Embeddings:
        """Embeds a file of any format that audio.suffixes() lists.

        Raises:
            AudioError: as load_audio.
        """
        return next(self.embed_files([path]))

    @overload
    def embed_files(
        self, paths: Paths, *, return_errors: Literal[False] = False
    ) -> Iterator[Embeddings]: ...

    @overload
    def embed_files(
        self, paths: Paths, *, return_errors: bool
    ) -> Iterator[Embeddings | AudioError]: ...

    def embed_files(self, paths, *, return_errors=False):
        """Yields the embeddings of many files, in the order given; files share batches.

        Args:
            paths: the files.
            return_errors: True yields the AudioError in the place of a bad file; False raises it.

        Raises:
            AudioError: as embed_file.
            TypeError: `paths` is a single path.

        Example:
            >>> next(Embedder(None).embed_files(["none.wav"], return_errors=True))
            AudioError('none.wav does not exist. Check the name; ...')
        """
        if isinstance(paths, (str, os.PathLike)):
            raise TypeError(
                f"paths must be a list; received {paths!r}. Use embed_file for one file."
            )
        rate, prepare = self.params.sample_rate, self.profile.prepare
        clips = (
            (str(path), audio.read_blocks(path, rate, BLOCK_SECONDS, prepare)) for path in paths
        )
        for result in self.embed_blocks(audio.decoded_ahead(clips)):
            if isinstance(result, AudioError) and not return_errors:
                raise result
            yield result

    def embed_examples(self, examples: np.ndarray) -> np.ndarray:
        """Embeds log-mel examples from another source: (n, 96, 64) → (n, 128).

        Raises:
            AudioError: the examples have another shape, are not real numbers, or are not finite.
        """
        examples = audio.check_examples(
            examples, (self.params.num_frames, self.params.num_mel_bins)
        )
        return self._embed_from([examples], 0).embedding

    def embed_blocks(self, clips: Iterable[Clip]) -> Iterator[Embeddings | AudioError]:
        """Yields the Embeddings of each clip, in order, or the AudioError that its blocks raised.

        Args:
            clips: the name of each clip, for warnings, and its blocks, (num_samples,) float32, mono
                at params.sample_rate; clips share batches.
        """
        streams = (
            ExampleStream(self.log_mel, self.pad, name).push_all(blocks) for name, blocks in clips
        )
        for result in self.embed_clips(streams):
            yield result if isinstance(result, AudioError) else self._timed(result)

    def embed_clips(
        self, clips: Iterable[Iterable[np.ndarray]]
    ) -> Iterator[np.ndarray | AudioError]:
        """Yields the rows (n, 128) of each clip, in order, or the AudioError that it raised.

        Args:
            clips: the examples of each clip, in arrays (n, 96, 64) float32; clips share batches.
        """
        return embed_clips(self._run, clips, self.batch_size, self._no_rows)

    def stream(self, sample_rate: float, *, name: str = "the clip") -> "EmbeddingStream":
        """A stream for the blocks of one clip at a rate in Hz; `name` is for warnings."""
        mono = audio.stream_of(self.profile.prepare, sample_rate, self.params.sample_rate)
        examples = ExampleStream(self.log_mel, self.pad, name)
        return EmbeddingStream(sample_rate, mono, examples, self._embed_from)

    @property
    def provenance(self) -> dict:
        """Provenance of the embeddings, to be kept with them: a dictionary that JSON can hold."""
        return {
            "vggish_tf": vggish_tf.__version__,
            "weights": self.identity.as_json(),
            **self.profile.provenance,
            "precision": self.precision,
            "computed": self.plan.as_json(),
            "resampler": audio.described(self.profile.resampler),
        }

    def _run(self, examples: np.ndarray) -> np.ndarray:
        return rounded(self._network(examples), self.profile.rounding)

    def _embed_from(self, examples: Iterable[np.ndarray], first: int) -> Embeddings:
        """The rows of consecutive examples of a clip; `first` is the number of the first one."""
        rows = map(self._run, batches(examples, self.batch_size))
        return self._timed(np.concatenate([self._no_rows, *rows]), first)

    def _timed(self, embedding: np.ndarray, first: int = 0) -> Embeddings:
        return Embeddings.of(embedding, self.params, first, untrained=self.untrained)
