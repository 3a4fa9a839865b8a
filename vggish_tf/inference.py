"""The network with its weights, run in the fastest way on this machine: arrays in, arrays out."""

import os
import threading
from functools import cached_property
from typing import Literal, NamedTuple, TypeGuard, cast

import keras
import numpy as np

from vggish_tf import backend
from vggish_tf.errors import CheckpointError, UsageError
from vggish_tf.memory import laid_out
from vggish_tf.model import Postprocess, Weights, parts_of
from vggish_tf.network import backbone, engines, fast, overlap
from vggish_tf.network.plan import Engine, Plan, Precision, check_installed, possible, suited
from vggish_tf.network.postprocess import Postprocessor
from vggish_tf.params import EMBEDDING_SIZE, Params
from vggish_tf.profiles import Profile
from vggish_tf.progress import detail
from vggish_tf.weights import arrays, engine_files, loading, registry
from vggish_tf.weights.arrays import Arrays
from vggish_tf.weights.identity import UNTRAINED, Identity
from vggish_tf.weights.layouts import Shapes
from vggish_tf.weights.paths import expanded
from vggish_tf.weights.published import LAYERS

Activation = Literal["relu"] | None


class _Loaded(NamedTuple):
    run: backend.Run
    identity: Identity


_sent: dict[tuple, _Loaded] = {}  # unpickled networks, kept until the process ends
_sent_lock = threading.Lock()


class Network:
    """The network with its weights: arrays (n, 96, 64) float32 → (n, 128).

    A pickle of it holds the path of its weights, or the weights if no file holds them. The copy is
    built at its first call; all copies in a process share one network.

    Args:
        model: as for model.network_of.
        profile: its params, activation and post-processing are used.
        asked: a plan; or an engine and a precision, for which each process takes the plan that
            suits its machine.

    Raises:
        CheckpointError: the weights cannot be found or fetched, or do not fit. A copy in another
            process raises it at its first call, also if its file holds other weights.
        UsageError: the model already has a post-processing.
        VGGishError: the engine is not installed, or this process was forked from one that had
            computed.
    """

    def __init__(
        self, model: Weights | keras.Model, profile: Profile, asked: Plan | tuple[Engine, Precision]
    ):
        _check_raw(model)
        self._asked = asked
        self._source: Weights | keras.Model | Arrays = _placed(model)
        self._identity: Identity | None = None  # of weights that no file holds
        self._params = profile.params
        self._after = profile.activation, profile.postprocess
        self._digest = ""  # of the values that a copy must have
        _ = self._loaded  # now, so that errors in the weights are raised here

    def __call__(self, examples: np.ndarray) -> np.ndarray:
        return self._loaded.run(examples)

    @cached_property
    def plan(self) -> Plan:
        """The plan by which the network is computed in this process."""
        asked = self._asked
        return possible(asked) if isinstance(asked, Plan) else suited(*asked)

    @property
    def identity(self) -> Identity:
        """Identity of the weights."""
        return self._loaded.identity

    @cached_property
    def _loaded(self) -> _Loaded:
        if not self._digest:
            return self._load()
        where = str(self._source) if _is_file(self._source) else None
        which = (where, self._identity, self._digest)
        key = (*which, self._params, self.plan, self._after)
        with _sent_lock:
            if key not in _sent:
                _sent[key] = self._load()
            return _sent[key]

    def _load(self) -> _Loaded:
        backend.check_process()
        check_installed(self.plan.engine)
        values, identity = self._values()
        detail(lambda: f"weights: {identity}")
        detail(lambda: f"plan: {', '.join(self.plan.as_json().values())}")
        if self.plan.engine == "keras":
            return _Loaded(self._in_keras(values), identity)
        return _Loaded(self._in_engine(values, identity.values_sha256), identity)

    def _in_keras(self, values: fast.LayerValues) -> backend.Run:
        # bfloat16 drops each float32 value after use; float32 shares the memory of the values
        weights_of = values.pop if self.plan.arithmetic == "bfloat16" else values.__getitem__
        network = fast.network(self._params, weights_of, self.plan)
        if any(self._after):
            network = keras.Model(network.input, after(network.output, *self._after))
        return overlap.compiled(values, network, self._params)

    def _in_engine(self, values: fast.LayerValues, digest: str) -> backend.Run:
        about = self._params, values, self.plan
        shape = f"{self._params.num_frames}x{self._params.num_mel_bins}"
        name = f"{digest}-{shape}-{self.plan.arithmetic}-{engines.VERSION}.onnx"
        with engine_files.kept(name, lambda path: engines.write(path, *about)) as path:
            run = engines.loaded(path, *about)
        if not any(self._after):
            return run
        embedding = keras.Input((EMBEDDING_SIZE,))
        rest = keras.Model(embedding, after(embedding, *self._after))
        then = backend.compiled(rest, (None, EMBEDDING_SIZE))
        return lambda examples: then(run(examples))

    def _values(self) -> tuple[fast.LayerValues, Identity]:
        if _is_file(self._source):
            found, identity = arrays.read(self._source, _shapes(self._params))
            if self._digest not in ("", identity.values_sha256):
                raise CheckpointError(
                    f"{self._source} holds other weights here (digest of the values: "
                    f"{identity.values_sha256}) than where the embedder was made ({self._digest}). "
                    "Copy the file to this machine."
                )
            return _by_layer(found), identity
        if not isinstance(self._source, dict):
            model, asked = self._source, ""
            if model is None:
                model, asked = backbone.network(self._params, dtype="float32"), UNTRAINED
            found, self._identity = loading.arrays_of(model, _shapes(self._params), asked)
            self._source = {name: laid_out(array) for name, array in found.items()}
        return _by_layer(self._source), cast(Identity, self._identity)

    def __getstate__(self) -> dict:
        own = ("_loaded", "plan")  # belong to this process
        state = {name: value for name, value in vars(self).items() if name not in own}
        return {**state, "_digest": self._digest or self.identity.values_sha256}

    def __setstate__(self, state: dict):
        vars(self).update(state)
        if isinstance(self._source, dict):  # unpickled arrays are not aligned
            self._source = {name: laid_out(array) for name, array in self._source.items()}

    @property
    def known(self) -> Identity | None:
        """Identity of the weights; None in a copy that has not read them yet."""
        return self.identity if "_loaded" in vars(self) else self._identity

    def __repr__(self) -> str:
        known = self.known
        if not known:
            return f"{str(self._source)!r}, read when first used"
        return f"{known.asked!r}, {known.status}, values {known.values_sha256[:8]}"


