"""Frozen graph: the tf-slim graph with its weights as constants, for TF1 scripts.

The tensors are `vggish/input_features:0` and `vggish/embedding:0`, and every operation between them
has its published name too (`vggish/conv1/Relu:0` and so on). The input is log-mel examples, as in
upstream's graph.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

from vggish_tf.errors import VGGishError
from vggish_tf.jobs.export.catalogue import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.writers.quiet import quiet
from vggish_tf.network.backbone import FiniteOrNaN
from vggish_tf.params import (
    INPUT_TENSOR_NAME,
    NUM_BANDS,
    NUM_FRAMES,
    OUTPUT_OP_NAME,
    OUTPUT_TENSOR_NAME,
)
from vggish_tf.weights import loading

tf1 = tf.compat.v1


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes a binary GraphDef, in which a constant of the same name replaces each variable."""
    from vggish_tf.reference import vggish_slim

    _check_shape(pipeline)
    with (
        tf.Graph().as_default() as graph,
        tf1.variable_scope(tf1.get_variable_scope(), use_resource=False),
        quiet(),
    ):
        embedding = vggish_slim.define_vggish_slim()
        checked = FiniteOrNaN()([embedding, graph.get_tensor_by_name(INPUT_TENSOR_NAME)])
        definition = _behind(graph.as_graph_def(), checked.op.name)
    values = loading.values_of(pipeline.network)
    for node in definition.node:
        if node.op == "VariableV2":
            node.CopyFrom(_constant(node.name, values.pop(node.name)))
    assert not values, f"no place for {', '.join(values)}"
    path.write_bytes(definition.SerializeToString())


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Imports the graph into a TF1 session and finds the tensors by name."""
    definition = tf1.GraphDef.FromString(path.read_bytes())
    session = tf1.Session(graph=tf.Graph())
    with session.graph.as_default():
        tf.import_graph_def(definition, name="")
    names = INPUT_TENSOR_NAME, OUTPUT_TENSOR_NAME
    source, embedding = map(session.graph.get_tensor_by_name, names)

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


def _behind(definition, name: str):
    """Moves the operation `name` from after OUTPUT_OP_NAME, which is an identity, to before it."""
    nodes = {node.name: node for node in definition.node}
    output, checked = nodes[OUTPUT_OP_NAME], nodes[name]
    (raw,) = output.input
    checked.input[:] = [raw if source == OUTPUT_OP_NAME else source for source in checked.input]
    output.input[:] = [name]
    return tf1.graph_util.extract_sub_graph(definition, [OUTPUT_OP_NAME])


def _check_shape(pipeline: Pipeline):
    shape = (pipeline.params.num_frames, pipeline.params.num_mel_bins)
    if shape != (NUM_FRAMES, NUM_BANDS):
        raise VGGishError(
            f"the TF1 graph takes examples of {NUM_FRAMES} frames and {NUM_BANDS} mel bins; these "
            f"params make {shape}. Choose another format."
        )


def _constant(name: str, array: np.ndarray):
    value = tf1.AttrValue(tensor=tf.make_tensor_proto(array))
    return tf1.NodeDef(
        name=name,
        op="Const",
        attr={"dtype": tf1.AttrValue(type=tf.float32.as_datatype_enum), "value": value},
    )
