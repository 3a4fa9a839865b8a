"""The head of a classifier: pooling over examples, named scores, loss, optimizer.

The samples after a clip's last non-zero one are padding; no second input marks it. So a clip has
the same scores alone and in a zero-padded batch with longer clips.

`vggish_tf.classifier` puts these layers together. This module is imported wherever a saved
classifier may be loaded.
"""

from typing import Literal, get_args

import keras
from keras import ops

from vggish_tf.errors import check_word
from vggish_tf.frontend.framing import (
    PADS,
    Pad,
    clip_lengths,
    count_examples,
    count_frames,
    padded_length,
)
from vggish_tf.frontend.layers import FrontEndLayer
from vggish_tf.network.backbone import LAYER_NAMES
from vggish_tf.params import ADAM_EPSILON, LEARNING_RATE, Params

PoolMode = Literal["mean", "max", "attention"]
Pool = PoolMode | None
MODES: tuple[PoolMode, ...] = get_args(PoolMode)


def count_clip_examples(num_samples, params: Params, pad: Pad):
    """Number of examples of a clip of `num_samples`, an int or a tensor, under a `pad` rule.

    Example:
        >>> count_clip_examples(8_000, Params(), "short")
        1
    """
    return count_examples(count_frames(padded_length(num_samples, params, pad), params), params)


@keras.saving.register_keras_serializable(package="vggish_tf")
class SoundingExamples(FrontEndLayer):
    """Mask of the examples of zero-padded clips: True for a clip's own examples, False for padding.

    A clip ends with its last non-zero sample. It has as many examples as it would have alone under
    the same `pad` rule, but at least one, so that a silent clip has scores. Digital silence at the
    end of a recording counts as padding.

    Args:
        params, pad: as for WaveformToExamples, but `pad` is "short" by default.

    Input shape:  (batch, num_samples) float32
    Output shape: (batch, examples) bool

    Raises:
        UsageError: `pad` is unknown.

    Example:
        >>> import numpy as np
        >>> waveforms = np.zeros((2, 32_000), np.float32)
        >>> waveforms[0, :32_000] = waveforms[1, :16_000] = 0.1
        >>> np.asarray(SoundingExamples()(waveforms))
        array([[ True,  True],
               [ True, False]])
    """

    def __init__(self, params=None, *, pad: Pad = "short", **kwargs):
        super().__init__(params, **kwargs)
        check_word("pad", pad, PADS)
        self.pad = pad

    def call(self, waveform):
        counts = ops.maximum(count_clip_examples(clip_lengths(waveform), self.params, self.pad), 1)
        total = count_clip_examples(ops.shape(waveform)[-1], self.params, self.pad)
        return ops.arange(total, dtype="int32") < ops.expand_dims(counts, -1)

    def compute_output_spec(self, waveform):
        batch, total = waveform.shape
        if total is not None:
            total = count_clip_examples(total, self.params, self.pad)
        return keras.KerasTensor((batch, total), dtype="bool")

    def get_config(self) -> dict:
        return {**super().get_config(), "pad": self.pad}


@keras.saving.register_keras_serializable(package="vggish_tf")
class PoolExamples(keras.layers.Layer):
    """Pools the vectors of a clip's examples into one vector, without the padding.

    Args:
        mode: "mean", "max", or "attention": a mean whose weights are the softmax of one learned
            linear score.

    Input shape:  [(batch, examples, size) float, (batch, examples) bool: False is padding]
    Output shape: (batch, size)

    Raises:
        UsageError: `mode` is unknown.

    Example:
        >>> pool = PoolExamples("max")
        >>> float(pool([keras.ops.array([[[1.0], [5.0]]]), keras.ops.array([[True, False]])])[0, 0])
        1.0
    """

    def __init__(self, mode: PoolMode = "mean", **kwargs):
        super().__init__(**kwargs)
        check_word("mode", mode, MODES)
        self.mode = mode

    def build(self, input_shape):
        if self.mode == "attention":
            self.query = self.add_weight(
                name="query", shape=(input_shape[0][-1], 1), initializer="zeros"
            )

    def call(self, inputs):
        vectors, sounding = inputs
        sounding = ops.expand_dims(sounding, -1)
        if self.mode == "max":
            return ops.max(ops.where(sounding, vectors, -float("inf")), axis=-2)
        is_mean = self.mode == "mean"
        scores = ops.zeros_like(vectors[..., :1]) if is_mean else ops.matmul(vectors, self.query)
        scores = ops.where(sounding, scores, -float("inf"))
        # not ops.softmax, which warns if there is one example
        weights = ops.exp(scores - ops.logsumexp(scores, axis=-2, keepdims=True))
        return ops.sum(weights * ops.where(sounding, vectors, 0), axis=-2)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], input_shape[0][-1])

    def get_config(self) -> dict:
        return {**super().get_config(), "mode": self.mode}


