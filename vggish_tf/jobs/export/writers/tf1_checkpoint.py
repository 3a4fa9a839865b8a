"""TF1 checkpoint: the 18 published variables in one file (V1), the format of the published file."""

from pathlib import Path

from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.writers import weights
from vggish_tf.weights import loading

load = weights.load


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes one file; upstream's load_vggish_slim_checkpoint restores it."""
    loading.save_tf1_checkpoint(pipeline.network, path, version="V1")
