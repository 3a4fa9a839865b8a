"""Fine-tuning: from labelled sounds to a saved classifier.

    clips               a folder or CSV → labelled clips
    splits              labelled clips → training, validation and test
    reading             clips → waveforms, many in parallel
    data                dataset(): clips → tf.data
    augment             random gain, shift, noise, mix-up, SpecAugment, as Keras layers
    cache               log-mel or embeddings, computed once for each clip
    options             options of a training and of a job
    trainee             the training model: shares the classifier's layers, starts at a cached stage
    training_checkpoint trainable weights, optimizer state, progress
    training            train(): epochs, early stopping
    progress            the history of a training; tensorboard writes it as TensorBoard logs
    evaluation          precision, recall, average precision, confusion
    job                 run(): the whole job, as `vggish-tf finetune`

The classifier itself is in vggish_tf.classifier, and its layers are in vggish_tf.network.heads, so
that a saved classifier loads without this room.

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
from vggish_tf.jobs.finetune.evaluation import Evaluation, evaluate
from vggish_tf.jobs.finetune.job import run
from vggish_tf.jobs.finetune.options import Options, TrainingOptions
from vggish_tf.jobs.finetune.reading import read_clip
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