@keras.saving.register_keras_serializable(package="vggish_tf")
class ClassScores(keras.layers.Layer):
    """Logits → scores in [0, 1], one a class. The labels are in the config, and so in saved models.

    The output tensor keeps its logits (as with Keras's own activations), and Keras's crossentropies
    use these: scores close to 0 or 1 have a gradient too.

    Args:
        labels: the name of each class.
        multi_label: True: each score is independent (sigmoid). False: the scores of a clip sum to 1
            (softmax).

    Input shape:  (…, classes) float32; or a list of that and a mask (…) bool, for losses and
    metrics
    Output shape: (…, classes) float32

    Example:
        >>> scores = ClassScores(["cat", "dog"])(keras.ops.array([[0.0, 0.0]]))
        >>> [float(score) for score in scores[0]]
        [0.5, 0.5]
    """

    def __init__(self, labels, *, multi_label: bool = False, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.labels, self.multi_label = list(labels), multi_label

    def call(self, inputs):
        logits = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        activations = keras.activations
        return activations.sigmoid(logits) if self.multi_label else activations.softmax(logits)

    def compute_mask(self, inputs, mask=None):
        return inputs[1] if isinstance(inputs, (list, tuple)) else None

    def compute_output_shape(self, input_shape):
        return input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "labels": self.labels, "multi_label": self.multi_label}


def _by_form(of_rows, of_numbers, targets, scores):
    """Applies `of_rows` to one-hot targets, or `of_numbers` to class numbers.

    In a tf.function that was called with both, the rank is unknown; then the size decides.
    """
    if getattr(targets.shape, "rank", 0) is None:
        shape = ops.shape(scores)
        return ops.cond(
            ops.equal(ops.size(targets), ops.size(scores)),
            lambda: of_rows(ops.reshape(targets, shape), scores),
            lambda: of_numbers(ops.reshape(targets, shape[:-1]), scores),
        )
    a_number_a_row = targets.shape[-1:] == (1,) and scores.shape[-1] != 1
    numbers = a_number_a_row or len(targets.shape) < len(scores.shape)
    return (of_numbers if numbers else of_rows)(targets, scores)


@keras.saving.register_keras_serializable(package="vggish_tf")
class Crossentropy(keras.losses.Loss):
    """Categorical crossentropy of one-hot targets or class numbers, recognized by their shape.

    Targets: (…, classes), or class numbers (…) or (…, 1) from 0; of any dtype.
    Scores:  (…, classes), which sum to 1

    Example:
        >>> scores = keras.ops.array([[0.5, 0.5], [0.25, 0.75]])
        >>> loss = Crossentropy()
        >>> bool(loss(keras.ops.array([0, 1]), scores) == loss(keras.ops.eye(2), scores))
        True
    """

    def call(self, y_true, y_pred):
        of_rows = keras.losses.categorical_crossentropy
        of_numbers = keras.losses.sparse_categorical_crossentropy
        return _by_form(of_rows, of_numbers, y_true, y_pred)


@keras.saving.register_keras_serializable(package="vggish_tf")
class Accuracy(keras.metrics.MeanMetricWrapper):
    """Share of the rows whose highest score is that of the target; shapes as for Crossentropy.

    Example:
        >>> accuracy = Accuracy()
        >>> accuracy.update_state([0, 1], keras.ops.array([[0.9, 0.1], [0.9, 0.1]]))
        >>> float(accuracy.result())
        0.5
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(_are_right, name=name, dtype=dtype)

    def get_config(self) -> dict:
        return {"name": self.name, "dtype": self.dtype}


def _are_right(targets, scores):
    """1.0 for each row whose highest score is that of the target, otherwise 0.0."""
    of_rows = keras.metrics.categorical_accuracy
    of_numbers = keras.metrics.sparse_categorical_accuracy
    return _by_form(of_rows, of_numbers, ops.convert_to_tensor(targets), scores)


@keras.saving.register_keras_serializable(package="vggish_tf")
class DiscriminativeAdam(keras.optimizers.Adam):
    """Adam with a separate learning rate for the network.

    Args:
        learning_rate: the learning rate of all other weights; the default is upstream's.
        backbone_factor: the factor of the learning rate for the layers `conv1` … `embedding`.
        epsilon: as for Adam; the default is upstream's.

    Example:
        >>> DiscriminativeAdam(backbone_factor=0.1).get_config()["backbone_factor"]
        0.1
    """

    def __init__(
        self,
        learning_rate=LEARNING_RATE,
        *,
        backbone_factor: float = 1.0,
        epsilon: float = ADAM_EPSILON,
        **kwargs,
    ):
        super().__init__(learning_rate, epsilon=epsilon, **kwargs)
        self.backbone_factor = backbone_factor

    def build(self, variables):
        super().build(variables)
        layers = [variable.path.split("/")[-2] for variable in variables]
        self._factors = [self.backbone_factor if layer in LAYER_NAMES else 1.0 for layer in layers]

    def update_step(self, gradient, variable, learning_rate):
        factor = self._factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * factor)

    def get_config(self) -> dict:
        return {**super().get_config(), "backbone_factor": self.backbone_factor}
