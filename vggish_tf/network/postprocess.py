"""Post-processing: raw embeddings → the format of the released AudioSet features, and back.

PCA with whitening, y = E (x − μ), then 8-bit quantization: clip to [−2, 2], scale to [0, 255],
truncate.

Source: tensorflow/models research/audioset/vggish/vggish_postprocess.py.
"""

import os
from typing import get_args

import keras
from keras import ops

from vggish_tf.errors import UsageError, check_argument, check_word
from vggish_tf.params import (
    EMBEDDING_SIZE,
    PCA_EIGEN_VECTORS_NAME,
    PCA_MEANS_NAME,
    QUANTIZE_MAX_VAL,
    QUANTIZE_MIN_VAL,
    QUANTIZE_SCALE,
)
from vggish_tf.rows import Convention, byte_values
from vggish_tf.weights import pca


@keras.saving.register_keras_serializable(package="vggish_tf")
class Postprocessor(keras.layers.Layer):
    """Turns raw embeddings into the format of the released AudioSet features.

    Args:
        quantize: True gives uint8, as released. False gives the whitened float32 vector, which is
            not clipped and keeps its gradient.
        weights: "audioset" for the published PCA parameters (from the cache, or fetched); the path
            of a file with PCA parameters (an npz with `pca_eigen_vectors` (128, 128) and
            `pca_means` (128,), torchvggish's file, or a Keras file with a postprocessor); or None
            for the identity matrix and zero means.

    Input shape:  (…, 128) float32, pre-activation embeddings
    Output shape: (…, 128) uint8 or float32

    The sums are in float64, as in upstream's code; on JAX, or with dtype="float32", in float32. In
    float32 one byte in 16,000 is wrong, because truncation turns the smallest difference into a
    whole step. A saved model holds the parameters, and its config has weights=None.

    Raises:
        UsageError: the last axis is not 128.
        CheckpointError: there is no such file, or it does not hold PCA parameters.

    Example:
        >>> tuple(Postprocessor(weights=None)(keras.ops.zeros((2, 128))).shape)
        (2, 128)

    Source: tensorflow/models vggish_postprocess.py, Postprocessor.postprocess. Truncates, does not
    round.
    """

    def __init__(
        self,
        quantize: bool = True,
        *,
        weights: str | os.PathLike[str] | None = "audioset",
        **kwargs,
    ):
        asked = keras.dtype_policies.get(kwargs.get("dtype") or "float64").name
        # half-precision policies are meant for networks, and are ignored here
        narrow = keras.config.backend() == "jax" or asked == "float32"
        super().__init__(**{**kwargs, "dtype": "float32" if narrow else "float64"})
        self.quantize = quantize
        eigen_vectors, means = pca.read(weights)
        self.pca_eigen_vectors = self._constant(PCA_EIGEN_VECTORS_NAME, eigen_vectors)
        self.pca_means = self._constant(PCA_MEANS_NAME, means)
        self.built = True

    def call(self, embedding):
        shape = tuple(embedding.shape)
        check_argument("embedding", shape, shape[-1] == EMBEDDING_SIZE, f"(…, {EMBEDDING_SIZE})")
        whitened = ops.matmul(embedding - self.pca_means, ops.transpose(self.pca_eigen_vectors))
        if not self.quantize:
            return ops.cast(whitened, "float32")
        clipped = ops.clip(whitened, QUANTIZE_MIN_VAL, QUANTIZE_MAX_VAL)
        return ops.cast((clipped - QUANTIZE_MIN_VAL) * QUANTIZE_SCALE, "uint8")

    def compute_output_spec(self, embedding):
        return keras.KerasTensor(embedding.shape, dtype="uint8" if self.quantize else "float32")

    def get_config(self) -> dict:
        return {**super().get_config(), "quantize": self.quantize, "weights": None}

    def _constant(self, name, values):
        variable = self.add_weight(
            name=name, shape=values.shape, trainable=False, initializer="zeros"
        )
        variable.assign(values)
        return variable


def dequantize(quantized, convention: Convention = "edge"):
    """Quantized embeddings → float32 values of the whitened vector.

    Args:
        quantized: (…) uint8, an array or a tensor.
        convention: "edge" gives the smallest float32 that quantizes to the byte, so that quantizing
            again gives the same bytes. "youtube8m" adds 1/512 of the range, which is near the
            middle of a step, as the YouTube-8M readers do.

    Returns:
        An array or a tensor of the same shape, float32, in [−2, 2] for "edge".

    Raises:
        UsageError: the convention is unknown, or `quantized` is not uint8.

    Example:
        >>> import numpy as np
        >>> [float(value) for value in dequantize(np.array([0, 255], np.uint8))]
        [-2.0, 2.0]

    Source: google/youtube-8m utils.py, Dequantize.
    """
    check_word("convention", convention, get_args(Convention))
    dtype = keras.backend.standardize_dtype(quantized.dtype)
    if dtype != "uint8":
        raise UsageError(f"quantized must be uint8; received {dtype} {tuple(quantized.shape)}.")
    values = byte_values(convention)
    if ops.is_tensor(quantized):
        return ops.take(values, ops.cast(quantized, "int32"))
    return values[quantized]
