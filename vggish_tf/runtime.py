"""Runs a Keras layer or model on NumPy arrays, many times and with little overhead, on whichever backend Keras uses.

On a processor the network's float32 convolutions become winograd's; a GPU's libraries choose for themselves.
`model.predict` sets up a data pipeline at every call, which costs more than VGGish itself on a short clip.
"""

from collections.abc import Callable

import keras
import numpy as np

from vggish_tf import winograd

Run = Callable[[np.ndarray], np.ndarray]


def fastest(network: keras.Model) -> keras.Model:
    """The network as this machine runs it fastest. Layers that stay as they are are shared.

    Example:
        >>> from vggish_tf import backbone
        >>> fastest(backbone.core(initializer="zeros")).output_shape
        (None, 128)
    """
    return network if has_gpu() else winograd.accelerated(network)


def has_gpu() -> bool:
    """Whether Keras's backend computes on something else than the processor."""
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_logical_devices("GPU"))
    if keras.config.backend() == "jax":
        import jax

        return jax.default_backend() != "cpu"
    import torch

    return torch.cuda.is_available()


def compiled(layer: keras.layers.Layer, shape: tuple[int | None, ...]) -> Run:
    """A function from a float32 array of `shape` to the layer's output as an array; it is traced once.

    Args:
        layer: a layer or model with one input and one output.
        shape: of the input; None for an axis whose size changes.

    Example:
        >>> run = compiled(keras.layers.Rescaling(2.0), (None, 3))
        >>> run(np.ones((1, 3), np.float32))
        array([[2., 2., 2.]], dtype=float32)
    """
    makers = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
    return makers[keras.config.backend()](layer, shape)


def _tensorflow(layer, shape) -> Run:
    import tensorflow as tf

    call = tf.function(lambda x: layer(x, training=False), input_signature=[tf.TensorSpec(shape, tf.float32)])
    return lambda array: call(tf.convert_to_tensor(array, tf.float32)).numpy()


def _jax(layer, shape) -> Run:
    import jax

    trainable = [variable.value for variable in layer.trainable_variables]
    frozen = [variable.value for variable in layer.non_trainable_variables]
    call = jax.jit(lambda *state: layer.stateless_call(*state, training=False)[0])

    def run(array):
        with jax.enable_x64(True):  # so that the front end has its float64; everything else says float32
            return np.asarray(call(trainable, frozen, array))

    return run


def _torch(layer, shape) -> Run:
    import torch

    def call(array):
        with torch.inference_mode():
            return keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(array), training=False))

    return call
