"""Keras layers and models as functions of NumPy arrays, with little overhead, on every backend.

`model.predict` sets up a data pipeline in every call. On a short clip that takes longer than VGGish
itself.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import keras
import numpy as np

from vggish_tf.errors import VGGishError
from vggish_tf.memory import can_be_shared

Run = Callable[..., np.ndarray]  # of arrays

_process: int | None = None  # the first process that computed


def on_tensorflow_cpu() -> bool:
    """True if the backend is TensorFlow and runs on the CPU."""
    if keras.config.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_logical_devices("GPU")


def tensor(array: np.ndarray, dtype: str | None = None):
    """An array as a tensor of the backend, without a copy where that is possible.

    It is possible for an array as memory.laid_out makes it, with TensorFlow on a CPU. The array
    must not be changed afterwards.

    Example:
        >>> tuple(tensor(np.ones((2, 3), np.float32)).shape)
        (2, 3)
    """
    if not (can_be_shared(array) and on_tensorflow_cpu()):
        return keras.ops.convert_to_tensor(array, dtype)
    import tensorflow as tf

    shared = tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    return tf.cast(shared, dtype or "float32")


def check_process() -> None:
    """Raises in a process forked from one that has computed.

    TensorFlow's threads do not survive a fork: TensorFlow would wait for them forever.

    Raises:
        VGGishError: the process is a fork; the message says how to start processes instead.
    """
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise VGGishError(
            "this process was forked from one that had made an Embedder, which "
            f"{keras.config.backend()} does not survive. Start processes by 'spawn': "
            "multiprocessing.set_start_method('spawn'); for datasets, "
            "multiprocess.set_start_method."
        )


def compiled(layer: keras.layers.Layer, *shapes: tuple[int | None, ...]) -> Run:
    """Returns a function from float32 arrays to the layer's output as an array, traced once.

    Args:
        layer: a layer or model with one output.
        shapes: the shapes of its inputs; None for an axis whose size changes.

    Example:
        >>> run = compiled(keras.layers.Rescaling(2.0), (None, 3))
        >>> run(np.ones((1, 3), np.float32))
        array([[2., 2., 2.]], dtype=float32)
    """
    makers = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
    run = makers[keras.config.backend()](layer, shapes)

    def checked(*arrays):
        check_process()
        return run(*arrays)

    return checked


def _tensorflow(layer, shapes) -> Run:
    import tensorflow as tf

    # Not a lambda: TensorFlow counts traces by the line of code, and warns about the third.
    forward = partial(layer, training=False)
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    call = tf.function(forward, input_signature=signature, autograph=False)

    def run(*arrays):
        return call(*(tf.convert_to_tensor(array, tf.float32) for array in arrays)).numpy()

    return run


def _jax(layer, shapes) -> Run:
    import jax

    trainable = [variable.value for variable in layer.trainable_variables]
    frozen = [variable.value for variable in layer.non_trainable_variables]
    call = jax.jit(lambda *state: layer.stateless_call(*state, training=False)[0])

    def run(*arrays):
        with float64_in_jax():  # for the front end; all else asks for float32
            return np.asarray(call(trainable, frozen, *arrays))

    return run


def float64_in_jax() -> AbstractContextManager:
    """A context in which JAX computes in float64 where that is asked for."""
    import jax

    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64  # before JAX 0.8

    return enable_x64(True)


def _torch(layer, shapes) -> Run:
    import torch

    def call(*arrays):
        with torch.inference_mode():
            output = layer(*map(keras.ops.convert_to_tensor, arrays), training=False)
            return keras.ops.convert_to_numpy(output)

    return call
