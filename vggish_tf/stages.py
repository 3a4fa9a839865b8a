"""A clip at every stage of the pipeline, as NumPy arrays, for pictures and reports."""

import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from vggish_tf import audio
from vggish_tf.embedding import Embedder
from vggish_tf.errors import check_word
from vggish_tf.frontend.framing import PADS, Pad, count_frames, padded_length
from vggish_tf.frontend.layers import FrameExamples, LogMel, StftMagnitude
from vggish_tf.frontend.transforms import Triangles, mel_matrix
from vggish_tf.network.postprocess import Postprocessor
from vggish_tf.params import Params
from vggish_tf.profiles import DEFAULT, Profile, named
from vggish_tf.progress import SoundBar
from vggish_tf.rows import Stages

# a minute; the transform needs 20 times the memory of its samples
FRAMES_AT_ONCE = 6000

BATCHES_AT_ONCE = 4  # for the progress bar


class Row(NamedTuple):
    """A description of one stage, which prints as one line."""

    name: str
    shape: str
    dtype: str
    rate: str
    range: str

    def __str__(self):
        return f"{self.name:15s} {self.shape:14s} {self.dtype:8s} {self.rate:18s} {self.range}"


def compute(
    waveform: np.ndarray,
    sample_rate: float,
    params: Params | None = None,
    *,
    pad: Pad = "short",
    embedder: Embedder | None = None,
    postprocessor: Postprocessor | None = None,
) -> Stages:
    """Runs a whole clip through the layers one by one and returns the output of each.

    Args:
        waveform: (num_samples,) or (num_samples, num_channels) floating point in [-1, 1].
        sample_rate: Hz.
        params: front-end parameters; with an embedder, its own are used instead.
        pad: how an incomplete last example is handled; with an embedder, its own rule is used.
        embedder: computes `embedding` by its profile; or `quantized` instead, if it has
            postprocess="quantized". Without an embedder both are None.
        postprocessor: computes `quantized` from `embedding`.

    Raises:
        UsageError: `pad` is unknown.
        AudioError: the waveform cannot be used.

    Example:
        >>> stages = compute(np.zeros(16_000), 16_000)
        >>> stages
        Stages(waveform (16000,), stft_magnitude (98, 257), ..., examples (1, 96, 64), ...)
    """
    front_end = _front_end(params, pad, embedder)
    mono = audio.to_mono(waveform, sample_rate, front_end.params.sample_rate, front_end.prepare)
    return _of_mono(mono, front_end, embedder, postprocessor)


def compute_file(
    path: str | os.PathLike[str],
    params: Params | None = None,
    *,
    pad: Pad = "short",
    embedder: Embedder | None = None,
    postprocessor: Postprocessor | None = None,
) -> Stages:
    """Runs a whole file through the layers, as compute(); the file is decoded block by block.

    Args:
        path: the file.
        params, pad, embedder, postprocessor: as for compute().

    Raises:
        UsageError: `pad` is unknown.
        AudioError: the file cannot be used.

    Example:
        >>> import tempfile, soundfile
        >>> path = tempfile.mkdtemp() + "/silence.wav"
        >>> soundfile.write(path, np.zeros(44_100), 44_100)
        >>> compute_file(path).waveform.shape
        (16000,)
    """
    front_end = _front_end(params, pad, embedder)
    rate, prepare = front_end.params.sample_rate, front_end.prepare
    blocks = audio.read_blocks(path, rate, prepare=prepare)
    mono = np.concatenate([np.zeros(0, np.float32), *blocks])  # too short a clip has no block
    return _of_mono(mono, front_end, embedder, postprocessor)


def _front_end(params: Params | None, pad: Pad, embedder: Embedder | None) -> Profile:
    """The profile of an embedder, or the default one with the given parameters."""
    check_word("pad", pad, PADS)
    return embedder.profile if embedder else named(DEFAULT).given(params=params, pad=pad)


def _of_mono(
    mono: np.ndarray,
    front_end: Profile,
    embedder: Embedder | None,
    postprocessor: Postprocessor | None,
) -> Stages:
    params, pad, triangles = front_end.params, front_end.pad, front_end.triangles
    mono = np.pad(mono, (0, padded_length(len(mono), params, pad) - len(mono)))
    magnitude, log_mel = _spectrograms(mono, params, triangles)
    examples = np.asarray(FrameExamples(params)(log_mel))
    rows = _embed(examples, embedder) if embedder else None
    embedding, quantized = (None, rows) if front_end.postprocess == "quantized" else (rows, None)
    if postprocessor and embedding is not None:
        quantized = np.asarray(postprocessor(embedding))
    return Stages(
        waveform=mono,
        stft_magnitude=magnitude,
        mel_matrix=mel_matrix(params, triangles),
        log_mel=log_mel,
        examples=examples,
        embedding=embedding,
        quantized=quantized,
        timestamps=np.arange(len(examples)) * (params.example_hop_samples / params.sample_rate),
        params=params,
        untrained=bool(embedder and embedder.untrained),
    )


def describe(stages: Stages) -> Iterator[Row]:
    """Yields a row for every stage that was computed, in the order of the data.

    Example:
        >>> next(describe(compute(np.zeros(16_000), 16_000)))
        Row(name='waveform', shape='(16000,)', dtype='float32', rate='16000 Hz', range='0 … 0')
    """
    frames = f"{1 / stages.frame_seconds:.4g} frames/s"
    examples = f"{1 / stages.example_hop_seconds:.4g} examples/s"
    rates = {
        "waveform": f"{stages.params.sample_rate} Hz",
        "stft_magnitude": frames,
        "mel_matrix": "",
        "log_mel": frames,
        "examples": examples,
        "embedding": examples,
        "quantized": examples,
    }
    for name, rate in rates.items():
        array = getattr(stages, name)
        if array is not None:
            extent = f"{array.min():.4g} … {array.max():.4g}" if array.size else "empty"
            yield Row(name, str(array.shape), str(array.dtype), rate, extent)


def _embed(examples: np.ndarray, embedder: Embedder) -> np.ndarray:
    step = embedder.batch_size * BATCHES_AT_ONCE
    rows, hop = [], embedder.params.example_hop_seconds
    with SoundBar(total=len(examples) * hop, desc="network") as bar:
        for start in range(0, max(len(examples), 1), step):
            rows.append(embedder.embed_examples(examples[start : start + step]))
            bar.update(len(rows[-1]) * hop)
    return np.concatenate(rows)


def _spectrograms(
    mono: np.ndarray, params: Params, triangles: Triangles
) -> tuple[np.ndarray, np.ndarray]:
    """The STFT magnitudes and the log-mels of all frames, computed a minute at a time."""
    layers = StftMagnitude(params), LogMel(params, triangles=triangles)
    num_frames = count_frames(len(mono), params)
    magnitude = np.empty((num_frames, params.num_spectrogram_bins), np.float32)
    log_mel = np.empty((num_frames, params.num_mel_bins), np.float32)
    for first in range(0, num_frames, FRAMES_AT_ONCE):
        last = min(first + FRAMES_AT_ONCE, num_frames)
        start, end = first * params.hop_length, (last - 1) * params.hop_length
        magnitude[first:last] = layers[0](mono[start : end + params.window_length])
        log_mel[first:last] = layers[1](magnitude[first:last])
    return magnitude, log_mel
