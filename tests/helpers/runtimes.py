"""Exported files in the runtime that each is for: RUNTIMES[format](path) is a function of a batch
of waveforms.
"""

import numpy as np
import pytest

from vggish_tf import load_model

NAMES = {
    "saved_model": "vggish",
    "onnx": "vggish.onnx",
    "tflite": "vggish.tflite",
    "openvino": "vggish.xml",
    "keras": "vggish.keras",
}
EXTRA = {"onnx": "onnxruntime", "tflite": "ai_edge_quantizer", "openvino": "openvino"}


def needs(format):
    """Skips a test whose runtime is not installed."""
    if format in EXTRA:
        pytest.importorskip(EXTRA[format], reason=f"pip install '.[{format}]'")


def run_saved_model(path, output="embedding", signature="serving_default"):
    import tensorflow as tf

    serve = tf.saved_model.load(path).signatures[signature]
    (name,) = serve.structured_input_signature[1]
    return lambda array: serve(**{name: tf.constant(array)})[output].numpy()


def run_onnx(path, output="embedding"):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    return lambda waveform: session.run([output], {"waveform": waveform})[0]


def run_tflite(path, output="embedding"):
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path)).get_signature_runner()
    return lambda waveform: runner(waveform=waveform)[output]


def run_openvino(path, output="embedding"):
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda waveform: compiled({"waveform": waveform})[output]


def run_keras(path, output=""):
    """It has one output, without a name to ask for."""
    model = load_model(path)
    return lambda waveform: np.asarray(model(waveform))


RUNTIMES = {
    "saved_model": run_saved_model,
    "onnx": run_onnx,
    "tflite": run_tflite,
    "openvino": run_openvino,
    "keras": run_keras,
}
