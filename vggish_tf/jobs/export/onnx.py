"""ONNX: waveform → embedding in one graph, dynamic in batch and length, for ONNX Runtime and whatever else reads it.

A clip too short for one example gives zero rows, as it does in TensorFlow, because every Reshape is told to take 0 for a
size, and not for "as in the input".
"""

import logging
from pathlib import Path

from vggish_tf.jobs.export.formats import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.portable import portable_function

OPSET = 17
ZERO_IS_A_SIZE = "allowzero"  # an attribute of Reshape since opset 14


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes one file and lets ONNX's own checker read it, with shape inference."""
    import onnx
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    function = portable_function(pipeline)
    model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=OPSET)
    for node in model.graph.node:
        if node.op_type == "Reshape":
            node.attribute.append(onnx.helper.make_attribute(ZERO_IS_A_SIZE, 1))
    onnx.save(model, path)
    onnx.checker.check_model(path, full_check=True)


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Runs it in ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    signature = {
        "inputs": {value.name: _spec(value) for value in session.get_inputs()},
        "outputs": {value.name: _spec(value) for value in session.get_outputs()},
    }
    return Loaded(lambda waveform: session.run(["embedding"], {"waveform": waveform})[0], {"graph": signature})


def _spec(value) -> dict:
    shape = [size if isinstance(size, int) else None for size in value.shape]
    return {"dtype": value.type.removeprefix("tensor(").removesuffix(")").replace("float", "float32"), "shape": shape}
