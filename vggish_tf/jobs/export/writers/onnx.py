"""ONNX: waveform → embedding in one graph, dynamic in batch and length.

tf2onnx copies constants at every step, which takes 17 GB for this network. So it converts a graph
whose weights are inputs, and the inputs become initializers afterwards. A clip too short for one
example gives zero rows, as in TensorFlow: in every Reshape to a computed shape, 0 means a size of 0
and not "as in the input".
"""

import logging
from pathlib import Path

import keras
import tensorflow as tf

from vggish_tf.jobs.export.catalogue import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.writers import portable

OPSET = 17
ZERO_IS_A_SIZE = "allowzero"  # an attribute of Reshape since opset 14


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes one file and checks it with ONNX's own checker and shape inference."""
    import onnx

    model = _convert(pipeline)
    _take_zero_for_a_size(model.graph)
    for source, variable in zip(model.graph.input[1:], pipeline.variables, strict=True):
        values = keras.ops.convert_to_numpy(variable)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, source.name))
    del model.graph.input[1:]
    onnx.save(model, path)
    onnx.checker.check_model(path, full_check=True)


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Loads the file in ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    signature = {
        "inputs": {value.name: _spec(value) for value in session.get_inputs()},
        "outputs": {value.name: _spec(value) for value in session.get_outputs()},
    }

    def run(waveform):
        return session.run([pipeline.output], {"waveform": waveform})[0]

    return Loaded(run, {"graph": signature})


def _convert(pipeline: Pipeline):
    """The graph as an ONNX model, whose inputs are the waveform and then the weights in order."""
    import tf2onnx

    variables = pipeline.variables

    def run(waveform, *weights):
        with keras.StatelessScope(state_mapping=zip(variables, weights, strict=True)):
            return {pipeline.output: portable.run(pipeline, waveform)}

    names = (variable.path.replace("/", "_") for variable in variables)
    specs = [
        tf.TensorSpec(variable.shape, tf.float32, name=name)
        for variable, name in zip(variables, names, strict=True)
    ]
    signature = [tf.TensorSpec((None, None), tf.float32, name="waveform"), *specs]
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    model, _ = tf2onnx.convert.from_function(tf.function(run, signature), signature, opset=OPSET)
    return model


def _take_zero_for_a_size(graph):
    """Sets ZERO_IS_A_SIZE in every Reshape to a computed shape.

    A constant shape with 0 in it is tf2onnx's own, and there 0 means "as in the input".
    """
    import onnx

    constants = {value.name: value for value in graph.initializer}
    constants |= {
        node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"
    }
    for node in graph.node:
        if node.op_type != "Reshape":
            continue
        shape = constants.get(node.input[1])
        if shape is None or 0 not in onnx.numpy_helper.to_array(shape):
            node.attribute.append(onnx.helper.make_attribute(ZERO_IS_A_SIZE, 1))


def _spec(value) -> dict:
    shape = [size if isinstance(size, int) else None for size in value.shape]
    dtype = value.type.removeprefix("tensor(").removesuffix(")").replace("float", "float32")
    return {"dtype": dtype, "shape": shape}
