"""classifier(): the network and a head as one Keras model, waveform → class scores.

Other functions give the parts of such a model: labels, network, head, stages.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import keras

from vggish_tf.errors import VGGishError, check_argument, check_count, check_word
from vggish_tf.model import VGGish, Weights
from vggish_tf.network import heads
from vggish_tf.network.backbone import LAYER_NAMES
from vggish_tf.params import LEARNING_RATE, Params
from vggish_tf.weights import loading
from vggish_tf.weights.identity import UNTRAINED

# the stages that can be cached, and that training can start at
CachedStage = Literal["examples", "embedding"]
Stage = Literal["waveform"] | CachedStage
CACHED_STAGES: tuple[CachedStage, ...] = get_args(CachedStage)
STAGES: tuple[Stage, ...] = ("waveform", *CACHED_STAGES)
PAD: Literal["short"] = "short"

# The layers that are trainable, in addition to the head.
TRAINABLE: dict[str, tuple[str, ...]] = {
    "head": (),
    "fc": ("fc1_1", "fc1_2", "embedding"),
    "conv4": ("conv4_1", "conv4_2", "fc1_1", "fc1_2", "embedding"),
    "all": LAYER_NAMES,
}
# The layers that every classifier has, and by which it is recognized.
OF_EVERY_CLASSIFIER = {"examples", "sounding", "embedding", "scores"}
# The learning rate of the network, as a fraction of that of the head.
BACKBONE_FACTOR = 0.1


def classifier(
    num_classes: int,
    *,
    multi_label: bool = False,
    hidden: Sequence[int] = (100,),
    pool: heads.Pool = "mean",
    weights: Weights = "audioset",
    trainable: Literal["head", "fc", "conv4", "all"] = "head",
    dropout: float = 0.0,
    postprocess: Literal["pca"] | None = None,
    labels: Sequence[str] | None = None,
    params: Params | None = None,
    learning_rate: float = LEARNING_RATE,
    backbone_learning_rate: float | None = None,
) -> keras.Model:
    """A compiled classifier: embedding, ReLU, hidden layers, pooling over the clip, scores.

    A batch may hold clips of different lengths, filled up with zeros. The samples after a clip's
    last non-zero one are ignored, and so is an incomplete last example, as everywhere. A clip
    shorter than one example (0.975 s) is filled with silence.

    Args:
        num_classes: the number of classes: two or more; with multi_label, one or more.
        multi_label: False: a clip has one class, and its scores sum to 1 (softmax, categorical
            crossentropy). True: a clip has any number of classes (sigmoid, binary crossentropy).
            Targets are (batch, num_classes) with 1 for a class of the clip; without multi_label,
            also class numbers (batch,).
        hidden: units of the ReLU layers between the embedding and the scores. Upstream's demo has
            one layer of 100.
        pool: how the hidden vectors of a clip's examples are pooled: "mean", "max" or "attention".
            None scores every example. Targets then have an axis of examples, and those of padding
            are ignored; `dataset` and `train` have one target a clip, so call fit() with your own
            targets.
        weights: as for VGGish(); None starts from untrained weights.
        trainable: the trainable layers: "head"; "fc", also the dense layers of the network;
            "conv4", also its last convolutions; or "all".
        dropout: the rate of dropout before the scores, in training.
        postprocess: "pca" whitens the embedding first.
        labels: the names of the classes, saved with the model; by default "0", "1" …
        params: front-end parameters; None is the published ones.
        learning_rate: Adam's learning rate for the head; epsilon is upstream's 1e-8.
        backbone_learning_rate: the learning rate of the network under the head. By default it is a
            tenth of `learning_rate`; with weights=None it is all of it, since untrained weights
            have nothing to preserve.

    Returns:
        keras.Model `classifier`, waveform (batch, num_samples) float32 at params.sample_rate →
        scores (batch, num_classes), or (batch, examples, num_classes).

    Raises:
        UsageError: there are too few classes, labels that do not fit, an unknown word, or a number
            out of range.
        CheckpointError: the weights cannot be found or fetched, or do not fit.

    Example:
        >>> import numpy as np
        >>> model = classifier(2, weights=None, labels=["cat", "dog"])
        >>> model.predict(np.zeros((1, 16_000), np.float32), verbose=0).shape, labels_of(model)
        ((1, 2), ['cat', 'dog'])

    Source: upstream's vggish_train_demo.py, and its README on the ReLU.
    """
    params = params or Params()
    check_word("trainable", trainable, tuple(TRAINABLE))
    check_word("pool", pool, (*heads.MODES, None))
    check_word("postprocess", postprocess, (None, "pca"), "Bytes have no gradient.")
    _check_numbers(hidden, dropout, learning_rate, backbone_learning_rate)
    labels = _check_labels(num_classes, multi_label, labels)
    base = VGGish(weights, params=params, postprocess=postprocess, pad=PAD)
    for name in LAYER_NAMES:
        base.get_layer(name).trainable = name in TRAINABLE[trainable]
    sounding = heads.SoundingExamples(params, pad=PAD, name="sounding")(base.input)
    scores = _head(base.output, sounding, labels, multi_label, hidden, pool, dropout)
    model = keras.Model(base.input, scores, name="classifier")
    model.identity = loading.identify(base, UNTRAINED if weights is None else "")
    if backbone_learning_rate is None:
        backbone_learning_rate = learning_rate * (1.0 if weights is None else BACKBONE_FACTOR)
    _compile(
        model,
        heads.DiscriminativeAdam(
            learning_rate, backbone_factor=backbone_learning_rate / learning_rate
        ),
    )
    return model


def _check_numbers(hidden, dropout, learning_rate, backbone_learning_rate):
    for units in hidden:
        check_count("hidden", units)
    check_argument("dropout", dropout, 0 <= dropout < 1, "from 0 to under 1")
    rates = {"learning_rate": learning_rate, "backbone_learning_rate": backbone_learning_rate}
    for name, rate in rates.items():
        check_argument(name, rate, rate is None or rate > 0, "positive")


def _check_labels(num_classes, multi_label, labels) -> list[str]:
    """The labels, after a check that they fit."""
    check_count("num_classes", num_classes, 1 if multi_label else 2)
    labels = [str(number) for number in range(num_classes)] if labels is None else list(labels)
    different = len(labels) == len(set(labels)) == num_classes
    check_argument("labels", labels, different, f"{num_classes} different names")
    return labels


def _head(embedding, sounding, labels, multi_label, hidden, pool, dropout):
    # the embedding has no activation of its own
    x = keras.layers.ReLU(name="embedding_relu")(embedding)
    for number, units in enumerate(hidden, start=1):
        x = keras.layers.Dense(units, activation="relu", name=f"hidden{number}")(x)
    if pool is not None:
        x = heads.PoolExamples(pool, name="pool", dtype="float32")([x, sounding])
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    logits = keras.layers.Dense(len(labels), name="logits", dtype="float32")(x)
    scores = heads.ClassScores(labels, multi_label=multi_label, name="scores")
    return scores(logits if pool is not None else [logits, sounding])


def _compile(model: keras.Model, optimizer: keras.optimizers.Optimizer):
    multi_label = model.get_layer("scores").multi_label
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy") if multi_label else heads.Accuracy()
    model.compile(
        optimizer=optimizer,
        loss="binary_crossentropy" if multi_label else heads.Crossentropy(),
        weighted_metrics=[accuracy],
        jit_compile=False,  # XLA would compile again for every clip length
    )


def labels_of(model: keras.Model) -> list[str]:
    """The labels that a classifier was made with, in the order of its scores.

    Raises:
        VGGishError: the model is not a classifier of this module.
    """
    return _scores_of(model).labels


def is_multi_label(model: keras.Model) -> bool:
    """Whether a classifier was made with multi_label.

    Raises:
        VGGishError: the model is not a classifier of this module.
    """
    return _scores_of(model).multi_label


def _scores_of(model: keras.Model) -> heads.ClassScores:
    found = [layer for layer in model.layers if isinstance(layer, heads.ClassScores)]
    if not found:
        raise VGGishError(
            f"the model {model.name!r} is not a classifier: it has no layer of class scores. "
            "Train one: vggish-tf finetune"
        )
    return found[0]


def is_untrained(model: keras.Model) -> bool:
    """Whether the network under the head is untrained, as by loading.is_untrained."""
    return loading.is_untrained(network(model))


def network(model: keras.Model) -> keras.Model:
    """The VGGish under the head: waveform → raw embeddings. It shares the classifier's layers."""
    found = keras.Model(model.input, model.get_layer("embedding").output, name="vggish")
    found.identity = getattr(model, "identity", None)
    return found


