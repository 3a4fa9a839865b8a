"""VGGish(), the whole pipeline as one Keras model; and the parts of any such model.

VGGish      front end, network and post-processing in one model
parts_of    the front end and the post-processing of a model
network_of  the network of a model or of weights, alone
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import keras

import vggish_tf.network.heads  # noqa: F401, so that saved classifiers can be loaded
from vggish_tf.errors import CheckpointError, check_word, reason_of, warn
from vggish_tf.frontend.framing import PADS, Pad, check_one_length
from vggish_tf.frontend.layers import WaveformToExamples
from vggish_tf.frontend.resampling import Resample
from vggish_tf.frontend.transforms import TRANSFORMS, Transform
from vggish_tf.network import backbone
from vggish_tf.network.postprocess import Postprocessor
from vggish_tf.params import Params
from vggish_tf.weights import keras_files, loading
from vggish_tf.weights.identity import UNTRAINED, Identity

Postprocess = Literal["pca", "quantized"] | None
Weights = str | os.PathLike[str] | None
LayerKind = TypeVar("LayerKind", bound=keras.layers.Layer)
POSTPROCESSES = (None, "pca", "quantized")


def VGGish(  # a function that makes a model is named like one, as in keras.applications
    weights: Weights = "audioset",
    *,
    inputs: Literal["waveform", "examples"] = "waveform",
    params: Params = Params(),
    postprocess: Postprocess = None,
    pad: Pad = "never",
    transform: Transform = "rfft",
    name: str = "vggish",
) -> keras.Model:
    """The VGGish model, ready to predict, to export and to fine-tune.

    Args:
        weights: "audioset" for the published checkpoint (from the cache, or fetched), the path of a
            file of weights of any format (see docs/weights.md), or None for untrained weights
            (upstream's initializers).
        inputs: "waveform": the model maps (batch, num_samples) float32 at params.sample_rate, in
            [-1, 1], to (batch, examples, 128). "examples": it maps log-mel examples
            (batch, 96, 64) to (batch, 128).
        params: front-end parameters.
        postprocess: None; "pca" whitens the embedding (float32); "quantized" gives the 8-bit format
            of the released AudioSet features (uint8).
        pad: how an incomplete last example is handled. "never" drops it, as upstream does, so a
            clip under 15,600 samples gives zero rows. See framing.padded_length.
        transform: the Fourier transform: "rfft", or "matrix", which converters can convert. Use
            "matrix" for tf.lite.TFLiteConverter and your own converters. model.export() to ONNX and
            LiteRT uses it automatically.
        name: the name of the model.

    A model does not check its input; an Embedder does. Keras converts integers to floats before any
    layer, and the range is not checked. The embedding of an example with NaN or infinity is NaN.

    A clip too short for one example has no rows; in a model exported by model.export() or another
    converter, some runtimes refuse it. vggish_tf.jobs.export handles such clips in every format,
    needs less memory, and checks the file that it wrote.

    Returns:
        keras.Model with the input `waveform` or `input_features`, and with the layers `conv1` …
        `fc1_2` and `embedding`.

    Raises:
        CheckpointError: the weights cannot be found or fetched, or do not fit.
        UsageError: one of the words is unknown.
        AudioError: from `predict`: the clips have different lengths.

    Warns:
        UserWarning: `params` give other examples than those that the weights were trained on.

    Example:
        >>> import numpy as np
        >>> model = VGGish(weights=None)
        >>> model.predict(np.zeros((2, 16_000), np.float32), verbose=0).shape
        (2, 1, 128)
    """
    check_word("inputs", inputs, ("waveform", "examples"))
    check_word("postprocess", postprocess, POSTPROCESSES)
    check_word("pad", pad, PADS)
    check_word("transform", transform, tuple(TRANSFORMS))
    if note := describe_front_end(weights, params):
        warn(note)
    if inputs == "waveform":
        x = source = keras.Input((None,), name="waveform")
        x = WaveformToExamples(params, pad=pad, transform=transform, name="examples")(x)
    else:
        x = source = keras.Input((params.num_frames, params.num_mel_bins), name="input_features")
    x = backbone.embed(x, initializer="published" if weights is None else "zeros")
    if postprocess:
        x = Postprocessor(quantize=postprocess == "quantized", name="postprocess")(x)
    model = VGGishModel(source, x, name=name)
    if weights is not None:
        loading.load_weights(model, weights)
    return model


@dataclass(frozen=True)
class Parts:
    """The layers of a model around its network; None for a layer that it does not have.

    Args:
        front_end: waveform → examples.
        postprocessor: raw embedding → whitened or quantized embedding.
        resample: waveform at another rate → waveform at the front end's rate.
    """

    front_end: WaveformToExamples | None = None
    postprocessor: Postprocessor | None = None
    resample: Resample | None = None

    @property
    def params(self) -> Params:
        """Parameters of the front end; without one, the published ones."""
        return self.front_end.params if self.front_end else Params()

    @property
    def pad(self) -> Pad:
        """The front end's rule for an incomplete last example; without one, upstream's."""
        return self.front_end.pad if self.front_end else "never"

    @property
    def postprocess(self) -> Postprocess:
        """The post-processing as a word, as for VGGish()."""
        if self.postprocessor is None:
            return None
        return "quantized" if self.postprocessor.quantize else "pca"


def parts_of(model: "Weights | keras.Model") -> Parts:
    """The parts of a model; for weights, which belong to the network alone, all are None."""
    layers = model.layers if isinstance(model, keras.Model) else []
    return Parts(
        front_end=_first(layers, WaveformToExamples),
        postprocessor=_first(layers, Postprocessor),
        resample=_first(layers, Resample),
    )


def _first(layers: Sequence[keras.layers.Layer], kind: type[LayerKind]) -> LayerKind | None:
    return next((layer for layer in layers if isinstance(layer, kind)), None)


def network_of(
    model: "Weights | keras.Model", params: Params, *, dtype: str = "float32"
) -> tuple[keras.Model, Identity]:
    """The network alone, examples → embedding, with its weights and their identity.

    Args:
        model: "audioset", the path of a checkpoint, None for untrained weights, or a model, whose
            weights are copied.
        params: front-end parameters, which determine the shape of an example.
        dtype: the dtype policy: "float32" or "bfloat16".

    Raises:
        CheckpointError: the weights cannot be found or fetched, or do not fit.
    """
    initializer = "published" if model is None else "zeros"
    network = backbone.network(params, dtype=dtype, initializer=initializer)
    if model is None:
        return network, loading.identify(network, UNTRAINED)
    if isinstance(model, keras.Model):
        return network, loading.copy_weights(model, network)
    return network, loading.load_weights(network, model)


def describe_front_end(model: Weights | keras.Model, params: Params) -> str:
    """A warning that weights were trained on other examples than `params` give; otherwise "".

    Weights from a file count as trained on the published front end. The example hop does not
    matter. Without a front end in the model, the examples are not known, and there is no warning.

    Example:
        >>> describe_front_end("audioset", Params(mel_max_hz=8000))
        'the front end is not the published one (mel_max_hz=8000): unless these weights were ...'
    """
    live = isinstance(model, keras.Model)
    known = model is not None and (not live or parts_of(model).front_end is not None)
    changes = params.changes(parts_of(model).params) if known else ""
    return changes and (
        f"the front end is not {'the one of the model' if live else 'the published one'} "
        f"({changes}): unless these weights were trained on it, the embeddings show that the "
        "pipeline runs, and mean nothing else."
    )


@keras.saving.register_keras_serializable(package="vggish_tf")
class VGGishModel(keras.Model):
    """The class of VGGish()'s models: refuses clips of different lengths; exports with Keras."""

    def __call__(self, inputs, *args, **kwargs):
        check_one_length(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        check_one_length(x)
        return super().predict(x, *args, **kwargs)

    def export(self, filepath, format="tf_saved_model", **kwargs):
        """keras.Model.export, with the transform that the format's converter can convert."""
        if format not in ("onnx", "litert"):
            return super().export(filepath, format, **kwargs)
        # with a signature: without one, Keras refuses a model that has not been called
        with _portable(self):
            return super().export(filepath, format, **{"input_signature": [self.input], **kwargs})


@contextmanager
def _portable(model: keras.Model) -> Iterator[None]:
    """Sets the transform "matrix" while the model is traced."""
    layers = [
        layer.stft_magnitude for layer in model.layers if isinstance(layer, WaveformToExamples)
    ]
    before = [layer.transform for layer in layers]
    try:
        for layer in layers:
            layer.transform = "matrix"
        yield
    finally:
        for layer, transform in zip(layers, before, strict=True):
            layer.transform = transform


def load_model(path: str | os.PathLike[str]) -> keras.Model:
    """Loads a `.keras` file that has VGGish's layers, with keras.saving.load_model.

    This package's layers are registered with Keras. No code in the file is run: no Lambda layer,
    and no functions but those of Keras and of this package.

    Args:
        path: a `.keras` file.

    Returns:
        keras.Model, as it was saved.

    Raises:
        CheckpointError: the file is missing, damaged or not a model, or would run code.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/vggish.keras"
        >>> VGGish(weights=None, inputs="examples").save(path)
        >>> load_model(path).output_shape
        (None, 128)
    """
    path = keras_files.check(path)
    keras_files.check_sums(path)
    try:
        model = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # a malicious file can make Keras raise any error
        reason = reason_of(error) + keras_files.other_keras(path, keras.__version__)
        raise CheckpointError(f"cannot load a model from {path}: {reason}") from None
    if not isinstance(model, keras.Model):
        raise CheckpointError(
            f"cannot load a model from {path}: it holds a {type(model).__name__}."
        )
    return model
