"""Checks of exports of a classifier: the exported classifier must be the trained one."""

import keras

from vggish_tf.errors import UsageError
from vggish_tf.jobs.export.catalogue import FORMATS, Options
from vggish_tf.model import parts_of


def check(model: keras.Model, options: Options):
    """Raises for a format that cannot hold the head, and for options that contradict the training.

    Raises:
        UsageError: the message says what to do instead.
    """
    if not FORMATS[options.format].whole:
        raise UsageError(
            f"the format {options.format!r} holds the network alone, and this model is a "
            "classifier. Choose another format, or export the network under its head, in Python: "
            f"export(finetune.network(model), path, format={options.format!r})"
        )
    parts = parts_of(model)
    trained = {"params": parts.params, "pad": parts.pad}
    asked = {
        "params": options.params,
        "pad": options.pad,
        "postprocess": options.postprocess,
        "pca": None if options.pca == "own" else options.pca,
    }
    others = [
        f"{name}={value!r}"
        for name, value in asked.items()
        if value is not None and value != trained.get(name)
    ]
    if others:
        raise UsageError(
            "a classifier is exported with the front end and the PCA that it was trained with; "
            f"received {', '.join(others)}. Leave that out, or train another: vggish-tf finetune"
        )
