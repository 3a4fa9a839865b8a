"""The network as ONNX in each precision, for onnxruntime-web: every operator is one that it has on
a processor and on WebGPU.

The arithmetic is float32 in all of them; only the weights are stored in fewer bits, and the biases
are float32. The first axis of a kernel is its output channel.

Source: onnxruntime-web 1.30, docs/webgpu-operators.md; onnxruntime docs/ContribOperators.md,
com.microsoft.MatMulNBits.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from vggish_tf.network import backbone, onnx_graph
from vggish_tf.network.onnx_graph import Step
from vggish_tf.params import Params

INPUT = "input_features"
FLOAT = 1  # onnx.TensorProto.FLOAT
HALF = ("fc1_1", "fc1_2")  # the layers of four bits: 93 % of the weights
BLOCK = 64  # weights that share a scale, in four bits


def write(path: Path, network: keras.Model, params: Params, precision: str) -> None:
    """Writes the file of a network: `input_features` (n, 96, 64) → `embedding` (n, 128)."""
    values = {name: network.get_layer(name).get_weights() for name in backbone.LAYER_NAMES}
    steps = (
        stored
        for step in onnx_graph.from_examples(values)
        for stored in (STORED[precision](step) if step.layer else [step])
    )
    onnx_graph.write(path, INPUT, (params.num_frames, params.num_mel_bins), steps)


def _float32(step: Step) -> Iterator[Step]:
    yield step


def _float16(step: Step) -> Iterator[Step]:
    kernel, bias = step.constants
    yield step._replace(constants=(Step("Cast", (np.float16(kernel),), {"to": FLOAT}), bias))


def _int8(step: Step) -> Iterator[Step]:
    """Dense layers in 8 bits, a scale for each output; convolutions, 6 % of the weights, as are."""
    if step.operator == "Gemm":
        kernel, bias = step.constants
        stored = Step("DequantizeLinear", eight_bits(kernel), {"axis": 0})
        step = step._replace(constants=(stored, bias))
    yield step


def eight_bits(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integers from −127 to 127, and for each output the scale that they are multiplied by."""
    scales = np.abs(kernel).max(axis=1) / np.float32(127)
    scales[scales == 0] = 1
    return np.rint(kernel / scales[:, np.newaxis]).astype(np.int8), scales


STORED: dict[str, Callable[[Step], Iterator[Step]]] = {
    "int8": _int8,
    "float16": _float16,
    "float32": _float32,
}
