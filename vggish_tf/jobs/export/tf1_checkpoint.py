"""TF1 checkpoint: the 18 published variables by their published names, one file (V1), as Google published it."""

from pathlib import Path

from vggish_tf import checkpoints
from vggish_tf.jobs.export import weights
from vggish_tf.jobs.export.pipeline import Pipeline

load = weights.load


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes one file; upstream's load_vggish_slim_checkpoint restores it."""
    checkpoints.save_tf1_checkpoint(pipeline.network, path, version="V1")
