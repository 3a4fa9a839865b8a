"""Weights between files and models: load_weights, copy_weights, save_tf1_checkpoint.

The format of a file is recognized by its content. Weights are matched by name or by the flow of a
graph, never by position. Every name, shape and value is checked before the first is assigned;
missing or unknown ones are an error. So all weights are loaded, or none. A file may hold a larger
model: VGGish's weights are loaded, and a log line names the others. The formats are in `readers`.

Source: tensorflow/models research/audioset/vggish/vggish_slim.py, load_vggish_slim_checkpoint,
which loads whatever variables it finds. That unused weights of a Keras file are an error is our
rule.
"""

import logging
import os
from pathlib import Path
from typing import Literal, get_args

import keras
import numpy as np

from vggish_tf.errors import check_word, listed
from vggish_tf.progress import detail
from vggish_tf.weights import arrays, writers
from vggish_tf.weights.identity import Identity, of_values
from vggish_tf.weights.layouts import Shapes, check_match
from vggish_tf.weights.matching import assign, shapes_of, variables_of
from vggish_tf.weights.paths import expanded

logger = logging.getLogger("vggish_tf")

Version = Literal["V1", "V2"]


def load_weights(
    model: keras.Model, path: str | os.PathLike[str], *, average: str = ""
) -> Identity:
    """Loads the network's weights from a file: all of them or, with an error, none.

    The model may take waveforms or examples, and so may the model that was saved. The weights of a
    `postprocess` layer are not changed. Variables other than VGGish's 18 are named in one line of
    the logger "vggish_tf", at level INFO. The next load of the same file is faster: the cache keeps
    the weights as safetensors under the file's digest.

    Args:
        model: a model with the layers that `LAYERS` names, and no other weights but those of a
            postprocessor.
        path: a published name; or the path of a file of any format (see docs/weights.md), the
            prefix of a TF1 V2 checkpoint, a SavedModel, or a folder of TF1 checkpoints, of which
            the last is loaded.
        average: the name of a moving average in a TF1 checkpoint, for example
            "ExponentialMovingAverage"; its values are loaded instead.

    Returns:
        Identity: which weights these are.

    Raises:
        CheckpointError: there is no such file; it is not a checkpoint or is cut short; it does not
            match the model; or it holds values that are not finite.
        VGGishError: its format needs PyTorch or onnx, which is not installed.

    Example:
        >>> import tempfile, vggish_tf
        >>> model = vggish_tf.VGGish(None, inputs="examples")
        >>> path = save_safetensors(model, tempfile.mkdtemp() + "/untrained.safetensors")
        >>> print(load_weights(model, path))
        UNTRAINED (untrained.safetensors)
    """
    identity, extras = load(model, path, average)
    if extras:
        logger.info(
            "checkpoint %r holds %d variables besides VGGish's, which are not loaded: %s",
            os.fspath(path), len(extras), listed([repr(name) for name in extras]),
        )  # fmt: skip
    return identity


def copy_weights(source: keras.Model, target: keras.Model) -> Identity:
    """Copies the network's weights from one model to another, of any input and dtype policy.

    Args:
        source, target: as the model in `load_weights`.

    Returns:
        Identity: that of the source.

    Raises:
        CheckpointError: one of the two is not a VGGish, or their shapes differ.

    Example:
        >>> from vggish_tf import VGGish
        >>> copy_weights(VGGish(None, inputs="examples"), VGGish(None)).untrained
        True
    """
    values, variables = variables_of(source), variables_of(target)
    check_match(shapes_of(values), shapes_of(variables))
    for name, variable in variables.items():
        variable.assign(keras.ops.cast(values[name], variable.dtype))
    target.identity = identify(source)
    return target.identity


def arrays_of(
    model: keras.Model, shapes: Shapes, asked: str = ""
) -> tuple[arrays.Arrays, Identity]:
    """The network's weights, not copied if the backend can share them, and their identity.

    Args:
        model: as in `load_weights`.
        shapes: the shapes that the weights must have, by published name.
        asked: as in `identify`.

    Raises:
        CheckpointError: the model is not a VGGish, or the shapes differ.
    """
    values = values_of(model)
    check_match({name: array.shape for name, array in values.items()}, shapes)
    return values, _identified(model, values, asked)


