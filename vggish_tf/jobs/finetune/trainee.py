"""The training model: shares layers with the classifier, starts at a cached stage, and augments.

The classifier itself does not change, so a saved one has no augmentation and no optimizer state.
"""

from collections.abc import Sequence

import keras
import numpy as np

from vggish_tf.classifier import Stage, back, front
from vggish_tf.jobs.finetune.augment import SpecAugment
from vggish_tf.model import parts_of


def trainee_of(
    model: keras.Model, stage: Stage, augment: Sequence[keras.layers.Layer]
) -> keras.Model:
    """The training model of a classifier, which starts at `stage`, compiled like the classifier."""
    if stage == "embedding":
        trainee = back(model, stage)
    else:
        waveform = [layer for layer in augment if not isinstance(layer, SpecAugment)]
        source, (examples, sounding) = _start(model, stage, waveform)
        for layer in augment:
            if isinstance(layer, SpecAugment):
                examples = layer(examples)
        trainee = keras.Model(source, back(model, "examples")([examples, sounding]))
    trainee.compile_from_config(model.get_compile_config())
    return trainee


def _start(model: keras.Model, stage: Stage, augment):
    """The input of a training model; and its log-mel examples and their mask."""
    if stage == "examples":
        params = parts_of(model).params
        source = [
            keras.Input((None, params.num_frames, params.num_mel_bins)),
            keras.Input((None,), dtype="bool"),
        ]
        return source, source
    source = x = keras.Input((None,), name="waveform")
    for layer in augment:
        x = layer(x)
    return source, front(model, "examples")(x)


def reseed(layers: Sequence[keras.layers.Layer], seed: int, epoch: int):
    """Sets every random generator in the layers to a state that depends on seed and epoch."""
    states = [
        variable
        for layer in layers
        for variable in layer.variables
        if "seed_generator_state" in variable.path
    ]
    for number, state in enumerate(states):
        first, second = np.random.SeedSequence([seed, epoch, number]).generate_state(2) >> 1
        state.assign(np.array([first, second]).astype(state.dtype))
