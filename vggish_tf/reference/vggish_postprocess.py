"""Raw embeddings → the 8-bit AudioSet features: PCA, whitening, clipping, quantization.

vggish_tf.dequantize is the inverse; vggish_tf.Postprocessor can give the whitened vector as floats.

Source: tensorflow/models research/audioset/vggish/vggish_postprocess.py.
"""

import numpy as np

from vggish_tf.reference import vggish_params


class Postprocessor:
    """Turns batches of raw embeddings into the format of the released AudioSet features.

    Args:
        pca_params_npz_path: the published vggish_pca_params.npz, with the matrix (128, 128) and the
            means (128,).

    Raises:
        AssertionError: the arrays in the file have other shapes.
        KeyError, OSError: the file lacks an array, or is missing.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/pca_params.npz"
        >>> np.savez(path, pca_eigen_vectors=np.eye(128), pca_means=np.zeros(128))
        >>> Postprocessor(path).postprocess(np.full((1, 128), 1.0))[0, :2]
        array([191, 191], dtype=uint8)

    Source: vggish_postprocess.Postprocessor.
    """

    def __init__(self, pca_params_npz_path):
        size = vggish_params.EMBEDDING_SIZE
        with np.load(pca_params_npz_path) as arrays:
            self._pca_matrix = arrays[vggish_params.PCA_EIGEN_VECTORS_NAME]
            self._pca_means = arrays[vggish_params.PCA_MEANS_NAME].reshape(-1, 1)
        assert self._pca_matrix.shape == (size, size), (
            f"Bad PCA matrix shape: {self._pca_matrix.shape}"
        )
        assert self._pca_means.shape == (size, 1), f"Bad PCA means shape: {self._pca_means.shape}"

    def postprocess(self, embeddings_batch):
        """Whitens, clips to [-2, 2], scales to [0, 255] and truncates; nothing is rounded.

        Args:
            embeddings_batch: (batch, 128), pre-activation.

        Returns:
            (batch, 128) uint8.

        Raises:
            AssertionError: the batch has another shape.

        Source: vggish_postprocess.Postprocessor.postprocess.
        """
        shape, size = np.shape(embeddings_batch), vggish_params.EMBEDDING_SIZE
        assert len(shape) == 2, f"Expected 2-d batch, got {shape}"
        assert shape[1] == size, f"Bad batch shape: {shape}; the last axis must be {size}"
        lowest, highest = vggish_params.QUANTIZE_MIN_VAL, vggish_params.QUANTIZE_MAX_VAL
        whitened = np.dot(self._pca_matrix, np.transpose(embeddings_batch) - self._pca_means).T
        clipped = np.clip(whitened, lowest, highest)
        return ((clipped - lowest) * (255.0 / (highest - lowest))).astype(np.uint8)
