"""Numbers of other programs beside ours, on real sound: what docs/migrating.md states."""

import importlib.util
from functools import cache
from pathlib import Path

import keras
import numpy as np
import places
import pytest
import renderings
import signals
import soundfile

import vggish_tf
from vggish_tf import Embedder
from vggish_tf.audio import load_audio, to_mono
from vggish_tf.reference import vggish_postprocess

RECORDINGS = ("bus_chatter.wav", "mg-1634.opus", "mg-1648.opus", "mubert-806.opus")
PCA = places.SHARED_DATA / "vggish_pca_params.npz"
RATE = 16_000
needs_resampy = pytest.mark.skipif(
    importlib.util.find_spec("resampy") is None, reason="pip install '.[profiles]'"
)


def clip() -> np.ndarray:
    """The clip that ships with the package, in 16 bits."""
    return renderings.int16_of_libsndfile(signals.demo_clip().astype(np.float64))


def recordings() -> list[Path]:
    return [places.SHARED_DATA / "audio" / name for name in RECORDINGS]


@cache
def by_resampy() -> np.ndarray:
    """Log-mel examples of the recordings as upstream computes them, in float64."""
    import resampy

    made = []
    for path in recordings():
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
        mono = resampy.resample(samples.mean(axis=1) / 32_768, rate, RATE)
        made += renderings.examples(mono)
    return np.array(made)


def front_end(mono: np.ndarray) -> np.ndarray:
    examples = vggish_tf.WaveformToExamples()(np.float32(mono))
    return np.array(keras.ops.convert_to_numpy(examples))


@cache
def by_soxr() -> np.ndarray:
    """The same here."""
    return np.concatenate([front_end(to_mono(*load_audio(path), RATE)) for path in recordings()])


def by_tf_hub(mono: np.ndarray) -> np.ndarray:
    """Log-mel examples by the operations that upstream's export for TF-Hub calls."""
    import tensorflow as tf

    spectrum = tf.abs(tf.signal.stft(tf.constant(mono, tf.float32), 400, 160, 512))
    triangles = tf.signal.linear_to_mel_weight_matrix(64, 257, RATE, 125.0, 7500.0)
    return tf.signal.frame(tf.math.log(spectrum @ triangles + 0.01), 96, 96, axis=0).numpy()


def by_vggish_keras(mono: np.ndarray) -> np.ndarray:
    """The input of vggish-keras: decibels of librosa's mel spectrogram, at least -80.

    Equal to librosa 0.11 within 1e-5: melspectrogram(n_fft=400, hop_length=160, n_mels=64,
    fmax=7500), its root, and amplitude_to_db(ref=np.max).
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(mono, 200), 400)[::160]
    power = abs(np.fft.rfft(frames * np.hanning(401)[:-1])) ** 2
    edges = _slaney_hertz(np.linspace(0, 15 + 27 * np.log(7.5) / np.log(6.4), 66))
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(201)[:, np.newaxis] * 40.0
    triangles = np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak))
    mel = np.sqrt(power @ (np.maximum(triangles, 0) * 2 / (high - low)))
    decibels = 20 * np.log10(np.maximum(mel, 1e-5) / mel.max())
    return np.array([decibels[n : n + 96] for n in range(0, len(decibels) - 95, 96)]).clip(-80)


def _slaney_hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1_000 * 6.4 ** ((mel - 15) / 27))


def whitened(embedding: np.ndarray) -> np.ndarray:
    """PCA and clipping, scaled to 0 … 255: what is rounded or cut off then."""
    with np.load(PCA) as pca:
        rows = (embedding - pca["pca_means"].ravel()) @ pca["pca_eigen_vectors"].T
    return (np.clip(rows, -2, 2) + 2) * 63.75


def published_bytes(embedding: np.ndarray) -> np.ndarray:
    return vggish_postprocess.Postprocessor(str(PCA)).postprocess(embedding).astype(int)


def smoke_test() -> tuple[np.ndarray, np.ndarray]:
    """The embedding and the bytes that Google's smoke test prints under the published weights."""
    with np.load(places.SHARED_DATA / "smoke_test_output.npz") as published:
        return published["embedding"].reshape(1, -1), published["postprocessed"].reshape(1, -1)


def rows_like_music(count: int = 20_000) -> np.ndarray:
    """Rows with the mean and covariance of real embeddings."""
    with np.load(places.SHARED_DATA / "fma_pop_vggish_stats.npz") as real:
        return np.random.default_rng(0).multivariate_normal(real["mu"], real["cov"], count)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, of the largest number."""
    return abs(one - other).max() / abs(one).max()


def rows_of(embedder: Embedder) -> list[np.ndarray]:
    """The rows of each recording."""
    return [embedder.embed_file(path).embedding for path in recordings()]


def fad_of(rows: list[np.ndarray]) -> float:
    """Of the first two recordings and the other two."""
    from vggish_tf.jobs import fad

    sets = np.concatenate(rows[:2]), np.concatenate(rows[2:])
    return fad.frechet_distance(
        *(part for each in sets for part in (each.mean(axis=0), np.cov(each.T)))
    )
