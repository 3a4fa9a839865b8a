"""Runtimes besides Keras's backends that compute the network: ONNX Runtime and OpenVINO.

Both read one ONNX file, which has the published layers and nothing else. In bfloat16 it begins
where backbone.FLOAT32_LAYERS end, and Keras computes those.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from vggish_tf import backend
from vggish_tf.errors import VGGishError
from vggish_tf.network import backbone, onnx_graph
from vggish_tf.network.fast import Values, given
from vggish_tf.network.onnx_graph import Layers, Step
from vggish_tf.network.plan import Plan
from vggish_tf.params import EMBEDDING_SIZE, Params

MOST_BYTES = 2_000_000_000  # of a file; protobuf ends at 2 GiB
VERSION = 1  # of the file: raise it when another graph is written


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
    num_bytes = sum(array.nbytes for pair in values.values() for array in pair)
    if num_bytes > MOST_BYTES:
        raise VGGishError(
            f"the network takes {num_bytes:,} bytes, an ONNX file less than {MOST_BYTES:,}. "
            "Use engine='keras'."
        )
    onnx_graph.write(path, "input", _input_shape(params, plan), _steps(values, plan))


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


def _steps(values: Values, plan: Plan) -> Iterator[Step]:
    """The operators in their order; channels come first."""
    if _has_stem(plan):
        yield Step("Transpose", attributes={"perm": (0, 3, 1, 2)})
        yield from onnx_graph.steps(values, _layers(False))
    else:
        yield from onnx_graph.from_examples(values)


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
