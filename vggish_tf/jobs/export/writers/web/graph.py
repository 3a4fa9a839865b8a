"""The network as ONNX in each precision, for onnxruntime-web.

onnxruntime-web has every operator on the CPU and on WebGPU. The arithmetic is float32 in all
precisions; only the kernels are stored in fewer bits. The first axis of a kernel is its outputs,
and the biases stay float32.

Source: onnxruntime-web 1.30, docs/webgpu-operators.md; onnxruntime, docs/ContribOperators.md,
com.microsoft.MatMulNBits.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from vggish_tf.jobs.export.writers.web import rounding
from vggish_tf.network import backbone, onnx_graph
from vggish_tf.network.onnx_graph import Step
from vggish_tf.params import Params

INPUT = "input_features"
FLOAT = 1  # onnx.TensorProto.FLOAT
WIDE = ("fc1_1", "fc1_2")  # 93 % of the weights

Stored = Callable[[Step, np.ndarray, np.ndarray], Iterator[Step]]  # step, its kernel, its bias


def write(path: Path, network: keras.Model, params: Params, precision: str) -> None:
    """Writes the file of a network: `input_features` (n, 96, 64) → `embedding` (n, 128)."""
    values = {name: network.get_layer(name).get_weights() for name in backbone.LAYER_NAMES}
    shape = (params.num_frames, params.num_mel_bins)
    onnx_graph.write(path, INPUT, shape, _steps(values, STORED[precision]))


def _steps(values, stored: Stored) -> Iterator[Step]:
    for step in onnx_graph.from_examples(values):
        if step.layer:
            yield from stored(step, *step.constants)  # type: ignore[arg-type]
        else:
            yield step


def _float32(step: Step, kernel: np.ndarray, bias: np.ndarray) -> Iterator[Step]:
    yield step


def _float16(step: Step, kernel: np.ndarray, bias: np.ndarray) -> Iterator[Step]:
    widened = Step("Cast", (kernel.astype(np.float16),), {"to": FLOAT})
    yield step._replace(constants=(widened, bias))


def _int8(step: Step, kernel: np.ndarray, bias: np.ndarray) -> Iterator[Step]:
    """Dense layers in 8 bits; convolutions, 6 % of the weights, in float32."""
    if step.operator == "Gemm":
        widened = Step("DequantizeLinear", rounding.eight_bits(kernel), {"axis": 0})
        step = step._replace(constants=(widened, bias))
    yield step


def _int4(step: Step, kernel: np.ndarray, bias: np.ndarray) -> Iterator[Step]:
    """The two wide layers in 4 bits; the others, 7 % of the weights, in float32."""
    if step.layer not in WIDE:
        yield step
        return
    outputs, inputs = kernel.shape
    shape = {"K": inputs, "N": outputs, "bits": 4, "block_size": rounding.BLOCK}
    constants = rounding.four_bits(kernel)
    yield Step("MatMulNBits", constants, shape, step.layer, "com.microsoft")
    yield Step("Add", (bias,))


STORED: dict[str, Stored] = {
    "int8": _int8,
    "int4": _int4,
    "float16": _float16,
    "float32": _float32,
}
