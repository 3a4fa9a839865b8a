"""`.keras`: the whole model, waveform → embedding, for Keras on any backend.

vggish_tf.load_model reads it.
"""

from pathlib import Path

import keras

from vggish_tf.jobs.export.catalogue import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.model import load_model


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes the file without an optimizer."""
    pipeline.as_model().save(path)


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Loads the file with vggish_tf.load_model."""
    return loaded_from(load_model(path), pipeline.output)


def loaded_from(model: keras.Model, output: str, run=None) -> Loaded:
    """A Keras model as Loaded.

    Args:
        model: the model.
        output: the name of its output.
        run: a function of a waveform, for a model whose input is another; None calls the model.
    """
    sides = {"inputs": (model.input, model.input.name), "outputs": (model.output, output)}
    signature = {
        side: {name: {"dtype": tensor.dtype, "shape": list(tensor.shape)}}
        for side, (tensor, name) in sides.items()
    }
    run = run or (lambda waveform: keras.ops.convert_to_numpy(model(waveform)))
    return Loaded(run, {"call": signature})
