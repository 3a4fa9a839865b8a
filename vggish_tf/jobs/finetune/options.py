"""Options of a training, and of a whole fine-tuning job, each as one value."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from vggish_tf.errors import check_count, check_word
from vggish_tf.jobs.finetune.augment import AUGMENTATIONS


@dataclass(frozen=True)
class TrainingOptions:
    """Options of `train`.

    Args:
        epochs: the largest number of epochs.
        patience: training stops after so many epochs without a lower validation loss.
        seed: the seed of augmentation and dropout; in a job, of everything random. `train` takes
            the order of the clips from the seed of the data.
        augment: names in AUGMENTATIONS, or such layers, applied in this order in training; kept as
            layers.
        resume: whether to continue from the training checkpoint, if there is one. All other options
            must be the same, except epochs and patience.
        tensorboard: whether to write TensorBoard logs too.

    Raises:
        UsageError: an augmentation is unknown, or a number is out of range.

    Example:
        >>> TrainingOptions(epochs=3, augment=["gain"]).augment
        (<RandomGain name=augment_gain, built=False>,)
    """

    epochs: int = 50
    patience: int = 10
    seed: int = 0
    augment: Sequence[str | keras.layers.Layer] = ()
    resume: bool = False
    tensorboard: bool = False

    def __post_init__(self):
        check_count("epochs", self.epochs)
        check_count("patience", self.patience)
        check_count("seed", self.seed, least=0)
        # made once, since they are part of the model and of the training checkpoint
        object.__setattr__(self, "augment", tuple(map(_augmentation, self.augment)))


@dataclass(frozen=True)
class Options(TrainingOptions):
    """Options of `run`: those of `train`, and these.

    Args:
        cache: a folder for cached log-mel or embeddings, which is kept for other runs; None removes
            them after the run.
        overwrite: whether to replace an output, or a run that was not finished.
        data_options, model_options: further arguments of `dataset` and `classifier`.

    Example:
        >>> Options(epochs=3, model_options={"trainable": "fc"}).epochs
        3
    """

    cache: str | os.PathLike[str] | None = None
    overwrite: bool = False
    data_options: Mapping[str, Any] | None = None
    model_options: Mapping[str, Any] | None = None


def _augmentation(name: str | keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(name, keras.layers.Layer):
        return name
    check_word("augment", name, tuple(AUGMENTATIONS))
    return AUGMENTATIONS[name](name=f"augment_{name}")
