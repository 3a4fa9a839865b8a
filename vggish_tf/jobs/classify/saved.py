"""A saved classifier, run on audio files.

Its head runs on the embeddings of the whole clip, and on each example alone.
"""

import os

import keras
import numpy as np

from vggish_tf.classifier import PAD, back, labels_of, network
from vggish_tf.embedding import Embedder
from vggish_tf.jobs.classify.clips import Classified, embedded
from vggish_tf.model import load_model, parts_of
from vggish_tf.network import heads


class Classifier:
    """A saved classifier for audio files.

    Args:
        model: a `.keras` file of `vggish-tf finetune`, or a model of finetune.classifier.

    Raises:
        CheckpointError: the file cannot be loaded.
        VGGishError: the model is not a classifier.

    Example:
        >>> from vggish_tf.jobs import finetune
        >>> pets = Classifier(finetune.classifier(2, weights=None, labels=["cat", "dog"]))
        >>> pets.labels
        ['cat', 'dog']
    """

    def __init__(self, model: keras.Model | str | os.PathLike[str]):
        model = model if isinstance(model, keras.Model) else load_model(model)
        self.labels = labels_of(model)
        self.params = parts_of(model).params
        self._embedder = Embedder(network(model), params=self.params, pad=PAD)
        self.untrained = self._embedder.untrained
        self._head = back(model, "embedding")

    def classify(self, path: str | os.PathLike[str]) -> Classified:
        """Scores a file of any rate, channel count and format.

        The scores of the clip are those of the model for the whole waveform. If the model scores
        only examples (pool=None), they are the mean over the examples.

        Args:
            path: the file.

        Raises:
            AudioError: as load_audio.
        """
        clip = embedded(self._embedder, path)
        sounding = heads.count_clip_examples(clip.num_sounding, self.params, PAD)
        whole = self._score(clip.embedding[np.newaxis, : max(1, sounding)])
        each = self._score(clip.embedding[:, np.newaxis])
        return Classified(clip.seconds, whole[0], each, clip.times)

    def _score(self, embedding: np.ndarray) -> np.ndarray:
        """(clips, examples, 128) → (clips, classes)."""
        scores = self._head([embedding, np.ones(embedding.shape[:2], bool)], training=False)
        scores = np.asarray(keras.ops.convert_to_numpy(scores))
        return scores.mean(axis=1) if scores.ndim == 3 else scores
