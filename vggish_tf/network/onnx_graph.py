"""The network as an ONNX file: its operators in their order, and the file made from them.

Which engine reads the file, and how its weights are stored, is decided elsewhere: a caller may
replace some of these steps by others.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vggish_tf.network import backbone
from vggish_tf.network.fast import LayerValues
from vggish_tf.params import EMBEDDING_SIZE

if TYPE_CHECKING:
    import onnx

OPSET = 17
POOL = {"kernel_shape": (2, 2), "strides": (2, 2), "auto_pad": "SAME_UPPER"}
OUTPUT = "embedding"

Layers = Iterable[tuple[str, int | None]]  # rows of the table


class Step(NamedTuple):
    """An operator of ONNX, with its constant inputs and its attributes.

    Args:
        operator: the name of the operator.
        constants: the inputs after the first, which is the output of the step before: arrays, or
            steps that have only constant inputs.
        attributes: the attributes, by name.
        layer: the layer whose weights it has.
        domain: the domain of the operator; "" is ONNX's own.
    """

    operator: str
    constants: tuple["np.ndarray | Step", ...] = ()
    attributes: Mapping[str, Any] = MappingProxyType({})
    layer: str = ""
    domain: str = ""


def from_examples(values: LayerValues) -> Iterator[Step]:
    """The operators from examples (rows, 96, 64) to the embedding."""
    yield Step("Unsqueeze", (np.array([1]),))
    yield from steps(values)


def steps(values: LayerValues, layers: Layers | None = None) -> Iterator[Step]:
    """The operators from (rows, channels, height, width) to the embedding.

    Args:
        values: the kernel and bias of each layer, with the axes of Keras.
        layers: the convolutions and pools; None is all of them.
    """
    for name, width in layers or backbone.CONVOLUTIONS:
        if width:
            yield from _convolution(name, *values[name])
        else:
            yield Step("MaxPool", attributes=POOL)
    yield Step("Transpose", attributes={"perm": (0, 2, 3, 1)})
    yield Step("Flatten")
    for name, _ in backbone.DENSE:
        kernel, bias = values[name]
        yield Step("Gemm", (np.ascontiguousarray(kernel.T), bias), {"transB": 1}, name)
        if name != "embedding":
            yield Step("Relu")


def _convolution(name: str, kernel: np.ndarray, bias: np.ndarray) -> Iterator[Step]:
    kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
    yield Step("Conv", (kernel, bias), {"pads": (1, 1, 1, 1)}, name)
    yield Step("Relu")


def write(path: Path, source: str, shape: tuple[int, ...], steps: Iterable[Step]):
    """Writes the file of a graph from (rows, *shape) to the output `embedding` (rows, 128).

    Args:
        path: the new file.
        source: the name of the input.
        shape: the shape of a row of the input.
        steps: the operators.
    """
    import onnx
    from onnx import helper

    graph = _Graph()
    last = source
    for number, step in enumerate(steps):
        last = graph.add(step, str(number), [last])
    graph.nodes[-1].output[0] = OUTPUT
    ends = [(source, ("rows", *shape)), (OUTPUT, ("rows", EMBEDDING_SIZE))]
    float32 = onnx.TensorProto.FLOAT
    first, output = (helper.make_tensor_value_info(name, float32, dims) for name, dims in ends)
    made = helper.make_graph(graph.nodes, "vggish", [first], [output], graph.constants)
    versions = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(d, 1) for d in graph.domains)]
    onnx.save(helper.make_model(made, opset_imports=versions, ir_version=10), path)


class _Graph:
    """The nodes and constants of a graph under construction."""

    def __init__(self):
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.domains: set[str] = set()

    def add(self, step: Step, name: str, inputs: list[str]) -> str:
        """Adds a step after its constants; returns the name of its output."""
        import onnx

        inputs = [*inputs]
        for place, constant in enumerate(step.constants):
            inputs.append(f"{name}/{place}")
            if isinstance(constant, Step):
                inputs[-1] = self.add(constant, inputs[-1], [])
            else:
                self.constants.append(onnx.numpy_helper.from_array(constant, inputs[-1]))
        self.domains |= {step.domain} - {""}
        options = {"domain": step.domain, **step.attributes}
        self.nodes.append(
            onnx.helper.make_node(step.operator, inputs, [f"{name}/output"], **options)
        )
        return self.nodes[-1].output[0]
