"""The network with its weights, from a file or from a model, in a precision; and as this machine
runs it fastest.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeGuard

import keras
import numpy as np

from vggish_tf import backend
from vggish_tf.model import Postprocess, Weights, front_end_of
from vggish_tf.network import backbone, winograd
from vggish_tf.network.postprocess import Postprocessor
from vggish_tf.params import Params
from vggish_tf.weights import loading, registry


class _Loaded(NamedTuple):
    run: backend.Run
    untrained: bool
    weights: dict[str, str | bool | None]


class Network:
    """The network with its weights as this machine runs it: arrays (n, 96, 64) float32 → (n, 128).

    Pickled, it is where its weights are, and is made again at the first call; weights that no file
    holds go along.

    Args:
        model, params, precision: as for `of`.
        postprocess: what comes behind the embedding.

    Raises:
        CheckpointError: the weights cannot be had, or do not fit.
        VGGishError: this process was forked from one that had computed.
    """

    def __init__(
        self,
        model: Weights | keras.Model,
        params: Params,
        *,
        precision: str,
        postprocess: Postprocess,
    ):
        self._model, self._weights = model, None if is_file(model) else describe(model)
        self._params, self._precision, self._postprocess = params, precision, postprocess
        _ = self._loaded  # now, so that what is wrong with the weights shows here

    def __call__(self, examples: np.ndarray) -> np.ndarray:
        return self._loaded.run(examples)

    @property
    def weights(self) -> dict[str, str | bool | None]:
        """Names of the weights, as `describe` gives them."""
        return self._loaded.weights

    @property
    def untrained(self) -> bool:
        """Whether they are as an initializer leaves them; see loading.is_untrained."""
        return self._loaded.untrained

    @cached_property
    def _loaded(self) -> _Loaded:
        backend.check_process()
        weights = self._weights or describe(self._model)
        raw = of(self._model, self._params, self._precision)
        if not is_file(self._model):
            self._model = raw
        shape = (None, self._params.num_frames, self._params.num_mel_bins)
        run = backend.compiled(prepared(raw, self._postprocess), shape)
        return _Loaded(run, loading.is_untrained(raw), weights)

    def __getstate__(self) -> dict:
        state = {name: value for name, value in vars(self).items() if name != "_loaded"}
        if is_file(self._model) and self._model not in registry.REGISTRY:
            # Another process may be in another folder.
            state["_model"] = Path(self._model).expanduser().absolute()
        return state

    def __repr__(self) -> str:
        name = str(self._model) if self._weights is None else self._weights["weights"]
        untrained = "_loaded" in vars(self) and self.untrained
        return f"{name!r}{', UNTRAINED' if untrained else ''}"


def of(model: Weights | keras.Model, params: Params, precision: str) -> keras.Model:
    """The backbone with the weights of a checkpoint or a copy of a model's: examples → embedding.

    Args:
        model: as for Embedder; None for untrained weights. What stands behind the network of a
            model is left out.
        params: of the front end.
        precision: "float32" or "bfloat16".

    Raises:
        CheckpointError: the weights cannot be had, or do not fit.
    """
    raw = backbone.core(
        params, dtype=precision, initializer="published" if model is None else "zeros"
    )
    if isinstance(model, keras.Model):
        loading.copy_weights(model, raw)
    elif model is not None:
        loading.load_weights(raw, model)
    return raw


def prepared(raw: keras.Model, postprocess: Postprocess) -> keras.Model:
    """The same for inference on this machine, with what comes behind the embedding."""
    fast = winograd.fastest(raw)
    if not postprocess:
        return fast
    return keras.Model(fast.input, Postprocessor(quantize=postprocess == "quantized")(fast.output))


def params_of(model: Weights | keras.Model) -> Params:
    """The parameters of a model's front end, if it has one."""
    return (isinstance(model, keras.Model) and front_end_of(model)) or Params()


def is_file(model: Weights | keras.Model) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a file holds the weights, under a published name or a path."""
    return not (model is None or isinstance(model, keras.Model))


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
    if isinstance(model, keras.Model) and any(
        isinstance(layer, Postprocessor) for layer in model.layers
    ):
        raise ValueError(
            f"the model {model.name!r} post-processes. Give one that does not, and say "
            "postprocess= here."
        )
