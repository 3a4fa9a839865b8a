"""Stages to draw: of the right shapes, full of seeded noise."""

import numpy as np

from vggish_tf.drawing import panels
from vggish_tf.params import Params


def make_stages(num_samples=48_000, **params):
    """The Stages of a clip that is noise at every stage."""
    params, generator = Params(**params), np.random.default_rng(7)
    frames = max(0, 1 + (num_samples - params.window_length) // params.hop_length)
    count = max(0, 1 + (frames - params.num_frames) // params.example_hop_frames)
    return panels.Stages(
        waveform=generator.uniform(-0.5, 0.5, num_samples).astype(np.float32),
        stft_magnitude=generator.exponential(1.0, (frames, params.num_spectrogram_bins)).astype(
            np.float32
        ),
        mel_matrix=np.eye(params.num_spectrogram_bins, params.num_mel_bins),
        log_mel=generator.normal(size=(frames, params.num_mel_bins)).astype(np.float32),
        examples=np.zeros((count, params.num_frames, params.num_mel_bins), np.float32),
        embedding=generator.normal(size=(count, 128)).astype(np.float32),
        quantized=generator.integers(0, 256, (count, 128)).astype(np.uint8),
        timestamps=np.arange(count)
        * params.example_hop_frames
        * params.hop_length
        / params.sample_rate,
        params=params,
    )


def title(ax):
    """The title of axes, wherever it stands."""
    return ax.get_title(loc="left") or ax.get_title()