def identify(model: keras.Model, asked: str = "") -> Identity:
    """Identity of the weights in a model: that of their file, unless they have changed since.

    Args:
        model: as in `load_weights`.
        asked: the name of weights that come from no file; by default that of the model.

    Raises:
        CheckpointError: the model is not a VGGish.
    """
    return _identified(model, values_of(model), asked)


def _identified(model: keras.Model, values: dict[str, np.ndarray], asked: str = "") -> Identity:
    found = of_values(asked or f"keras model {model.name!r}", values)
    loaded = getattr(model, "identity", None) or found
    return loaded if loaded.values_sha256 == found.values_sha256 else found


def save_tf1_checkpoint(
    model: keras.Model, path: str | os.PathLike[str], *, version: Version = "V2"
) -> Path:
    """Writes the network's weights as a TF1 checkpoint with the published names.

    Scripts for the published checkpoint can load it.

    Args:
        model: as in `load_weights`.
        path: the file (V1), or the prefix of the `.index` and `.data-00000-of-00001` files (V2).
        version: "V1", the format of the published file, or "V2".

    Returns:
        path: the path for `load_weights` or `tf.train.load_checkpoint`.

    Raises:
        UsageError: the version is neither of the two.
        CheckpointError: the model has other weights than VGGish's; or, for V1, a V2 checkpoint has
            that name.
        VGGishError, OSError: the file cannot be written.

    Example:
        >>> import tempfile, vggish_tf
        >>> model = vggish_tf.VGGish(None, inputs="examples")
        >>> save_tf1_checkpoint(model, tempfile.mkdtemp() + "/vggish.ckpt", version="V1").name
        'vggish.ckpt'
    """
    check_word("version", version, get_args(Version))
    values = values_of(model)
    write = writers.write_v1 if version == "V1" else writers.write_v2
    return write(expanded(path), values)


def save_safetensors(model: keras.Model, path: str | os.PathLike[str]) -> Path:
    """Writes the network's weights as safetensors, with the published names and their identity.

    The header has the digest of the values, which is compared when the file is loaded.

    Args:
        model: as in `load_weights`.
        path: the file.

    Returns:
        path: the path of the file.

    Raises:
        CheckpointError: the model has other weights than VGGish's.
        VGGishError, OSError: the file cannot be written.
    """
    values = values_of(model)
    metadata = metadata_of(_identified(model, values))
    return writers.write_safetensors(expanded(path), values, metadata)


def metadata_of(identity: Identity) -> dict[str, str]:
    """An identity as texts by name, for the header of a file."""
    return {name: str(value) for name, value in identity.as_json().items() if value is not None}


def values_of(model: keras.Model) -> dict[str, np.ndarray]:
    """The network's weights: published name → float32 array.

    Raises:
        CheckpointError: the model has other weights than VGGish's.
    """
    return {
        name: np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32")))
        for name, variable in variables_of(model).items()
    }


def is_untrained(model: keras.Model) -> bool:
    """Whether the weights are those of the initializer: every bias of the nine layers is zero.

    Upstream initializes all 10,048 biases with exactly zero, and any training step changes some of
    them. Other random weights, such as the seeded ones of tests, count as trained; only the digest
    of their file shows that they are not the published ones.

    Args:
        model: as in `load_weights`.

    Raises:
        CheckpointError: the model is not a VGGish.

    Example:
        >>> import vggish_tf
        >>> is_untrained(vggish_tf.VGGish(None, inputs="examples"))
        True
    """
    biases = [
        variable for name, variable in variables_of(model).items() if name.endswith("/biases")
    ]
    return not any(np.any(np.asarray(bias)) for bias in biases)


def load(
    model: keras.Model, weights: str | os.PathLike[str], average: str = ""
) -> tuple[Identity, tuple[str, ...]]:
    """Loads all weights or none; returns their identity and the names of the file's extras."""
    variables = variables_of(model)
    with arrays.opened(weights, shapes_of(variables), average) as (source, identity):
        for name, variable in variables.items():  # one after the other, not all in memory twice
            assign(variable, source.get(name))
    model.identity = identity
    detail(lambda: f"weights: {identity}")
    return identity, source.extras
