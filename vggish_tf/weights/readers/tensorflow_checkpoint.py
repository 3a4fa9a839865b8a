"""TF1 checkpoints, V1 and V2, and the variables of a SavedModel, which are a V2 checkpoint.

TensorFlow's reader joins partitioned variables. A moving average, such as
`vggish/fc2/weights/ExponentialMovingAverage`, is read only on request. A SavedModel's graph is not
run: the names of its variables are in the checkpoint, in the object graph.

Source: tf.train.Saver, tf.train.ExponentialMovingAverage; trackable_object_graph.proto.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from vggish_tf.errors import CheckpointError
from vggish_tf.weights.layouts import Source, Tensor, arranged
from vggish_tf.weights.paths import index_of, plainly_named
from vggish_tf.weights.readers import bundle_index

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


@contextmanager
def opened(path: Path, average: str = "") -> Iterator[Source]:
    """Opens a checkpoint.

    Args:
        path: the file, or the prefix of a V2 checkpoint.
        average: the name of a moving average, whose values are taken instead.
    """
    with plainly_named(path) as plain:
        tensors = _tensors(plain)
        yield arranged(_averaged(tensors, average) if average else tensors)


def _tensors(path: Path) -> dict[str, Tensor]:
    import tensorflow as tf

    if index_of(path).exists():
        bundle_index.check(index_of(path))
    reader = tf.train.load_checkpoint(str(path))
    dtypes = reader.get_variable_to_dtype_map()
    shapes = reader.get_variable_to_shape_map()

    def value_of(key):
        # not the reader in eager mode: it holds Python's lock, and so stops other threads
        if not tf.executing_eagerly():
            return reader.get_tensor(key)
        (tensor,) = tf.raw_ops.RestoreV2(
            prefix=str(path), tensor_names=[key], shape_and_slices=[""], dtypes=[dtypes[key]]
        )
        # tensor.numpy() copies, but bfloat16 needs it
        return tensor.numpy() if tensor.dtype == tf.bfloat16 else np.asarray(memoryview(tensor))

    def read(name, keys):
        first, *others = keys
        value = value_of(first)
        if not all(np.array_equal(value, value_of(key)) for key in others):
            raise CheckpointError(f"it holds several variables {name!r}, which differ.")
        return value

    return {
        name: Tensor(tuple(shapes[keys[0]]), dtypes[keys[0]].name, partial(read, name, keys))
        for name, keys in _keys_of(reader, shapes).items()
    }


def _keys_of(reader, shapes) -> dict[str, list[str]]:
    """Name of a variable → its keys in the checkpoint; Keras's export stores a variable twice.

    Without an object graph, the key is the name.
    """
    names = _names_in(reader) if OBJECT_GRAPH in shapes else {}
    keys: dict[str, list[str]] = {}
    for key in sorted(set(shapes) - {OBJECT_GRAPH}):
        keys.setdefault(names.get(key) or key, []).append(key)
    return keys


def _names_in(reader) -> dict[str, str]:
    """Key in the checkpoint → name of the variable, from the object graph."""
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(
        reader.get_tensor(OBJECT_GRAPH)
    )
    return {
        attribute.checkpoint_key: attribute.full_name.removesuffix(":0")
        for node in graph.nodes
        for attribute in node.attributes
    }


def _averaged(tensors: dict[str, Tensor], average: str) -> dict[str, Tensor]:
    """The tensors of a moving average under the names of their variables."""
    found = {
        name.removesuffix(f"/{average}"): tensor
        for name, tensor in tensors.items()
        if name.endswith(f"/{average}")
    }
    if not found:
        raise CheckpointError(
            f"it holds no moving average {average!r}: no variable's name ends in /{average}. "
            "Leave the average out, or ask for another."
        )
    return found
