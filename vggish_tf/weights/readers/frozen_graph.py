"""Frozen graphs of TF1, `.pb`: a GraphDef whose weights are constants, such as Essentia's.

Source: tensorflow/core/framework/graph.proto; essentia.upf.edu/models, audioset-vggish-3.pb.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from vggish_tf.weights.layouts import Source, Tensor
from vggish_tf.weights.readers.graphs import Graph, Node, source_of


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Opens a frozen graph."""
    import tensorflow as tf

    nodes = tf.compat.v1.GraphDef.FromString(path.read_bytes()).node
    stored = {node.name: node.attr["value"].tensor for node in nodes if node.op == "Const"}
    constants = {
        name: Tensor(
            tuple(axis.size for axis in value.tensor_shape.dim),
            tf.as_dtype(value.dtype).name,
            partial(tf.make_ndarray, value),
        )
        for name, value in stored.items()
    }
    yield source_of(Graph([_node(node, stored) for node in nodes], constants, False))


def _node(node, stored) -> Node:
    import tensorflow as tf

    inputs = tuple(name.removesuffix(":0") for name in node.input if not name.startswith("^"))
    axes: tuple[int, ...] = ()
    if node.op == "Transpose" and inputs[1] in stored:
        axes = tuple(map(int, tf.make_ndarray(stored[inputs[1]])))
    return Node(node.op, inputs, (node.name,), axes, node.attr["transpose_b"].b)
