"""Frozen graph: the tf-slim graph of the first release with its weights as constants, for TF1 scripts.

The tensors are `vggish/input_features:0` and `vggish/embedding:0`, and every operation between them has its published
name too (`vggish/conv1/Relu:0` and so on). It takes log-mel examples, as upstream's does.
"""

from pathlib import Path

import tensorflow as tf

from vggish_tf.errors import VGGishError
from vggish_tf.jobs.export.formats import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.quiet import quiet
from vggish_tf.params import INPUT_TENSOR_NAME, NUM_BANDS, NUM_FRAMES, OUTPUT_OP_NAME, OUTPUT_TENSOR_NAME

tf1 = tf.compat.v1


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes a binary GraphDef."""
    from vggish_tf.reference import vggish_slim

    _check_shape(pipeline)
    values = pipeline.values()
    with tf.Graph().as_default() as graph, tf1.Session() as session, quiet():
        vggish_slim.define_vggish_slim()
        for variable in tf1.global_variables():
            variable.load(values[variable.op.name], session)
        frozen = tf1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [OUTPUT_OP_NAME])
    path.write_bytes(frozen.SerializeToString())


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Imports it into a TF1 session and looks the tensors up by name."""
    definition = tf1.GraphDef.FromString(path.read_bytes())
    session = tf1.Session(graph=tf.Graph())
    with session.graph.as_default():
        tf.import_graph_def(definition, name="")
    source, embedding = map(session.graph.get_tensor_by_name, (INPUT_TENSOR_NAME, OUTPUT_TENSOR_NAME))

    def run(waveform):
        examples = pipeline.live_examples(waveform)
        rows = session.run(embedding, {source: examples.reshape(-1, *examples.shape[2:])})
        return rows.reshape(*examples.shape[:2], -1)

    sides = {"inputs": source, "outputs": embedding}
    signature = {
        side: {tensor.name: {"dtype": tensor.dtype.name, "shape": tensor.shape.as_list()}}
        for side, tensor in sides.items()
    }
    return Loaded(run, {"graph": signature})


def _check_shape(pipeline: Pipeline):
    shape = (pipeline.params.num_frames, pipeline.params.num_mel_bins)
    if shape != (NUM_FRAMES, NUM_BANDS):
        raise VGGishError(
            f"the TF1 graph takes examples of {NUM_FRAMES} frames and {NUM_BANDS} mel bins; these params make {shape}. "
            "Choose another format."
        )
