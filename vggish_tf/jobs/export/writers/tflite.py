"""LiteRT (TensorFlow Lite): waveform → embedding, for phones and small computers.

Only built-in operators are used. Batch and length are dynamic. A clip too short for one example
gives zero rows in LiteRT's own interpreter. Runtimes without empty tensors, and delegates, may
refuse such a clip: for those, export with pad="short", or pad the clip first. A fixed shape is one
clip of one length, which LiteRT.js needs; a length too short for an example is refused.

In "float16" the weights take half the space, in "int8" a quarter. In "int8" the inputs of each
layer are rounded to 8 bits too, at run time ("dynamic range"). Only the network is rounded:
TensorFlow's own converter would round the front end too, and lose the quiet parts of a log-mel
spectrogram.
"""

import contextlib
import dataclasses
import io
from pathlib import Path

import numpy as np
import tensorflow as tf

from vggish_tf.jobs.export.catalogue import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.writers.portable import portable_function

SIGNATURE = "serving_default"


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes one flat buffer."""
    pipeline = dataclasses.replace(pipeline, postprocess_dtype="float32")  # LiteRT has no float64
    function = portable_function(pipeline)
    postprocessor = pipeline.postprocessor.variables if pipeline.postprocessor else []
    variables = [variable.value for variable in [*pipeline.variables, *postprocessor]]
    # without a root, the signature is lost
    root = tf.train.Checkpoint(function=function, variables=variables)
    concrete = [function.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(concrete, root)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    flat_buffer = converter.convert()
    if precision != "float32":
        flat_buffer = _quantized(flat_buffer, precision, pipeline.network.name)
    path.write_bytes(flat_buffer)


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Loads the file in LiteRT's interpreter."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path)).get_signature_runner(SIGNATURE)
    sides = {"inputs": runner.get_input_details(), "outputs": runner.get_output_details()}
    signature = {
        side: {name: _spec(value) for name, value in details.items()}
        for side, details in sides.items()
    }

    def run(waveform):
        return runner(waveform=waveform)[pipeline.output]

    return Loaded(run, {SIGNATURE: signature})


def _quantized(flat_buffer: bytes, precision: str, scope: str) -> bytes:
    """Stores the weights of all operators whose names contain `scope` in fewer bits."""
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
