"""Weights that are constants of a graph, found by the flow of its data.

Exporters choose the names of constants, so a layer is found by its place: six 3×3 convolutions, and
three products with a matrix after the last one. Nothing is run. `frozen_graph` and `onnx_file` read
the formats.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter

from vggish_tf.errors import CheckpointError
from vggish_tf.params import NUM_BANDS, NUM_FRAMES
from vggish_tf.weights.layouts import Source, Tensor, arranged
from vggish_tf.weights.published import LAYERS, NUM_CONVOLUTIONS

CONVOLUTIONS = ("Conv2D", "Conv")
PRODUCTS = ("MatMul", "Gemm")
SUMS = ("BiasAdd", "Add", "AddV2")
UNFOLDED = ("Reshape", "Squeeze", "Flatten")
KEEPERS = ("Relu", "MaxPool", "Slice", "StridedSlice")  # keep the order of the axes
POOLS = 4  # each halves height and width
NUM_DENSE = len(LAYERS) - NUM_CONVOLUTIONS


@dataclass(frozen=True)
class Node:
    """An operation: its type, its inputs and outputs by name, and the attributes that matter.

    Args:
        axes: the axes of a Transpose; empty if they are computed.
        is_transposed: whether the matrix of a product is (out, in).
        is_plain: whether it is a convolution of stride 1 or a product without factors.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    axes: tuple[int, ...] = ()
    is_transposed: bool = False
    is_plain: bool = True


@dataclass(frozen=True)
class Graph:
    """Operations and constants.

    Args:
        nodes: in any order.
        constants: the tensors among the inputs.
        channels_first: kernels are (out, in, height, width) and images (batch, channel, height,
            width).
    """

    nodes: Sequence[Node]
    constants: dict[str, Tensor]
    channels_first: bool

    @cached_property
    def makers(self) -> dict[str, Node]:
        """Name → the node whose output it is; outputs without a name are left out."""
        return {output: node for node in self.nodes for output in node.outputs if output}

    def in_order(self) -> list[Node]:
        """The nodes, each after those that it needs."""
        needs = {
            node: [self.makers[name] for name in node.inputs if name in self.makers]
            for node in self.nodes
        }
        return list(TopologicalSorter(needs).static_order())

    def constant(self, name: str) -> Tensor | None:
        """The constant behind a name; None if it is computed."""
        if name in self.constants:
            return self.constants[name]
        node = self.makers.get(name)
        tensor = self.constant(node.inputs[0]) if node and node.inputs else None
        if node is None or tensor is None:
            return None
        if node.op == "Transpose":
            fits = len(node.axes) == len(tensor.shape)
            return tensor.transposed(node.axes) if fits else None
        is_vector = sum(size > 1 for size in tensor.shape) <= 1
        return tensor if node.op == "Identity" or (node.op in UNFOLDED and is_vector) else None

    def after(self, first: Node, order: list[Node]) -> set[str]:
        """Names of all values that are computed from the outputs of a node."""
        reached = set(first.outputs)
        for node in order:
            if reached & set(node.inputs):
                reached |= set(node.outputs)
        return reached


def source_of(graph: Graph) -> Source:
    """The weights of VGGish in a graph.

    Raises:
        CheckpointError: the graph has other layers than VGGish, or flattens in an unknown order.
    """
    order = graph.in_order()
    convolutions = [node for node in order if _is_convolution(graph, node)]
    reached = graph.after(convolutions[-1], order) if convolutions else set()
    dense = [node for node in order if _is_product(graph, node) and node.inputs[0] in reached]
    if len(convolutions) != NUM_CONVOLUTIONS or len(dense) < NUM_DENSE:
        raise CheckpointError(
            f"its graph has {len(convolutions)} convolutions of 3×3 with constant kernels, and "
            f"{len(dense)} products with a constant matrix after them; VGGish has "
            f"{NUM_CONVOLUTIONS} and {NUM_DENSE}."
        )
    tensors = {}
    for name, node in zip(LAYERS, [*convolutions, *dense[:NUM_DENSE]], strict=True):
        tensors[f"{name}/kernel"] = _kernel(graph, node)
        if bias := _bias(graph, node):
            tensors[f"{name}/bias"] = bias
    if _flattens_channels_first(graph, convolutions[-1], dense[0], reached):
        tensors["fc1_1/kernel"] = _channels_last(tensors["fc1_1/kernel"])
    return arranged(tensors)