def after(embedding, activation: Activation, postprocess: Postprocess):
    """The embedding, a tensor or an array, after its activation and its post-processing."""
    if activation:
        embedding = keras.ops.relu(embedding)
    if postprocess:
        embedding = Postprocessor(quantize=postprocess == "quantized")(embedding)
    return embedding


def _shapes(params: Params) -> Shapes:
    """Published name → shape."""
    return {
        f"{LAYERS[layer]}/{kind}": shape
        for layer, kernel in backbone.kernel_shapes(params).items()
        for kind, shape in (("weights", kernel), ("biases", kernel[-1:]))
    }


def _by_layer(values: Arrays) -> fast.LayerValues:
    return {
        layer: (values[f"{scope}/weights"], values[f"{scope}/biases"])
        for layer, scope in LAYERS.items()
    }


def _placed(model: Weights | keras.Model) -> Weights | keras.Model:
    """The same, but a path is made absolute, for processes in another folder."""
    if _is_file(model) and model not in registry.REGISTRY:
        return expanded(model).absolute()
    return model


def _is_file(source: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a file holds the weights, under a published name or a path."""
    return isinstance(source, (str, os.PathLike))


def _check_raw(model: Weights | keras.Model):
    if isinstance(model, keras.Model) and parts_of(model).postprocessor:
        raise UsageError(
            f"the model {model.name!r} has a post-processing layer. Give a model without one, and "
            "pass postprocess= here."
        )
