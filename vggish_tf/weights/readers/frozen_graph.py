"""Frozen graphs of TF1, `.pb`: a GraphDef whose weights are constants, such as Essentia's.

Source: tensorflow/core/framework/graph.proto; essentia.upf.edu/models, audioset-vggish-3.pb.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from vggish_tf.weights.layouts import Source, Tensor, unique
from vggish_tf.weights.readers.graphs import Graph, Node, source_of


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Opens a frozen graph."""
    import tensorflow as tf

    nodes = tf.compat.v1.GraphDef.FromString(path.read_bytes()).node
    stored = unique((node.name, node.attr["value"].tensor) for node in nodes if node.op == "Const")
    constants = {
        name: Tensor(
            tuple(axis.size for axis in value.tensor_shape.dim),
            tf.as_dtype(value.dtype).name,
            partial(tf.make_ndarray, value),
        )
        for name, value in stored.items()
    }
    yield source_of(Graph([_node(node, constants) for node in nodes], constants, False))


def _node(node, constants: dict[str, Tensor]) -> Node:
    inputs = tuple(name.removesuffix(":0") for name in node.input if not name.startswith("^"))
    axes: tuple[int, ...] = ()
    if node.op == "Transpose" and inputs[1] in constants:
        order = constants[inputs[1]]
        axes = tuple(map(int, order.read())) if order.shape in ((2,), (4,)) else ()
    return Node(node.op, inputs, (node.name,), axes, node.attr["transpose_b"].b, _is_plain(node))


def _is_plain(node) -> bool:
    steps = {*node.attr["strides"].list.i, *node.attr["dilations"].list.i}
    is_same = node.op != "Conv2D" or (steps == {1} and node.attr["padding"].s == b"SAME")
    return is_same and not node.attr["transpose_a"].b
