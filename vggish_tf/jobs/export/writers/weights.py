"""`.weights.h5`: the values of the network alone, for a model that already exists."""

from pathlib import Path

from keras import ops

from vggish_tf.jobs.export.catalogue import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.writers.keras_model import loaded_from
from vggish_tf.model import network_of


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes Keras's file of weights."""
    pipeline.network.save_weights(path)


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Loads a file of weights of any format into a new network."""
    model, _ = network_of(path, pipeline.params)

    def run(waveform):
        examples = pipeline.live_examples(waveform)
        embedding = model(examples.reshape(-1, *examples.shape[2:]), training=False)
        return ops.convert_to_numpy(embedding).reshape(*examples.shape[:2], -1)

    return loaded_from(model, pipeline.output, run)
