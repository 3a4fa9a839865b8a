"""Augmentations as Keras layers: random in training, the identity otherwise.

    RandomGain, RandomShift, RandomNoise   waveforms → waveforms; padding stays zero
    MixUp          waveforms and targets → both, each clip mixed with another clip of the batch
    SpecAugment    log-mel examples → examples with stripes set to the mean

Each layer has its own keras.random.SeedGenerator, so that the same seed gives the same run.
"""

import keras
import numpy as np
from keras import ops

from vggish_tf.frontend.framing import clip_lengths


class _Random(keras.layers.Layer):
    """Base of the augmentations: `augment` in training, the identity otherwise; float32."""

    def __init__(self, *, seed: int | None = None, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        return self.augment(inputs) if training else inputs

    def compute_output_spec(self, inputs, training=False):
        def spec(tensor):
            return keras.KerasTensor(tensor.shape, tensor.dtype)

        return keras.tree.map_structure(spec, inputs)

    def uniform(self, shape, low=0.0, high=1.0):
        return keras.random.uniform(shape, low, high, seed=self.seed_generator)

    def get_config(self) -> dict:
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="vggish_tf")
class RandomGain(_Random):
    """Multiplies each clip by a random gain of up to ± `decibels`.

    Args:
        decibels: the largest gain, in dB.

    Input and output shape: (batch, num_samples) float32

    Example:
        >>> float(RandomGain(6.0)(keras.ops.ones((1, 10)))[0, 0])
        1.0
    """

    def __init__(self, decibels: float = 6.0, **kwargs):
        super().__init__(**kwargs)
        self.decibels = decibels

    def augment(self, waveform):
        decibels = self.uniform((ops.shape(waveform)[0], 1), -self.decibels, self.decibels)
        return waveform * ops.power(10.0, decibels / 20)

    def get_config(self) -> dict:
        return {**super().get_config(), "decibels": self.decibels}


@keras.saving.register_keras_serializable(package="vggish_tf")
class RandomShift(_Random):
    """Shifts each clip circularly in time by up to ± `seconds`.

    Args:
        seconds: the largest shift.
        sample_rate: Hz.

    Input and output shape: (batch, num_samples) float32

    Example:
        >>> np.asarray(RandomShift(0.5)(keras.ops.array([[1.0, 2.0]])))
        array([[1., 2.]], dtype=float32)
    """

    def __init__(self, seconds: float = 0.5, *, sample_rate: float = 16_000, **kwargs):
        super().__init__(**kwargs)
        self.seconds, self.sample_rate = seconds, sample_rate

    def augment(self, waveform):
        most = self.seconds * self.sample_rate
        shift = ops.cast(ops.round(self.uniform((ops.shape(waveform)[0], 1), -most, most)), "int32")
        length = ops.expand_dims(clip_lengths(waveform), -1)
        places = ops.expand_dims(ops.arange(ops.shape(waveform)[1], dtype="int32"), 0)
        shifted = ops.mod(places - shift, ops.maximum(length, 1))
        return ops.take_along_axis(waveform, ops.where(places < length, shifted, places), axis=1)

    def get_config(self) -> dict:
        return {**super().get_config(), "seconds": self.seconds, "sample_rate": self.sample_rate}


@keras.saving.register_keras_serializable(package="vggish_tf")
class RandomNoise(_Random):
    """Adds white noise at a random signal-to-noise ratio for each clip; silence stays silent.

    Args:
        low, high: the range of the ratio, in dB. The power is the mean over the length of the clip.

    Input and output shape: (batch, num_samples) float32

    Example:
        >>> float(RandomNoise()(keras.ops.zeros((1, 10)), training=True)[0, 0])
        0.0
    """

    def __init__(self, low: float = 10.0, high: float = 40.0, **kwargs):
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def augment(self, waveform):
        length = ops.expand_dims(clip_lengths(waveform), -1)
        energy = ops.sum(waveform * waveform, axis=1, keepdims=True)
        power = energy / ops.cast(ops.maximum(length, 1), "float32")
        decibels = self.uniform((ops.shape(waveform)[0], 1), self.low, self.high)
        noise = keras.random.normal(ops.shape(waveform), seed=self.seed_generator)
        noise = noise * ops.sqrt(power * ops.power(10.0, -decibels / 10))
        places = ops.expand_dims(ops.arange(ops.shape(waveform)[1], dtype="int32"), 0)
        return waveform + ops.where(places < length, noise, 0.0)

    def get_config(self) -> dict:
        return {**super().get_config(), "low": self.low, "high": self.high}


@keras.saving.register_keras_serializable(package="vggish_tf")
class MixUp(_Random):
    """Mixes each clip of a batch, and its targets, with another clip (Zhang et al. 2018).

    Args:
        alpha: the parameter of Beta(alpha, alpha), the distribution of the other clip's share.

    Input and output shape: [(batch, num_samples) float32, (batch, classes) float32]

    Example:
        >>> waveform, targets = MixUp()([keras.ops.ones((2, 10)), keras.ops.eye(2)], training=True)
        >>> tuple(targets.shape)
        (2, 2)
    """

    def __init__(self, alpha: float = 0.2, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha

    def augment(self, inputs):
        waveform, targets = inputs
        batch = ops.shape(waveform)[0]
        share = keras.random.beta((batch, 1), self.alpha, self.alpha, seed=self.seed_generator)
        others = keras.random.shuffle(ops.arange(batch, dtype="int32"), seed=self.seed_generator)
        return [(1 - share) * x + share * ops.take(x, others, axis=0) for x in (waveform, targets)]

    def get_config(self) -> dict:
        return {**super().get_config(), "alpha": self.alpha}


@keras.saving.register_keras_serializable(package="vggish_tf")
class SpecAugment(_Random):
    """Sets a stripe of frames and one of mel bins to the mean of the example (Park et al. 2019).

    Args:
        frames, mel_bins: the largest width of a stripe; all widths from 0 on are equally likely.

    Input and output shape: (batch, examples, frames, mel bins) float32

    Example:
        >>> examples = keras.ops.ones((1, 2, 96, 64))
        >>> float(keras.ops.min(SpecAugment()(examples, training=True)))
        1.0
    """

    def __init__(self, frames: int = 24, mel_bins: int = 12, **kwargs):
        super().__init__(**kwargs)
        self.frames, self.mel_bins = frames, mel_bins

    def augment(self, examples):
        mean = ops.mean(examples, axis=(-2, -1), keepdims=True)
        in_time = self._stripe(examples, -2, self.frames)
        in_frequency = self._stripe(examples, -1, self.mel_bins)
        return ops.where(ops.logical_or(in_time, in_frequency), mean, examples)

    def _stripe(self, examples, axis: int, widest: int):
        """True in a random stripe along an axis of each example."""
        shape = ops.shape(examples)
        size = examples.shape[axis]
        width = ops.floor(self.uniform((*shape[:2], 1, 1), 0, min(widest, size) + 1))
        start = ops.floor(self.uniform((*shape[:2], 1, 1)) * (size - width + 1))
        places = np.arange(size, dtype="float32").reshape((-1, 1) if axis == -2 else (1, -1))
        return ops.logical_and(places >= start, places < start + width)

    def get_config(self) -> dict:
        return {**super().get_config(), "frames": self.frames, "mel_bins": self.mel_bins}


# name on the command line → layer
AUGMENTATIONS: dict[str, type[_Random]] = {
    "gain": RandomGain,
    "shift": RandomShift,
    "noise": RandomNoise,
    "mixup": MixUp,
    "specaugment": SpecAugment,
}