def _is_convolution(graph: Graph, node: Node) -> bool:
    kernel = graph.constant(node.inputs[1]) if node.op in CONVOLUTIONS else None
    sides = slice(2, 4) if graph.channels_first else slice(0, 2)
    return node.is_plain and kernel is not None and kernel.shape[sides] == (3, 3)


def _is_product(graph: Graph, node: Node) -> bool:
    matrix = graph.constant(node.inputs[1]) if node.op in PRODUCTS else None
    return node.is_plain and matrix is not None and len(matrix.shape) == 2


def _kernel(graph: Graph, node: Node) -> Tensor:
    kernel = graph.constant(node.inputs[1])
    assert kernel is not None
    if len(kernel.shape) == 4:
        return kernel.transposed((2, 3, 1, 0)) if graph.channels_first else kernel
    return kernel.transposed((1, 0)) if node.is_transposed else kernel


def _bias(graph: Graph, node: Node) -> Tensor | None:
    """The third input of a node, or the constant that is added to its output, as a vector.

    Raises:
        CheckpointError: more than one constant is added.
    """
    found = [graph.constant(node.inputs[2])] if len(node.inputs) > 2 else []
    while added := _sum_behind(graph, node):
        node, constant = added
        found.append(constant)
    if len(found) > 1:
        raise CheckpointError("its graph adds several constants in one layer.")
    if not found or found[0] is None:
        return None
    tensor = found[0]
    return Tensor((math.prod(tensor.shape),), tensor.dtype, lambda: tensor.read().reshape(-1))


def _sum_behind(graph: Graph, node: Node) -> tuple[Node, Tensor] | None:
    """The node that adds a constant to a node's output, and the constant."""
    for other in graph.nodes:
        if other.op in SUMS and set(other.inputs) & set(node.outputs):
            for constant in map(graph.constant, other.inputs):
                if constant is not None:
                    return other, constant
    return None


def _flattens_channels_first(graph: Graph, last: Node, dense: Node, reached: set[str]) -> bool:
    """Whether the matrix of the first dense layer has its rows in the order channel, height, width.

    Raises:
        CheckpointError: the rows are in an unknown order.
    """
    axes = list(range(4))
    nodes = list(_between(graph, last, dense, reached))
    known = bool(nodes) and nodes[0].op in UNFOLDED
    for node in nodes[1:]:
        if node.op == "Transpose" and len(node.axes) == 4:
            axes = [node.axes[axis] for axis in axes]
        elif node.op not in (*SUMS, *KEEPERS):
            known = False
    order = "".join(("bchw" if graph.channels_first else "bhwc")[axis] for axis in axes)
    if not known or order not in ("bchw", "bhwc"):
        raise CheckpointError("its graph flattens the axes in an order that is not known.")
    return order == "bchw"


def _between(graph: Graph, last: Node, dense: Node, reached: set[str]) -> Iterator[Node]:
    """The nodes between a dense layer and the convolution before it, the last of them first.

    Identities are left out.
    """
    node = dense
    while True:
        name = next(name for name in node.inputs if name in reached)
        node = graph.makers[name]
        if node is last:
            return
        if node.op != "Identity":
            yield node


def _channels_last(kernel: Tensor) -> Tensor:
    """The kernel of the first dense layer with its rows in the order height, width, channel."""
    height, width = NUM_FRAMES >> POOLS, NUM_BANDS >> POOLS
    rows, columns = kernel.shape

    def read():
        blocks = kernel.read().reshape(-1, height, width, columns)
        return blocks.transpose(1, 2, 0, 3).reshape(rows, columns)

    return Tensor(kernel.shape, kernel.dtype, read)
