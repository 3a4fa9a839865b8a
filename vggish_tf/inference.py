"""The network with its weights as this machine runs it fastest: arrays in, arrays out."""

import os
import threading
from functools import cached_property
from typing import Literal, NamedTuple, TypeGuard

import keras
import numpy as np

from vggish_tf import backend
from vggish_tf.errors import CheckpointError, UsageError
from vggish_tf.model import Postprocess, Weights, network_of, parts_of
from vggish_tf.network import overlap, winograd
from vggish_tf.network.postprocess import Postprocessor
from vggish_tf.profiles import Profile
from vggish_tf.weights import registry
from vggish_tf.weights.identity import Identity
from vggish_tf.weights.paths import expanded

Activation = Literal["relu"] | None


class _Loaded(NamedTuple):
    run: backend.Run
    identity: Identity


_sent: dict[tuple, _Loaded] = {}  # networks that came pickled, for the life of this process
_sent_lock = threading.Lock()


class Network:
    """The network with its weights: arrays (n, 96, 64) float32 → (n, 128).

    Pickled, it is where its weights are, and is made again at the first call, once a process for
    all copies; weights that no file holds go along.

    Args:
        model: as for network_of.
        profile: its params, activation and post-processing hold.
        precision: "float32" or "bfloat16".

    Raises:
        CheckpointError: the weights cannot be had, or do not fit; later, of a copy in another
            process, that its file holds other weights.
        UsageError: the model post-processes already.
        VGGishError: this process was forked from one that had computed.
    """

    def __init__(self, model: Weights | keras.Model, profile: Profile, *, precision: str):
        _check_raw(model)
        self._model = _placed(model)
        self._identity: Identity | None = None  # of weights that no file holds
        self._params, self._precision = profile.params, precision
        self._after = profile.activation, profile.postprocess
        self._digest = ""  # of the values that a copy must have
        _ = self._loaded  # now, so that what is wrong with the weights shows here

    def __call__(self, examples: np.ndarray) -> np.ndarray:
        return self._loaded.run(examples)

    @property
    def identity(self) -> Identity:
        """Identity of the weights."""
        return self._loaded.identity

    @cached_property
    def _loaded(self) -> _Loaded:
        if not self._digest:
            return self._load()
        where = str(self._model) if _is_file(self._model) else None
        which = (where, self._identity, self._digest)
        key = (*which, self._params, self._precision, self._after)
        with _sent_lock:
            if key not in _sent:
                _sent[key] = self._load()
            return _sent[key]

    def _load(self) -> _Loaded:
        backend.check_process()
        network, identity = network_of(self._model, self._params, dtype=self._precision)
        if _is_file(self._model) and self._digest not in ("", identity.values_sha256):
            raise CheckpointError(
                f"{self._model} holds other weights here (digest of the values: "
                f"{identity.values_sha256}) than where the embedder was made ({self._digest}). "
                "Copy the file to this machine."
            )
        if not _is_file(self._model):
            self._model, self._identity = network, self._identity or identity
        run = overlap.compiled(network, _fastest(network, *self._after), self._params)
        return _Loaded(run, self._identity or identity)

    def __getstate__(self) -> dict:
        state = {name: value for name, value in vars(self).items() if name != "_loaded"}
        return {**state, "_digest": self._digest or self.identity.values_sha256}

    def __repr__(self) -> str:
        if "_loaded" not in vars(self) and self._identity is None:
            return repr(str(self._model))
        identity = self._identity or self.identity
        return f"{identity.asked!r}{', UNTRAINED' if identity.untrained else ''}"


def _fastest(network: keras.Model, activation: Activation, postprocess: Postprocess) -> keras.Model:
    """The same for inference on this machine, with what comes after it."""
    fast = winograd.fastest(network)
    return keras.Model(fast.input, after(fast.output, activation, postprocess))


def after(embedding, activation: Activation, postprocess: Postprocess):
    """The embedding after its activation and its post-processing, a tensor or an array."""
    if activation:
        embedding = keras.ops.relu(embedding)
    if postprocess:
        embedding = Postprocessor(quantize=postprocess == "quantized")(embedding)
    return embedding


def _placed(model: Weights | keras.Model) -> Weights | keras.Model:
    """The same with a path that holds in another process, which may be in another folder."""
    if _is_file(model) and model not in registry.REGISTRY:
        return expanded(model).absolute()
    return model


def _is_file(model: Weights | keras.Model) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a file holds the weights, under a published name or a path."""
    return not (model is None or isinstance(model, keras.Model))


def _check_raw(model: Weights | keras.Model):
    if isinstance(model, keras.Model) and parts_of(model).postprocessor:
        raise UsageError(
            f"the model {model.name!r} post-processes. Give one that does not, and say "
            "postprocess= here."
        )
