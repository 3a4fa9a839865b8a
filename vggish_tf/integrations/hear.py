"""HEAR's common interface, of the Holistic Evaluation of Audio Representations.

    hear-validator vggish_tf.integrations.hear
    python -m heareval.embeddings.runner vggish_tf.integrations.hear --tasks-dir tasks

Source: https://hearbenchmark.com/hear-api.html. An embedding is of an example (0.96 s), and its
time is the middle of the example. A shorter sound is filled with silence; an incomplete example at
the end of a longer sound has no embedding.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from vggish_tf.embedding import Embedder
from vggish_tf.errors import AudioError
from vggish_tf.params import EMBEDDING_SIZE, Params


class Model(tf.Module):
    """An Embedder with the attributes that HEAR requires."""

    scene_embedding_size = timestamp_embedding_size = EMBEDDING_SIZE

    def __init__(self, embedder: Embedder):
        super().__init__()
        self.embedder, self.sample_rate = embedder, embedder.params.sample_rate


def load_model(model_file_path: str = "", **params: Any) -> Model:
    """Loads the weights of a checkpoint, or the published ones without a path.

    Args:
        model_file_path: the path of a checkpoint, or "".
        params: fields of Params, such as example_hop_seconds=0.05. HEAR sends sounds at its
            sample_rate.

    Raises:
        CheckpointError, ParamsError: as Embedder.
    """
    return Model(Embedder(model_file_path or "audioset", params=Params(**params)))


def get_timestamp_embeddings(audio: tf.Tensor, model: Model) -> tuple[tf.Tensor, tf.Tensor]:
    """Embeddings over time.

    Args:
        audio: sounds (n, samples) at the model's sample_rate, by default 16 kHz.
        model: as load_model() returns it.

    Returns:
        Embeddings (n, rows, 128), and their times in milliseconds (n, rows).

    Raises:
        AudioError: `audio` is not (n, samples) or has no sounds; or as Embedder.embed_batch.
    """
    sounds = np.asarray(audio, np.float32)
    if sounds.ndim != 2 or not len(sounds):
        raise AudioError(
            f"audio must be (n, samples), one sound or more; received {sounds.shape}. "
            "A single sound is audio[None]."
        )
    found = model.embedder.embed_batch(list(sounds), model.sample_rate)
    middles = (found[0].timestamps + found[0].end_timestamps) / 2
    times = 1000 * np.minimum(middles, sounds.shape[1] / model.sample_rate)
    embeddings = np.stack([each.embedding for each in found])
    return tf.constant(embeddings), tf.constant(np.tile(times, (len(found), 1)), tf.float32)


def get_scene_embeddings(audio: tf.Tensor, model: Model) -> tf.Tensor:
    """The mean embedding of each sound: (n, samples) at the model's sample_rate → (n, 128).

    Raises:
        AudioError: as get_timestamp_embeddings.
    """
    return tf.reduce_mean(get_timestamp_embeddings(audio, model)[0], axis=1)
