"""Weights beside the variables of a model: which belong together, and what does not match.

No file is read here.
"""

import keras
import numpy as np

from vggish_tf.errors import CheckpointError
from vggish_tf.weights.layouts import Shapes
from vggish_tf.weights.published import LAYERS, POSTPROCESS

BLOCK = 1 << 24  # bytes that are assigned at a time


def assign(variable: keras.Variable, array: np.ndarray):
    """Assigns an array; with TensorFlow some rows at a time, which takes a third of the time, and
    where the whole array would be in memory three times for a moment.
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
        CheckpointError: it is no VGGish, or has weights that none has.
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


def check_match(found: Shapes, expected: Shapes, extras: tuple[str, ...] = ()):
    """Raises an error with all names and shapes in which a file and a model differ, but for extras.

    Where there is another difference, extras are named with it: they may be what was meant.
    """
    unused = [f"{name!r}" for name in (*found, *extras) if name not in expected]
    missing = [f"{name!r} {shape}" for name, shape in expected.items() if name not in found]
    wrong = [
        f"{name!r} is {found[name]}, the model has {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    clauses = [("unused", unused), ("missing", missing), ("wrong shape:", wrong)]
    differences = [f"{what} {listed(names)}" for what, names in clauses if names]
    if len(unused) > len(extras) or missing or wrong:
        raise CheckpointError(
            f"checkpoint does not match the model: {'; '.join(differences)}. Nothing was loaded."
        )


def listed(names: list[str], most: int = 4) -> str:
    """The first few names, and how many more there are."""
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])
