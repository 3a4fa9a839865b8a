"""A clip at every stage of the pipeline, as NumPy arrays, for pictures and reports."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from vggish_tf import audio
from vggish_tf.embedding import Embedder
from vggish_tf.errors import check_word
from vggish_tf.frontend.framing import PADS, Pad, count_frames, padded_length
from vggish_tf.frontend.layers import FrameExamples, LogMel, StftMagnitude
from vggish_tf.frontend.transforms import mel_matrix
from vggish_tf.network.postprocess import Postprocessor
from vggish_tf.params import Params
from vggish_tf.profiles import DEFAULT, named
from vggish_tf.rows import Stages

# a minute: the transform needs 20 times the memory of its samples
FRAMES_AT_ONCE = 6000

BATCHES_AT_ONCE = 4  # for the progress bar


class Row(NamedTuple):
    """One stage in a line; print it."""

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
        params: of the front end; ignored with an embedder, which has its own.
        pad: how an incomplete last example is handled; ignored with an embedder.
        embedder: computes `embedding`, which is None without one, by its profile.
        postprocessor: computes `quantized` from `embedding`.

    Raises:
        UsageError: an unknown `pad`.
        AudioError: the waveform cannot be used.

    Example:
        >>> stages = compute(np.zeros(16_000), 16_000)
        >>> stages.stft_magnitude.shape, stages.log_mel.shape, stages.examples.shape
        ((98, 257), (98, 64), (1, 96, 64))
    """
    check_word("pad", pad, PADS)
    params, pad = (embedder.params, embedder.pad) if embedder else (params or Params(), pad)
    profile = embedder.profile if embedder else named(DEFAULT)
    mono = audio.to_mono(waveform, sample_rate, params.sample_rate, profile.prepare)
    mono = np.pad(mono, (0, padded_length(len(mono), params, pad) - len(mono)))
    magnitude = _stft_magnitude(mono, params)
    log_mel = np.asarray(LogMel(params, triangles=profile.triangles)(magnitude))
    examples = np.asarray(FrameExamples(params)(log_mel))
    embedding = _embed(examples, embedder) if embedder else None
    return Stages(
        waveform=mono,
        stft_magnitude=magnitude,
        mel_matrix=mel_matrix(params, profile.triangles),
        log_mel=log_mel,
        examples=examples,
        embedding=embedding,
        quantized=np.asarray(postprocessor(embedding)) if postprocessor and embedder else None,
        timestamps=np.arange(len(examples)) * (params.example_hop_samples / params.sample_rate),
        params=params,
    )


def describe(stages: Stages) -> Iterator[Row]:
    """Yields a row for every stage that was computed, in the order of the data.

    Example:
        >>> next(describe(compute(np.zeros(16_000), 16_000)))
        Row(name='waveform', shape='(16000,)', dtype='float32', rate='16000 Hz', range='0 … 0')
    """
    frames = f"{1 / stages.frame_seconds:.4g} frames/s"
    examples = f"{1 / stages.example_seconds:.4g} examples/s"
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
    starts = tqdm(range(0, max(len(examples), 1), step), desc="network", disable=None, leave=False)
    rows = [embedder.embed_examples(examples[start : start + step]) for start in starts]
    return np.concatenate(rows)


def _stft_magnitude(mono: np.ndarray, params: Params) -> np.ndarray:
    layer, num_frames = StftMagnitude(params), count_frames(len(mono), params)
    magnitude = np.empty((num_frames, params.num_spectrogram_bins), np.float32)
    for first in range(0, num_frames, FRAMES_AT_ONCE):
        last = min(first + FRAMES_AT_ONCE, num_frames)
        start, end = first * params.hop_length, (last - 1) * params.hop_length
        magnitude[first:last] = layer(mono[start : end + params.window_length])
    return magnitude
