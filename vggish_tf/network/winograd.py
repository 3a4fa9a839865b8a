"""3×3 convolutions with a quarter of the multiplications, for inference on CPUs.

Two polynomials can be multiplied through their values: take as many points as the product has
coefficients, multiply the two values at each point, then interpolate the product. A convolution is
such a product; transposed, it gives m outputs of r taps with m + r − 1 multiplications instead of
m · r.
In two dimensions, for 4×4 outputs Y of a 3×3 kernel g on a 6×6 tile d of the input,

    Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A,

where ⊙ stands for 36 multiplications instead of 144. With many channels, each of the 36 is a
product of matrices (tiles × channels) · (channels × filters). These take nearly all the time.

Two choices keep the float32 rounding error small. The points are 0, ±3/4, ±3/2 and infinity: every
number in A and B is exact, and values neither grow nor shrink much. The usual points 0, ±1, ±2 have
twice the error. And at most 128 channels are summed in one product.

The error was measured against a network in float64, on 100 examples of speech, music and street
noise, with embeddings of up to 2.0. Its root mean square is 1.4e-6. That of upstream's TensorFlow
session is 1.2e-6 for batches, and 1.6e-6 for single examples. bfloat16 is not accurate enough:
tiles rounded to 8 bits lower the cosine by 1e-3.

Source: A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks (2015),
arXiv:1509.09308; for points, B. Barabasz et al., Error Analysis and Improving the Accuracy of
Winograd Convolution (2018), arXiv:1803.10986.
"""

import keras
import numpy as np
from keras import ops

from vggish_tf import backend
from vggish_tf.memory import empty

TILE = 4  # outputs of a tile in each direction, m
TAPS = 3  # taps of a kernel in each direction, r
WINDOW = TILE + TAPS - 1
MIN_CHANNELS = 64  # with fewer, the sums before and after take longer than they save
MAX_SUM = 128  # channels in one product
COLUMNS = 1 << 10  # of kernels transformed at a time; more would start threads, which is slower
POINTS = np.array([0, 3 / 4, -3 / 4, 3 / 2, -3 / 2])  # and infinity


def matrices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Aᵀ (4, 6), G (6, 3) and Bᵀ (6, 6), float64.

    Example:
        >>> to_output, of_kernel, of_input = matrices()
        >>> taps, samples = [1, 2, 3], [1, 0, 0, 10, 0, 0]
        >>> to_output @ ((of_kernel @ taps) * (of_input @ samples))
        array([ 1., 30., 20., 10.])
    """
    # each of these polynomials is 0 at all points but one
    others = [np.poly(np.delete(POINTS, index)) for index in range(len(POINTS))]
    of_input = [*(np.append(polynomial[::-1], 0.0) for polynomial in others), np.poly(POINTS)[::-1]]
    scale = [*map(np.polyval, others, POINTS), 1.0]
    return _values(TILE).T, _values(TAPS) / np.array(scale)[:, np.newaxis], np.array(of_input)


def _values(num_coefficients: int) -> np.ndarray:
    """Matrix from a polynomial's coefficients to its values at the points.

    The value at infinity is the last coefficient.
    """
    powers = np.vander(POINTS, num_coefficients, increasing=True)
    return np.vstack([powers, np.eye(num_coefficients)[-1]])


def _products(matrix: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A float64 matrix times float32 columns, rounded once, with little memory in between."""
    found = empty((len(matrix), columns.shape[1]))
    for start in range(0, columns.shape[1], COLUMNS):
        found[:, start : start + COLUMNS] = matrix @ columns[:, start : start + COLUMNS]
    return found


class WinogradConv2D(keras.layers.Layer):
    """A Conv2D computed by Winograd's algorithm, with a copy of its current weights.

    Args:
        convolution: a built 3×3 convolution, "same", without strides or dilation, with a bias; its
            number of channels is less than MAX_SUM or a multiple of it.

    Input shape:  (rows, height, width, channels) float32
    Output shape: (rows, height, width, filters)

    Example:
        >>> convolution = keras.layers.Conv2D(8, 3, padding="same")
        >>> x = np.ones((1, 12, 8, 4), np.float32)
        >>> bool(np.abs(convolution(x) - WinogradConv2D(convolution)(x)).max() < 1e-5)
        True
    """

    def __init__(self, convolution: keras.layers.Conv2D):
        super().__init__(name=convolution.name, trainable=False, dtype="float32")
        channels, filters = convolution.kernel.shape[2:]
        self._parts = max(1, channels // MAX_SUM)
        to_output, of_kernel, of_input = (np.kron(matrix, matrix) for matrix in matrices())
        self._of_input = of_input.astype("float32")
        # repeated, so that it sums over the parts too
        self._to_output = np.repeat(to_output, self._parts, axis=1).astype("float32")
        values = _products(of_kernel, np.asarray(convolution.kernel).reshape(TAPS**2, -1))
        self.kernel = backend.tensor(values.reshape(-1, channels // self._parts, filters))
        self.bias = keras.ops.convert_to_tensor(convolution.bias)
        self._activation = convolution.activation

    def call(self, x):
        rows, height, width, _ = ops.shape(x)
        # a product of matrices for each place in the window and each part
        products, channels, filters = self.kernel.shape
        down, across = -(-height // TILE), -(-width // TILE)  # tiles
        below, right = down * TILE + 1 - height, across * TILE + 1 - width
        x = ops.pad(x, ((0, 0), (1, below), (1, right), (0, 0)))
        tiles = ops.take(ops.reshape(x, (-1, channels)), self._places(rows, down, across), axis=0)
        tiles = ops.matmul(self._of_input, ops.reshape(tiles, (WINDOW**2, -1)))
        sums = ops.matmul(ops.reshape(tiles, (products, -1, channels)), self.kernel)
        outputs = ops.matmul(self._to_output, ops.reshape(sums, (products, -1)))
        outputs = ops.reshape(outputs, (TILE, TILE, rows, down, across, filters))
        outputs = ops.transpose(outputs, (2, 3, 0, 4, 1, 5))
        outputs = ops.reshape(outputs, (rows, down * TILE, across * TILE, filters))
        return self._activation(outputs[:, :height, :width] + self.bias)

    def _places(self, rows, down: int, across: int):
        """Indices of the samples of all tiles, in the order row, padded position, part."""
        height, width = down * TILE + 2, across * TILE + 2
        in_tile = np.arange(WINDOW)[:, np.newaxis] * width + np.arange(WINDOW)
        in_place = in_tile.reshape(-1, 1) * self._parts + np.arange(self._parts)
        of_down = ops.arange(down, dtype="int32") * (width * TILE * self._parts)
        of_across = ops.arange(across, dtype="int32") * (TILE * self._parts)
        of_tile = ops.reshape(ops.expand_dims(of_down, -1) + of_across, (1, 1, 1, -1))
        of_row = ops.arange(rows, dtype="int32") * (height * width * self._parts)
        # place, part, row, tile
        # Not ops.add, which treats a vector as long as the last axis as a bias, on any axis.
        in_place = ops.convert_to_tensor(in_place.astype("int32")[..., None, None])
        return ops.reshape(in_place + (ops.reshape(of_row, (1, 1, -1, 1)) + of_tile), (-1,))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.kernel.shape[-1])
