"""Runtimes besides Keras's backends that compute the network: ONNX Runtime and OpenVINO.

Both read one ONNX file, which has the published layers and nothing else. In bfloat16 it begins
where backbone.FLOAT32_LAYERS end, and Keras computes those.
"""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import numpy as np

from vggish_tf import backend
from vggish_tf.errors import VGGishError
from vggish_tf.network import backbone
from vggish_tf.network.fast import Values, given
from vggish_tf.network.plan import Plan
from vggish_tf.params import EMBEDDING_SIZE, Params

OPSET = 17
MOST_BYTES = 2_000_000_000  # of a file; protobuf ends at 2 GiB
POOL = {"kernel_shape": (2, 2), "strides": (2, 2), "auto_pad": "SAME_UPPER"}
VERSION = 1  # of the file: raise it when another graph is written


Layers = Iterator[tuple[str, int | None]]  # rows of the table


class _Step(NamedTuple):
    """An operator of ONNX, and its inputs and attributes that are constant."""

    operator: str
    constants: tuple[np.ndarray, ...] = ()
    attributes: Mapping[str, Any] = MappingProxyType({})


def write(path: Path, params: Params, values: Values, plan: Plan):
    """Writes the network as an ONNX file, whose input and output are `input` and `embedding`.

    Args:
        path: of the new file.
        params: of the front end, which shape the examples.
        values: of each layer, the kernel with its axes as Keras has them.
        plan: its arithmetic decides where the file begins.

    Raises:
        VGGishError: the network is too large for a file.
    """
    import onnx
    from onnx import helper

    num_bytes = sum(array.nbytes for pair in values.values() for array in pair)
    if num_bytes > MOST_BYTES:
        raise VGGishError(
            f"the network takes {num_bytes:,} bytes, an ONNX file less than {MOST_BYTES:,}. "
            "Use engine='keras'."
        )
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    last = "input"
    for number, step in enumerate(_steps(values, plan)):
        names = [f"{number}/{place}" for place in range(len(step.constants))]
        constants += map(onnx.numpy_helper.from_array, step.constants, names)
        node = helper.make_node(
            step.operator, [last, *names], [f"{number}/output"], **step.attributes
        )
        nodes.append(node)
        last = node.output[0]
    nodes[-1].output[0] = "embedding"
    ends = [
        ("input", ("rows", *_input_shape(params, plan))),
        ("embedding", ("rows", EMBEDDING_SIZE)),
    ]
    float32 = onnx.TensorProto.FLOAT
    first, embedding = (helper.make_tensor_value_info(name, float32, dims) for name, dims in ends)
    graph = helper.make_graph(nodes, "vggish", [first], [embedding], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.save(model, path)


def loaded(path: Path, params: Params, values: Values, plan: Plan) -> backend.Run:
    """The network of a file by `write`, in its engine: examples (n, 96, 64) → (n, 128).

    An example that is not finite has NaN for an embedding, as in the Keras network.
    """
    session = {"onnxruntime": _onnxruntime, "openvino": _openvino}[plan.engine](path, plan)
    stem = _stem(params, values) if _has_stem(plan) else lambda examples: examples

    def run(examples: np.ndarray) -> np.ndarray:
        backend.check_process()
        if not len(examples):  # which the engines refuse
            return np.zeros((0, EMBEDDING_SIZE), np.float32)
        embedding = session(stem(examples))
        finite = np.isfinite(examples).all(axis=(1, 2))
        return np.where(finite[:, np.newaxis], embedding, np.float32(np.nan))

    return run


def _has_stem(plan: Plan) -> bool:
    return plan.arithmetic == "bfloat16"


def _layers(in_stem: bool) -> Layers:
    """The convolutions and pools before the file or in it, if there is a stem."""
    stem = backbone.FLOAT32_LAYERS
    return (row for row in backbone.CONVOLUTIONS if (row[0] in stem) == in_stem)


def _input_shape(params: Params, plan: Plan) -> tuple[int, ...]:
    if not _has_stem(plan):
        return params.num_frames, params.num_mel_bins
    *_, (last, _) = _layers(True)
    return backbone.feature_shapes(params)[last]


def _steps(values: Values, plan: Plan) -> Iterator[_Step]:
    """The operators in their order; channels come first."""
    if _has_stem(plan):
        yield _Step("Transpose", attributes={"perm": (0, 3, 1, 2)})
    else:
        yield _Step("Unsqueeze", (np.array([1]),))
    for name, width in _layers(False) if _has_stem(plan) else backbone.CONVOLUTIONS:
        yield from _convolution(*values[name]) if width else [_Step("MaxPool", attributes=POOL)]
    yield _Step("Transpose", attributes={"perm": (0, 2, 3, 1)})
    yield _Step("Flatten")
    for name, _ in backbone.DENSE:
        kernel, bias = values[name]
        yield _Step("Gemm", (np.ascontiguousarray(kernel.T), bias), {"transB": 1})
        if name != "embedding":
            yield _Step("Relu")


def _convolution(kernel: np.ndarray, bias: np.ndarray) -> Iterator[_Step]:
    kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
    yield _Step("Conv", (kernel, bias), {"pads": (1, 1, 1, 1)})
    yield _Step("Relu")


def _stem(params: Params, values: Values) -> backend.Run:
    """The layers that stay float32: log-mel examples → (rows, 48, 32, 64)."""
    shape = params.num_frames, params.num_mel_bins
    x = examples = keras.Input(shape)
    x = backbone.FoldExamples(dtype="float32")(x)
    for name, width in _layers(True):
        if width:
            x = backbone.layer(name, width, "float32", *map(given, values[name]))(x)
        else:
            x = backbone.pool(name, "float32")(x)
    return backend.compiled(keras.Model(examples, x), (None, *shape))


def _onnxruntime(path: Path, plan: Plan) -> backend.Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda array: session.run(None, {"input": array})[0]


def _openvino(path: Path, plan: Plan) -> backend.Run:
    import openvino

    precision = {"float32": "f32", "bfloat16": "bf16"}[plan.arithmetic]
    options = {"INFERENCE_PRECISION_HINT": precision}
    compiled, own = openvino.Core().compile_model(path, "CPU", options), threading.local()

    def run(array: np.ndarray) -> np.ndarray:
        if not hasattr(own, "request"):  # one a thread: a request serves one caller at a time
            own.request = compiled.create_infer_request()
        return own.request.infer([array])[0]

    return run
