"""Engines other than Keras that compute the network: ONNX Runtime and OpenVINO.

Both read the same ONNX file, which has the published layers and nothing else. In bfloat16 the file
begins after backbone.FLOAT32_LAYERS, which Keras computes.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from vggish_tf import backend
from vggish_tf.errors import VGGishError
from vggish_tf.network import backbone, onnx_graph
from vggish_tf.network.fast import LayerValues, given
from vggish_tf.network.onnx_graph import Layers, Step
from vggish_tf.network.plan import Plan
from vggish_tf.params import EMBEDDING_SIZE, Params

MOST_BYTES = 2_000_000_000  # of a file; the limit of protobuf is 2 GiB
VERSION = 1  # of the file: raise it when the graph changes


def write(path: Path, params: Params, values: LayerValues, plan: Plan):
    """Writes the network as an ONNX file, whose input and output are `input` and `embedding`.

    Args:
        path: the new file.
        params: front-end parameters, which determine the shape of an example.
        values: the kernel and bias of each layer, with the axes of Keras.
        plan: its arithmetic decides which layer the file begins with.

    Raises:
        VGGishError: the network is too large for a file.
    """
    num_bytes = sum(array.nbytes for pair in values.values() for array in pair)
    if num_bytes > MOST_BYTES:
        raise VGGishError(
            f"the network has {num_bytes:,} bytes; an ONNX file holds at most {MOST_BYTES:,}. "
            "Use engine='keras'."
        )
    onnx_graph.write(path, "input", _input_shape(params, plan), _steps(values, plan))


def loaded(path: Path, params: Params, values: LayerValues, plan: Plan) -> backend.Run:
    """The network in a file of `write`, run by the plan's engine: examples (n, 96, 64) → (n, 128).

    The embedding of an example that is not finite is NaN, as in the Keras network.
    """
    session = {"onnxruntime": _onnxruntime, "openvino": _openvino}[plan.engine](path, plan)
    stem = _stem(params, values) if _has_stem(plan) else lambda examples: examples

    def run(examples: np.ndarray) -> np.ndarray:
        backend.check_process()
        if not len(examples):  # the engines refuse empty arrays
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


def _steps(values: LayerValues, plan: Plan) -> Iterator[Step]:
    """The operators in their order; channels come first."""
    if _has_stem(plan):
        yield Step("Transpose", attributes={"perm": (0, 3, 1, 2)})
        yield from onnx_graph.steps(values, _layers(False))
    else:
        yield from onnx_graph.from_examples(values)


def _stem(params: Params, values: LayerValues) -> backend.Run:
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
        if not hasattr(own, "request"):  # one a thread: a request takes one call at a time
            own.request = compiled.create_infer_request()
        return own.request.infer([array])[0]

    return run
