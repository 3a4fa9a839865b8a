"""The variables of a model that hold the weights. No file is read here."""

import keras
import numpy as np

from vggish_tf.errors import CheckpointError, listed
from vggish_tf.weights.layouts import Shapes
from vggish_tf.weights.published import LAYERS, POSTPROCESS

BLOCK = 1 << 24  # bytes that are assigned at a time


def assign(variable: keras.Variable, array: np.ndarray):
    """Assigns an array to a variable; with TensorFlow, some rows at a time.

    That takes a third of the time and of the memory: otherwise TensorFlow holds the array three
    times for a moment.
    """
    if keras.config.backend() != "tensorflow" or array.nbytes < BLOCK:
        variable.assign(array)
        return
    import tensorflow as tf

    rows = max(1, BLOCK * len(array) // array.nbytes)
    for start in range(0, len(array), rows):
        block = tf.cast(array[start : start + rows], variable.dtype)
        tf.raw_ops.ResourceScatterUpdate(
            resource=variable.value.handle,
            indices=tf.range(start, start + len(block)),
            updates=block,
        )


def variables_of(model: keras.Model) -> dict[str, keras.Variable]:
    """Published name → variable of the model, which has no others.

    Raises:
        CheckpointError: the model is not a VGGish, or has other weights.
    """
    layers = {layer.name: layer for layer in model.layers}
    variables = {}
    for layer, scope in LAYERS.items():
        for kind, attribute in (("weights", "kernel"), ("biases", "bias")):
            variable = getattr(layers.get(layer), attribute, None)
            if variable is None:
                raise CheckpointError(
                    f"the model {model.name!r} has no {layer}/{attribute}: it is not a VGGish."
                )
            variables[f"{scope}/{kind}"] = variable
    others = layers[POSTPROCESS].weights if POSTPROCESS in layers else []
    known = {id(variable) for variable in [*variables.values(), *others]}
    strangers = [variable.path for variable in model.weights if id(variable) not in known]
    if strangers:
        raise CheckpointError(
            f"the model {model.name!r} has weights that no VGGish checkpoint holds: "
            f"{listed(strangers)}. "
            "Load, save or export the VGGish inside it."
        )
    return variables


def shapes_of(variables: dict[str, keras.Variable]) -> Shapes:
    """Name → shape."""
    return {name: tuple(variable.shape) for name, variable in variables.items()}
