"""ONNX: the initializers of a graph, such as Essentia's, ailia's, or this package's export.

Initializers in other files are refused.

Source: onnx.proto.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from vggish_tf.errors import CheckpointError, VGGishError, how_to_install
from vggish_tf.weights.layouts import Source, Tensor, unique
from vggish_tf.weights.readers.graphs import Graph, Node, source_of


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Opens an ONNX file."""
    try:
        import onnx
    except ImportError:
        raise VGGishError(
            f"{path} is an ONNX file, and onnx is not installed. {how_to_install('onnx')}"
        ) from None
    graph = onnx.load(path, format="protobuf", load_external_data=False).graph
    stored = unique(
        [
            *((value.name, value) for value in graph.initializer),
            *(
                (node.output[0], attribute.t)
                for node in graph.node
                for attribute in (node.attribute if node.op_type == "Constant" else ())
            ),
        ]
    )
    constants = {
        name: Tensor(tuple(value.dims), _dtype_of(value), partial(_read, value, name))
        for name, value in stored.items()
    }
    yield source_of(Graph(list(map(_node, graph.node)), constants, True))


def _node(node) -> Node:
    import onnx

    values = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    axes = tuple(values.get("perm", ()))
    if node.op_type == "Transpose" and not axes:
        axes = (1, 0)  # by default the axes are reversed; only matrices are transposed so here
    transposed = bool(values.get("transB", 0))
    return Node(
        node.op_type, tuple(node.input), tuple(node.output), axes, transposed, _is_plain(values)
    )


def _is_plain(values: dict) -> bool:
    """Whether the attributes of a Conv or a Gemm have their plain values."""
    steps = (*values.get("strides", ()), *values.get("dilations", ()), values.get("group", 1))
    factors = (values.get("alpha", 1.0), values.get("beta", 1.0))
    return set(steps) == {1} and set(factors) == {1.0} and not values.get("transA", 0)


def _dtype_of(value) -> str:
    import onnx

    return str(onnx.helper.tensor_dtype_to_np_dtype(value.data_type))


def _read(value, name: str) -> np.ndarray:
    import onnx

    if value.data_location == onnx.TensorProto.EXTERNAL:
        raise CheckpointError(f"{name!r} is in another file. Save the model with its weights.")
    return onnx.numpy_helper.to_array(value)
