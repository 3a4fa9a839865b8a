"""A classifier of jobs/finetune in two pieces: the network, which every export holds, and the head behind it.

A head is known by the names of the layers around it. Another one, that somebody put on a VGGish, is refused where the
network's weights are copied.
"""

import keras

from vggish_tf.errors import UsageError
from vggish_tf.frontend import Pad
from vggish_tf.jobs.export.formats import FORMATS
from vggish_tf.jobs.finetune.model import network, params_of
from vggish_tf.model import Postprocess, Weights
from vggish_tf.params import Params

__all__ = ["check", "head_of", "is_classifier", "network"]

LAYERS = {"examples", "sounding", "embedding", "scores"}


def is_classifier(model) -> bool:
    """True for what finetune.classifier() made, also after it was saved and loaded."""
    return isinstance(model, keras.Model) and {layer.name for layer in model.layers} >= LAYERS


def head_of(model: keras.Model) -> keras.Model:
    """What is behind the network of a classifier, in float32 and with a copy of the weights.

    Returns:
        keras.Model, [embedding (batch, examples, 128), which examples sound (batch, examples) bool] → scores.
    """
    inputs = [model.get_layer(name).output for name in ("embedding", "sounding")]
    head = keras.Model(inputs, model.get_layer("scores").output)  # an exported classifier goes on behind its scores
    copy = keras.models.clone_model(head, clone_function=_in_float32)
    copy.set_weights(head.get_weights())
    return copy


def check(
    model: keras.Model,
    format: str,
    *,
    params: Params | None = None,
    pad: Pad | None = None,
    postprocess: Postprocess = None,
    pca: Weights = None,
):
    """Refuses a format without a place for the head, and what would make another classifier than was trained.

    Raises:
        UsageError: what to do instead.
    """
    if not FORMATS[format].whole:
        raise UsageError(
            f"the format {format!r} holds the network alone, and this model is a classifier. Choose another format, or "
            f"export the network under its head, in Python: export(finetune.network(model), path, format={format!r})"
        )
    own: dict[str, object] = {"params": params_of(model), "pad": model.get_layer("examples").pad}
    asked = {"params": params, "pad": pad, "postprocess": postprocess, "pca": None if pca == "audioset" else pca}
    other = [f"{name}={value!r}" for name, value in asked.items() if value is not None and value != own.get(name)]
    if other:
        raise UsageError(
            f"a classifier is exported with the front end and the PCA that it was trained with; received "
            f"{', '.join(other)}. Leave that out, or train another: vggish-tf finetune"
        )


def _in_float32(layer: keras.layers.Layer) -> keras.layers.Layer:
    return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})
