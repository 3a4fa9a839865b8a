"""The network as a Keras model for inference, built from existing weights, by a plan.

The layers get their values when they are built: no layer is first filled with zeros or random
numbers, and none is in memory twice. Such a network cannot be trained or saved.
"""

from collections.abc import Callable, MutableMapping
from typing import Any

import keras
import numpy as np
from keras import ops

from vggish_tf import backend
from vggish_tf.network import backbone
from vggish_tf.network.plan import Plan, this_machine
from vggish_tf.network.winograd import MIN_CHANNELS, WinogradConv2D
from vggish_tf.params import Params

# kernel and bias, float32, with the axes of Keras
KernelAndBias = tuple[np.ndarray, np.ndarray]
LayerValues = MutableMapping[str, KernelAndBias]
WeightsOf = Callable[[str], KernelAndBias]


def network(params: Params, weights_of: WeightsOf, plan: Plan) -> keras.Model:
    """The network for inference: log-mel examples (batch, 96, 64) → embedding (batch, 128).

    Args:
        params: front-end parameters, which determine the shape of an example.
        weights_of: a function that returns the kernel and the bias of a layer; it is called once
            for each layer.
        plan: the arithmetic and the convolutions.

    Example:
        >>> from vggish_tf.network import plan
        >>> made = backbone.network(initializer="zeros")
        >>> values = {name: made.get_layer(name).get_weights() for name in backbone.LAYER_NAMES}
        >>> fast = network(Params(), values.__getitem__, plan.Plan(convolutions="winograd"))
        >>> type(fast.get_layer("conv2")).__name__, type(fast.get_layer("fc1_1")).__name__
        ('WinogradConv2D', 'RowsOfWeights')
    """

    machine = this_machine()

    def layer_of(name, width, dtype):
        kernel, bias = weights_of(name)
        if kernel.ndim == 2 and machine.tensorflow_cpu:
            product = in_one_batch if machine.avx512 else weights_first
            return RowsOfWeights(kernel, bias, product, name != "embedding", name=name, dtype=dtype)
        layer = backbone.layer(name, width, dtype, given(kernel), given(bias))
        if plan.convolutions == "direct" or kernel.ndim == 2 or kernel.shape[2] < MIN_CHANNELS:
            return layer
        layer.build((None, None, None, kernel.shape[2]))
        return WinogradConv2D(layer)

    return backbone.network(params, dtype=plan.arithmetic, layer_of=layer_of)


def weights_first(rows, x):
    """x Wᵀ as (W xᵀ)ᵀ, where W has a row for each unit.

    TensorFlow rearranges the second factor of a product in every call, but not the first, and W is
    by far the larger matrix, 201 MB in fc1_1. With AVX2 this takes half the time of x Wᵀ for one
    example, and three quarters for 64.
    """
    # The transposition prevents TensorFlow from fusing product, sum and ReLU into one step,
    # which without oneDNN takes ten times as long as the three.
    return ops.transpose(ops.matmul(rows, ops.transpose(x)))


def in_one_batch(rows, x):
    """x Wᵀ as a batch of one product, for which oneDNN with AVX-512 has a better kernel.

    It takes three quarters of the time of `weights_first` for 5 or 64 examples, and in bfloat16
    six tenths for 5. For a single example a product with a vector is the fastest.
    """
    # TensorFlow makes each transposition part of the product beside it. It would compute one that
    # stands outside of the branches, which takes four times as long as the product.
    return ops.cond(
        ops.shape(x)[0] == 1,
        lambda: ops.matmul(x, ops.transpose(rows)),
        lambda: ops.matmul(x[None], ops.transpose(rows[None], (0, 2, 1)))[0],
    )


class RowsOfWeights(keras.layers.Layer):
    """A Dense layer that holds its weights transposed, (units, inputs).

    Args:
        kernel: (inputs, units); used without a copy if memory.laid_out made it.
        bias: (units,)
        product: weights_first or in_one_batch, of those weights and the inputs.
        relu: whether a ReLU follows.

    Input shape:  (rows, inputs)
    Output shape: (rows, units)

    Example:
        >>> kernel, bias = np.array([[1.0], [2.0]], np.float32), np.zeros(1, np.float32)
        >>> layer = RowsOfWeights(kernel, bias, weights_first)
        >>> np.asarray(layer(np.array([[3.0, 4.0]], np.float32)))
        array([[11.]], dtype=float32)
    """

    def __init__(
        self,
        kernel: np.ndarray,
        bias: np.ndarray,
        product: Callable[[Any, Any], Any],
        relu: bool = False,
        **options,
    ):
        super().__init__(trainable=False, **options)
        self.product, self._relu = product, relu
        self._rows = backend.tensor(kernel.T, self.compute_dtype)
        self._bias = backend.tensor(bias, self.compute_dtype)

    def call(self, x):
        outputs = self.product(self._rows, x) + self._bias
        return ops.relu(outputs) if self._relu else outputs

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self._rows.shape[0])


def given(array: np.ndarray):
    """A Keras initializer that returns an array."""
    return lambda shape, dtype=None: backend.tensor(array, dtype)
