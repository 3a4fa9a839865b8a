"""Fine-tuning: from labelled sounds to a saved classifier.

    model     classifier(): the network and a head as one Keras model, waveform → class scores
    clips     a folder or CSV → labelled clips in splits; table: the rows of a CSV
    data      dataset(): clips → tf.data
    augment   random gain, shift, noise, mix-up, SpecAugment, as Keras layers
    cache     log-mel or embeddings, computed once a clip
    training  train(): epochs, early stopping; checkpoint: what a killed run goes on from
    progress  the history of a run; tensorboard: the same as TensorBoard logs
    report    precision, recall, average precision, confusion
    job       run(): all of it, as `vggish-tf finetune` does

The layers that a saved classifier is made of are in vggish_tf.network.heads, so that it loads
without this package.

Example:
    >>> from vggish_tf.jobs import finetune
    >>> data = finetune.dataset("sounds")  # doctest: +SKIP
    >>> model = finetune.classifier(2, labels=data.labels, trainable="fc")  # doctest: +SKIP
    >>> model.fit(data.batches("train", epoch=0), epochs=10)  # doctest: +SKIP
"""

from vggish_tf.classifier import (
    back,
    classifier,
    front,
    is_multi_label,
    is_untrained,
    labels_of,
    network,
)
from vggish_tf.jobs.finetune.augment import (
    AUGMENTATIONS,
    MixUp,
    RandomGain,
    RandomNoise,
    RandomShift,
    SpecAugment,
)
from vggish_tf.jobs.finetune.cache import cached
from vggish_tf.jobs.finetune.data import Dataset, dataset
from vggish_tf.jobs.finetune.job import run
from vggish_tf.jobs.finetune.options import Options, TrainingOptions
from vggish_tf.jobs.finetune.reading import read_clip
from vggish_tf.jobs.finetune.report import Evaluation, evaluate
from vggish_tf.jobs.finetune.training import train

__all__ = [
    "AUGMENTATIONS",
    "Dataset",
    "Evaluation",
    "MixUp",
    "Options",
    "RandomGain",
    "RandomNoise",
    "RandomShift",
    "SpecAugment",
    "TrainingOptions",
    "back",
    "cached",
    "classifier",
    "dataset",
    "evaluate",
    "front",
    "is_multi_label",
    "is_untrained",
    "labels_of",
    "network",
    "read_clip",
    "run",
    "train",
]
