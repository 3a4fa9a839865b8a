"""What every stage of the pipeline makes of one clip, as NumPy arrays: for pictures, reports and curious people."""

import numpy as np

from vggish_tf import audio
from vggish_tf.embedding import Embedder
from vggish_tf.framing import Pad, count_frames, padded_length
from vggish_tf.frontend import FrameExamples, LogMel, StftMagnitude, mel_matrix
from vggish_tf.jobs.panels import Stages
from vggish_tf.params import Params
from vggish_tf.postprocess import Postprocessor

FRAMES_AT_ONCE = 6000  # The transform needs 20 times the memory of its samples; a minute at a time is enough of that.


def compute(
    waveform: np.ndarray,
    sample_rate: float,
    params: Params | None = None,
    *,
    pad: Pad = "short",
    embedder: Embedder | None = None,
    postprocessor: Postprocessor | None = None,
) -> Stages:
    """Runs a whole clip through the layers one by one and keeps what each of them gives.

    Args:
        waveform: (num_samples,) or (num_samples, num_channels) floating point in [-1, 1].
        sample_rate: Hz.
        params: of the front end; an embedder's own take their place.
        pad: what becomes of the end of the clip; an embedder's own takes its place.
        embedder: gives `embedding`, which is None without one.
        postprocessor: gives `quantized` from `embedding`.

    Raises:
        AudioError: the waveform cannot be used.

    Example:
        >>> stages = compute(np.zeros(16_000), 16_000)
        >>> stages.stft_magnitude.shape, stages.log_mel.shape, stages.examples.shape
        ((98, 257), (98, 64), (1, 96, 64))
    """
    params, pad = (embedder.params, embedder.pad) if embedder else (params or Params(), pad)
    mono = audio.to_mono(waveform, sample_rate, params.sample_rate)
    mono = np.pad(mono, (0, padded_length(len(mono), params, pad) - len(mono)))
    magnitude = _stft_magnitude(mono, params)
    log_mel = np.asarray(LogMel(params)(magnitude))
    examples = np.asarray(FrameExamples(params)(log_mel))
    embedding = embedder.embed_examples(examples) if embedder else None
    return Stages(
        waveform=mono,
        stft_magnitude=magnitude,
        mel_matrix=mel_matrix(params),
        log_mel=log_mel,
        examples=examples,
        embedding=embedding,
        quantized=np.asarray(postprocessor(embedding)) if postprocessor and embedder else None,
        timestamps=np.arange(len(examples)) * (params.example_hop_samples / params.sample_rate),
        params=params,
    )


def _stft_magnitude(mono: np.ndarray, params: Params) -> np.ndarray:
    layer, num_frames = StftMagnitude(params), count_frames(len(mono), params)
    magnitude = np.empty((num_frames, params.num_spectrogram_bins), np.float32)
    for first in range(0, num_frames, FRAMES_AT_ONCE):
        last = min(first + FRAMES_AT_ONCE, num_frames)
        samples = mono[first * params.hop_length : (last - 1) * params.hop_length + params.window_length]
        magnitude[first:last] = layer(samples)
    return magnitude
