"""The network with its weights, from a file or from a model, in a precision; and as this machine runs it fastest."""

import keras

from vggish_tf import backbone, checkpoints, registry, runtime
from vggish_tf.frontend import WaveformToExamples
from vggish_tf.model import Postprocess, Weights
from vggish_tf.params import Params
from vggish_tf.postprocess import Postprocessor


def of(model: Weights | keras.Model, params: Params, precision: str) -> keras.Model:
    """The backbone with the weights of a checkpoint or a copy of a model's: examples → embedding.

    Args:
        model: as for Embedder; None for untrained weights. What stands behind the network of a model is left out.
        params: of the front end.
        precision: "float32" or "bfloat16".

    Raises:
        CheckpointError: the weights cannot be had, or do not fit.
    """
    raw = backbone.core(params, dtype=precision, initializer="published" if model is None else "zeros")
    if isinstance(model, keras.Model):
        checkpoints.copy_weights(model, raw)
    elif model is not None:
        checkpoints.load_weights(raw, model)
    return raw


def prepared(raw: keras.Model, postprocess: Postprocess) -> keras.Model:
    """The same for inference on this machine, with what comes behind the embedding."""
    fast = runtime.fastest(raw)
    if not postprocess:
        return fast
    return keras.Model(fast.input, Postprocessor(quantize=postprocess == "quantized")(fast.output))


def params_of(model: Weights | keras.Model) -> Params:
    """The parameters of a model's front end, if it has one."""
    layers = model.layers if isinstance(model, keras.Model) else ()
    return next((layer.params for layer in layers if isinstance(layer, WaveformToExamples)), Params())


def describe(model: Weights | keras.Model) -> dict[str, str | bool | None]:
    """A name for the weights, the MD5 of their file, and whether it is the published one."""
    if model is None or isinstance(model, keras.Model):
        name = "untrained" if model is None else f"keras model {model.name!r}"
        return {"weights": name, "weights_md5": None, "published": False}
    path = registry.resolve(model)
    return {
        "weights": path.name,
        "weights_md5": registry.md5_of(path),
        "published": registry.is_published(path),
    }


def check_raw(model: Weights | keras.Model):
    """Refuses a model with a postprocessor.

    Raises:
        ValueError: what to do instead.
    """
    if isinstance(model, keras.Model) and any(isinstance(layer, Postprocessor) for layer in model.layers):
        raise ValueError(f"the model {model.name!r} post-processes. Give one that does not, and say postprocess= here.")