def front(model: keras.Model, stage: CachedStage) -> keras.Model:
    """First part of a classifier: waveform → [values of a stage, (batch, examples) bool].

    The second output is False for examples that are padding. "examples" ends with the front end and
    "embedding" with the network, before any PCA. The layers are shared.

    Args:
        model: a classifier.
        stage: "examples" or "embedding".

    Raises:
        UsageError: the stage is neither of the two.
    """
    check_word("stage", stage, CACHED_STAGES)
    return keras.Model(model.input, _cut(model, stage))


def back(model: keras.Model, stage: CachedStage) -> keras.Model:
    """Second part of a classifier: the outputs of `front` → scores.

    The layers are shared, so training it trains the classifier.

    Raises:
        UsageError: the stage is neither of the two.
    """
    check_word("stage", stage, CACHED_STAGES)
    return keras.Model(_cut(model, stage), model.output)


def _cut(model, stage):
    return [model.get_layer(stage).output, model.get_layer("sounding").output]


def is_classifier(model) -> bool:
    """True for a model that classifier() made, also after it was saved and loaded."""
    return (
        isinstance(model, keras.Model)
        and {layer.name for layer in model.layers} >= OF_EVERY_CLASSIFIER
    )


def head_of(model: keras.Model) -> keras.Model:
    """The head of a classifier, in float32 and with a copy of the weights.

    Returns:
        keras.Model, [embedding (batch, examples, 128), (batch, examples) bool, False for padding] →
        scores.
    """
    inputs = [model.get_layer(name).output for name in ("embedding", "sounding")]
    # an exported classifier has more layers after its scores
    head = keras.Model(inputs, model.get_layer("scores").output)
    copy = keras.models.clone_model(head, clone_function=_in_float32)
    copy.set_weights(head.get_weights())
    return copy


def _in_float32(layer: keras.layers.Layer) -> keras.layers.Layer:
    return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})
