"""Refusals: exports that would make another classifier than was trained."""

import keras

from vggish_tf.classifier import params_of
from vggish_tf.errors import UsageError
from vggish_tf.frontend.layers import Pad
from vggish_tf.jobs.export.formats import FORMATS
from vggish_tf.model import Postprocess, Weights
from vggish_tf.params import Params


def check(
    model: keras.Model,
    format: str,
    *,
    params: Params | None = None,
    pad: Pad | None = None,
    postprocess: Postprocess = None,
    pca: Weights = None,
):
    """Refuses a format without a place for the head, and what would make another classifier than
    was trained.

    Raises:
        UsageError: what to do instead.
    """
    if not FORMATS[format].whole:
        raise UsageError(
            f"the format {format!r} holds the network alone, and this model is a classifier. "
            "Choose another format, or "
            "export the network under its head, in Python: export(finetune.network(model), path, "
            f"format={format!r})"
        )
    own: dict[str, object] = {"params": params_of(model), "pad": model.get_layer("examples").pad}
    asked = {
        "params": params,
        "pad": pad,
        "postprocess": postprocess,
        "pca": None if pca == "audioset" else pca,
    }
    other = [
        f"{name}={value!r}"
        for name, value in asked.items()
        if value is not None and value != own.get(name)
    ]
    if other:
        raise UsageError(
            "a classifier is exported with the front end and the PCA that it was trained with; "
            "received "
            f"{', '.join(other)}. Leave that out, or train another: vggish-tf finetune"
        )
