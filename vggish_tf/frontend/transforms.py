"""Arithmetic of one frame: the window, the two Fourier transforms, the mel filters.

The log-mel values of the two transforms agree within 1e-5: "rfft" is for running, "matrix" for
converters.
"""

from collections.abc import Callable
from typing import Literal, get_args

import keras
import numpy as np
from keras import ops

from vggish_tf.params import Params, mel_to_hertz

Transform = Literal["rfft", "matrix"]
Triangles = Literal["mel", "hertz"]
_STEPS = 128  # in [0, 1], for _exact_product


def periodic_hann(window_length: int) -> np.ndarray:
    """Hann window of period `window_length`, (window_length,) float64; SciPy's is symmetric."""
    return 0.5 - 0.5 * np.cos(2 * np.pi / window_length * np.arange(window_length))


def mel_matrix(params: Params, triangles: Triangles = "mel") -> np.ndarray:
    """Mel filter bank as a matrix, (fft bins, mel bins) float64.

    Triangle i rises from mel edge i to i + 1 and falls to i + 2, with peak 1 and no area
    normalization. The DC row is zero.

    Args:
        params: front-end parameters.
        triangles: "mel": straight lines over mel, as published. "hertz": straight lines over Hz, as
            in torchaudio and librosa; log-mel values differ by about 0.01.

    Source: mel_features.spectrogram_to_mel_matrix; torchaudio.functional.melscale_fbanks.

    Example:
        >>> round(float(mel_matrix(Params()).sum()), 9)
        230.913599161
    """
    over = mel_to_hertz if triangles == "hertz" else np.asarray
    edges, bins = over(params.mel_edges), over(params.fft_bin_mels)[:, np.newaxis]
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - lower) / (center - lower)
    falling = (upper - bins) / (upper - center)
    matrix = np.maximum(0.0, np.minimum(rising, falling))
    matrix[0] = 0.0
    return matrix


def rfft(rows, params: Params):
    """Real and imaginary parts of windowed frames: (rows, window_length) → (rows, bins) each."""
    # float32 has a rounding error of 1e-6 of the loudest bin. log_offset makes that a hundred times
    # larger in silent bins beside a full-scale tone: 2e-4 in the log-mel, and 1e-6 with float64.
    dtype = _widest_float()
    windowed = ops.cast(rows, dtype) * periodic_hann(params.window_length).astype(dtype)
    # padded here: TensorFlow's rfft does not pad an empty tensor, and then refuses it
    padded = ops.pad(windowed, ((0, 0), (0, params.fft_length - params.window_length)))
    return ops.rfft(padded, fft_length=params.fft_length)


def matrix(rows, params: Params):
    """The same as `rfft`, as matrix products with the windowed cosines and sines, in float32."""
    samples = np.arange(params.window_length)[:, np.newaxis]
    cycles = samples * np.arange(params.num_spectrogram_bins) % params.fft_length
    angle = 2 * np.pi * cycles / params.fft_length
    window = periodic_hann(params.window_length)[:, np.newaxis]
    real, imaginary = window * np.cos(angle), window * np.sin(angle)
    return _exact_product(rows, real), _exact_product(rows, imaginary)


TRANSFORMS: dict[Transform, Callable] = {"rfft": rfft, "matrix": matrix}
TRIANGLES: tuple[Triangles, ...] = get_args(Triangles)


def _exact_product(rows, matrix: np.ndarray):
    """Product of rows (…, n) and matrix (n, m), in float32, about as exact as in float64.

    This holds for n up to 1024 and values in [-1, 1]; beyond, it is an ordinary product. In silent
    bins beside a full-scale tone, numbers a million times larger cancel. So both factors are split
    into 7 bits and a rest. Products of 7 bits are multiples of 2^-14, and float32 adds 1024 of them
    without rounding; the sums with a rest are 128 times smaller, and so is their rounding error.
    """
    coarse, coarse_matrix = ops.round(rows * _STEPS) / _STEPS, np.round(matrix * _STEPS) / _STEPS
    rest = ops.matmul(coarse, (matrix - coarse_matrix).astype("float32"))
    rest = rest + ops.matmul(rows - coarse, matrix.astype("float32"))
    return ops.matmul(coarse, coarse_matrix.astype("float32")) + rest


def _widest_float() -> str:
    """float64; on JAX only if enabled, by JAX_ENABLE_X64=1 or within jax.enable_x64(True)."""
    if keras.config.backend() == "jax":
        import jax

        return "float64" if jax.config.jax_enable_x64 else "float32"
    return "float64"
