"""LiteRT (TensorFlow Lite): waveform → embedding with built-in operators only, for phones and small
computers.

Batch and length are dynamic. A clip too short for one example gives zero rows in LiteRT's own
interpreter; runtimes without empty tensors, and delegates, may refuse it: export with pad="short"
for those, or pad it first. A fixed shape is one clip of one length, which LiteRT.js asks for; a
length of no example is refused.

In "float16" the weights take half the space, in "int8" a quarter; with int8 the inputs of each
layer are rounded to 8 bits as well, as they come ("dynamic range"). Both are for the network alone.
TensorFlow's own converter would round the front end too, and leave nothing of the quiet parts of a
log-mel spectrogram.
"""

import contextlib
import dataclasses
import io
from pathlib import Path

import numpy as np
import tensorflow as tf

from vggish_tf.jobs.export.formats import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.writers.portable import portable_function

SIGNATURE = "serving_default"


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes one flat buffer."""
    pipeline = dataclasses.replace(pipeline, postprocess_dtype="float32")  # there is no float64
    function = portable_function(pipeline)
    postprocessor = pipeline.postprocessor.variables if pipeline.postprocessor else []
    variables = [variable.value for variable in [*pipeline.variables, *postprocessor]]
    # without one, the signature is lost
    root = tf.train.Checkpoint(function=function, variables=variables)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], root
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    flat_buffer = converter.convert()
    path.write_bytes(
        flat_buffer
        if precision == "float32"
        else _quantized(flat_buffer, precision, pipeline.network.name)
    )


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Runs it in LiteRT's interpreter."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path)).get_signature_runner(SIGNATURE)
    sides = {"inputs": runner.get_input_details(), "outputs": runner.get_output_details()}
    signature = {
        side: {name: _spec(value) for name, value in details.items()}
        for side, details in sides.items()
    }
    return Loaded(
        lambda waveform: runner(waveform=waveform)[pipeline.output], {SIGNATURE: signature}
    )


def _quantized(flat_buffer: bytes, precision: str, scope: str) -> bytes:
    """The same with smaller weights in every operator whose name has `scope` in it."""
    from ai_edge_quantizer import qtyping, quantizer, recipe

    every = qtyping.TFLOperationName.ALL_SUPPORTED
    job = quantizer.Quantizer(flat_buffer)
    if precision == "int8":
        job.add_dynamic_config(scope, every, num_bits=8)
    else:
        half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        config = qtyping.OpQuantizationConfig(weight_tensor_config=half, explicit_dequantize=True)
        job.update_quantization_recipe(
            scope, every, config, algorithm_key=recipe.AlgorithmName.FLOAT_CASTING
        )
    with contextlib.redirect_stdout(io.StringIO()):
        return bytes(job.quantize().quantized_model)


def _spec(details) -> dict:
    shape = [None if size < 0 else int(size) for size in details["shape_signature"]]
    return {"dtype": np.dtype(details["dtype"]).name, "shape": shape}
