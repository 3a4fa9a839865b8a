"""VGGish(), the whole model as one Keras model; and the parts of a model, whoever made it.

VGGish      front end, network and post-processing put together
parts_of    the front end and the post-processing of a model
network_of  the network of a model or of weights, by itself
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import keras

import vggish_tf.network.heads  # noqa: F401, so that saved classifiers load
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
    """The VGGish model, ready to predict, to export, to fine-tune.

    Args:
        weights: "audioset" for the published checkpoint (from the cache, or fetched), the path of a
            TF1 checkpoint, `.keras` or `.weights.h5` file, or None for untrained weights (the
            upstream initializers).
        inputs: "waveform" takes (batch, num_samples) float32 at params.sample_rate, in [-1, 1], and
            gives (batch, examples, 128). "examples" takes log-mel examples (batch, 96, 64) and
            gives (batch, 128).
        params: front-end parameters, if not the published ones.
        postprocess: "pca" whitens the embedding (float32); "quantized" makes it the 8 bits of the
            AudioSet release.
        pad: how an incomplete last example is handled; "never" drops it, as upstream does, so a
            clip under 15,600 samples gives zero rows. See framing.padded_length.
        transform: of the waveform: "rfft", or "matrix", which converters know. Choose that for
            tf.lite.TFLiteConverter and other converters of your own; model.export() to ONNX and
            LiteRT takes it by itself.
        name: of the model.

    A model trusts its input, where Embedder checks its audio: Keras makes floats of integers before
    any layer sees them, and nobody looks at the range. An example with NaN or infinity in it has
    NaN for an embedding.

    model.export() and other converters leave a clip too short for one example to their runtimes,
    some of which refuse it; vggish_tf.jobs.export has an answer in each, needs less memory, and
    checks what it wrote.

    Returns:
        keras.Model whose input is `waveform` or `input_features`, with the layers `conv1` … `fc1_2`
        and `embedding`.

    Raises:
        CheckpointError: the weights cannot be had, or do not fit.
        UsageError: one of the words is unknown.
        AudioError: of `predict`, clips of different lengths.

    Warns:
        UserWarning: `params` make other examples than those that the weights were trained on.

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
    """Layers of a model besides its network; None for each that it has not.

    Args:
        front_end: waveform → examples.
        postprocessor: raw embedding → whitened or quantized.
        resample: waveform at another rate → waveform at the front end's.
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
        """The post-processing as a word."""
        if self.postprocessor is None:
            return None
        return "quantized" if self.postprocessor.quantize else "pca"


def parts_of(model: "Weights | keras.Model") -> Parts:
    """Parts of a model; none for weights, which are of the network alone."""
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
        model: "audioset", the path of a checkpoint, None for untrained weights, or a model, of
            which the weights are copied.
        params: of the front end, which shape the examples.
        dtype: the dtype policy: "float32" or "bfloat16".

    Raises:
        CheckpointError: the weights cannot be had, or do not fit.
    """
    initializer = "published" if model is None else "zeros"
    network = backbone.network(params, dtype=dtype, initializer=initializer)
    if model is None:
        return network, loading.identify(network, UNTRAINED)
    if isinstance(model, keras.Model):
        return network, loading.copy_weights(model, network)
    return network, loading.load_weights(network, model)


def describe_front_end(model: Weights | keras.Model, params: Params) -> str:
    """Says that weights were trained on other examples than `params` makes; "" if that is not
    known.

    Weights from a file count as trained on the published ones. Another hop makes no other examples.

    Example:
        >>> describe_front_end("audioset", Params(mel_max_hz=8000))
        'the front end is not the published one (mel_max_hz=8000): unless these weights were ...'
    """
    live = isinstance(model, keras.Model)
    known = model is not None and (not live or parts_of(model).front_end is not None)
    changes = params.changes(parts_of(model).params) if known else ""
    return changes and (
        f"the front end is not {'the one of the model' if live else 'the published one'} "
        f"({changes}): unless these "
        "weights were trained on it, the embeddings show that the pipeline runs, and mean nothing "
        "else."
    )


@keras.saving.register_keras_serializable(package="vggish_tf")
class VGGishModel(keras.Model):
    """The class of VGGish()'s models: refuses clips of different lengths, exports to any format."""

    def __call__(self, inputs, *args, **kwargs):
        check_one_length(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        check_one_length(x)
        return super().predict(x, *args, **kwargs)

    def export(self, filepath, format="tf_saved_model", **kwargs):
        """keras.Model.export, with the transform that the format's converter knows."""
        if format not in ("onnx", "litert"):
            return super().export(filepath, format, **kwargs)
        # with a signature, for without one Keras refuses a model that has not been called
        with _portable(self):
            return super().export(filepath, format, **{"input_signature": [self.input], **kwargs})


@contextmanager
def _portable(model: keras.Model) -> Iterator[None]:
    """The transform "matrix", while the model is traced anew."""
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
    """Loads a `.keras` file with VGGish in it: keras.saving.load_model, with this package's layers
    made known to it.

    No code in the file is run: no Lambda layer, and no function but Keras's and this package's.

    Raises:
        CheckpointError: the file is missing, damaged, no model, or would run code.

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
    except Exception as error:  # a file that was made up for it can bring Keras to raise anything
        raise CheckpointError(f"cannot load a model from {path}: {reason_of(error)}") from None
    if not isinstance(model, keras.Model):
        raise CheckpointError(
            f"cannot load a model from {path}: it holds a {type(model).__name__}."
        )
    return model
