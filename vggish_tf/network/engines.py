"""Runtimes besides Keras's backends that compute the network: ONNX Runtime and OpenVINO.

Both read one ONNX file, which has the published layers and nothing else. In bfloat16 it begins
after pool1: Keras computes conv1, which stays float32 as backbone.FLOAT32_LAYERS has it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import numpy as np

from vggish_tf import backend
from vggish_tf.network import backbone
from vggish_tf.network.fast import Values, given
from vggish_tf.network.plan import Plan
from vggish_tf.params import EMBEDDING_SIZE, Params

OPSET = 17
VERSION = 1  # of the file: raise it when another graph is written
STEM = ("conv1", "pool1")


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
    """
    import onnx
    from onnx import helper

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
    stem = backend.compiled(_stem(params, values), (None, params.num_frames, params.num_mel_bins))

    def run(examples: np.ndarray) -> np.ndarray:
        if not len(examples):  # which the engines refuse
            return np.zeros((0, EMBEDDING_SIZE), np.float32)
        embedding = session(stem(examples) if _has_stem(plan) else examples)
        finite = np.isfinite(examples).all(axis=(1, 2))
        return np.where(finite[:, np.newaxis], embedding, np.float32(np.nan))

    return run


def _has_stem(plan: Plan) -> bool:
    return plan.arithmetic == "bfloat16"


def _input_shape(params: Params, plan: Plan) -> tuple[int, ...]:
    height, width = params.num_frames, params.num_mel_bins
    if not _has_stem(plan):
        return height, width
    (_, channels), _ = backbone.CONVOLUTIONS[:2]
    return -(-height // 2), -(-width // 2), channels or 0


def _steps(values: Values, plan: Plan) -> Iterator[_Step]:
    """The operators in their order; channels come first."""
    if _has_stem(plan):
        yield _Step("Transpose", attributes={"perm": (0, 3, 1, 2)})
    else:
        yield _Step("Unsqueeze", (np.array([1]),))
    for name, width in backbone.CONVOLUTIONS:
        if _has_stem(plan) and name in STEM:
            continue
        if not width:
            square = {"kernel_shape": (2, 2), "strides": (2, 2), "auto_pad": "SAME_UPPER"}
            yield _Step("MaxPool", attributes=square)
            continue
        kernel, bias = values[name]
        kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        yield _Step("Conv", (kernel, bias), {"pads": (1, 1, 1, 1)})
        yield _Step("Relu")
    yield _Step("Transpose", attributes={"perm": (0, 2, 3, 1)})
    yield _Step("Flatten")
    for name, _ in backbone.DENSE:
        kernel, bias = values[name]
        yield _Step("Gemm", (np.ascontiguousarray(kernel.T), bias), {"transB": 1})
        if name != "embedding":
            yield _Step("Relu")


def _stem(params: Params, values: Values) -> keras.Model:
    """The layers before pool2, in float32: log-mel examples → (rows, 48, 32, 64)."""
    examples = keras.Input((params.num_frames, params.num_mel_bins))
    (name, width), (pool, _) = backbone.CONVOLUTIONS[:2]
    x = backbone.FoldExamples(dtype="float32")(examples)
    x = backbone.layer(name, width, "float32", *map(given, values[name]))(x)
    return keras.Model(examples, backbone.pool(pool, "float32")(x))


def _onnxruntime(path: Path, plan: Plan) -> backend.Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda array: session.run(None, {"input": array})[0]


def _openvino(path: Path, plan: Plan) -> backend.Run:
    import openvino

    precision = {"float32": "f32", "bfloat16": "bf16"}[plan.arithmetic]
    options = {"INFERENCE_PRECISION_HINT": precision}
    compiled = openvino.Core().compile_model(path, "CPU", options)
    return lambda array: compiled(array)[0]
