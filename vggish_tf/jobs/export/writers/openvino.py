"""OpenVINO: waveform → embedding, `.xml` with its `.bin` beside it, dynamic in batch and length.

OpenVINO's default precision on many processors is bfloat16, with an error of 4e-4 for any file. The
comparison sets float32 (INFERENCE_PRECISION_HINT); do the same to get the same numbers. The weights
in the file are float32 too: OpenVINO's float16 files also round the front end, which changes the
embedding by a tenth.
"""

from pathlib import Path

from vggish_tf.jobs.export.catalogue import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.writers.portable import portable_function


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes the two files."""
    import openvino

    function = portable_function(pipeline)
    model = openvino.convert_model(function.get_concrete_function())
    openvino.save_model(model, path, compress_to_fp16=False)


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Loads the file for the CPU, in float32."""
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    sides = {"inputs": compiled.inputs, "outputs": compiled.outputs}
    signature = {
        side: {port.any_name: _spec(port) for port in ports} for side, ports in sides.items()
    }

    def run(waveform):
        return compiled({"waveform": waveform})[pipeline.output]

    return Loaded(run, {"model": signature})


def _spec(port) -> dict:
    shape = [None if size.is_dynamic else size.get_length() for size in port.partial_shape]
    return {"dtype": port.element_type.to_dtype().name, "shape": shape}
