"""Pipeline of an export: VGGish or a classifier in parts, which each format puts together.

The parts are Keras layers in float32. `live` runs the layers themselves; every exported file is
compared with its output.
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from keras import ops

from vggish_tf import classifier
from vggish_tf.errors import UsageError, warn
from vggish_tf.frontend.layers import Pad, WaveformToExamples
from vggish_tf.frontend.resampling import Resample
from vggish_tf.jobs.export import classifiers
from vggish_tf.jobs.export.catalogue import Options, check_options
from vggish_tf.model import Postprocess, Weights, describe_front_end, network_of, parts_of
from vggish_tf.network import backbone, heads
from vggish_tf.network.postprocess import Postprocessor
from vggish_tf.params import EMBEDDING_SIZE, Params
from vggish_tf.weights import loading, pca
from vggish_tf.weights.identity import Identity, digest_of

LONGEST = 3600  # seconds, of a clip of fixed length
PCA = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Pipeline:
    """The pipeline: resample → examples → network → post-processing, or a classifier's head.

    Args:
        network: (rows, 96, 64) → (rows, 128), float32.
        identity: the identity of the network's weights.
        params: front-end parameters.
        pad: how an incomplete last example is handled; see framing.padded_length.
        postprocess: the post-processing of the embedding.
        pca: the matrix (128, 128) and means (128,) of the postprocessor; None if there is none.
        input_rate: the rate of the waveform, in Hz; None is params.sample_rate, without a
            resampler.
        postprocess_dtype: the dtype of the postprocessor's sums, for a runtime without float64.
        head: the head of a classifier, from classifier.head_of; then there is no `postprocess`.
        num_samples: the length of the only clip in a batch; None is any batch and length.
    """

    network: keras.Model
    identity: Identity
    params: Params
    pad: Pad = "never"
    postprocess: Postprocess = None
    pca: PCA | None = None
    input_rate: int | None = None
    postprocess_dtype: str | None = None
    head: keras.Model | None = None
    num_samples: int | None = None

    def __post_init__(self):
        # made now: an assignment while a graph is traced is lost, and the PCA would be zeros
        if self.postprocess:
            self.postprocessor  # noqa: B018

    @property
    def output(self) -> str:
        """The name of the output."""
        return "scores" if self.head else "embedding"

    @property
    def rate(self) -> int:
        """The rate of the input waveform, in Hz."""
        return self.input_rate or self.params.sample_rate

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables of the network, then those of the head."""
        return [*self.network.weights, *(self.head.weights if self.head else ())]

    def run(self, waveform):
        """(batch, num_samples at input_rate) → (batch, examples, 128) or scores."""
        return self.output_of(self.resampled(waveform))

    def output_of(self, waveform, *, transform="rfft"):
        """(batch, num_samples at params.sample_rate) → (batch, examples, 128) or scores."""
        examples = WaveformToExamples(self.params, pad=self.pad, transform=transform)(waveform)
        batch, num_examples, *shape = ops.shape(examples)
        embedding = self.embed(ops.reshape(examples, (batch * num_examples, *shape)))
        return self.finished(
            ops.reshape(embedding, (batch, num_examples, EMBEDDING_SIZE)), waveform
        )

    def embed(self, examples):
        """(rows, 96, 64) → (rows, 128), NaN for examples that are not finite."""
        embedding = self.network(examples, training=False)
        # again, since layers of 8 bits turn NaN into numbers
        return _finite_or_nan(embedding, examples)

    def resampled(self, waveform):
        """(…, num_samples at input_rate) → (…, num_samples at params.sample_rate)."""
        return self.resample(waveform) if self.resample else waveform

    def finished(self, embedding, waveform):
        """Embeddings (batch, examples, 128) of a waveform at params.sample_rate → the output."""
        if not self.head:
            return self.postprocessed(embedding)
        # call() runs the layers without nesting a model in a model
        scores = self.head.call([embedding, self.sounding(waveform)])
        return _finite_or_nan(scores, embedding)

    def postprocessed(self, embedding):
        """(…, 128) → (…, 128) by the `postprocess` rule; bytes of non-finite embeddings are 0."""
        return (
            _finite_or_nan(self.postprocessor(embedding), embedding)
            if self.postprocessor
            else embedding
        )

    def live(self, waveform: np.ndarray) -> np.ndarray:
        """(batch, num_samples) → the output of the Keras layers, as an array."""
        return np.asarray(self.run(ops.convert_to_tensor(waveform)))

    def live_examples(self, waveform: np.ndarray) -> np.ndarray:
        """(batch, num_samples) → (batch, examples, 96, 64) arrays."""
        return np.asarray(WaveformToExamples(self.params, pad=self.pad)(self.resampled(waveform)))

    @cached_property
    def resample(self) -> Resample | None:
        """The layer between input_rate and params.sample_rate, if they differ."""
        if self.input_rate is None or self.input_rate == self.params.sample_rate:
            return None
        rates = self.input_rate, int(self.params.sample_rate)
        return Resample(*rates, zero_filled=self.head is not None, name="resample")

    @cached_property
    def sounding(self) -> heads.SoundingExamples:
        """The layer that marks the examples that are not padding, for the head."""
        return heads.SoundingExamples(self.params, pad=self.pad, name="sounding")

    @cached_property
    def postprocessor(self) -> Postprocessor | None:
        """The post-processing layer, if there is one."""
        return self.postprocessor_to(self.postprocess) if self.postprocess else None

    def postprocessor_to(self, postprocess: Postprocess) -> Postprocessor:
        """A post-processing layer with the PCA parameters of the pipeline."""
        assert self.pca is not None
        dtype = self.postprocess_dtype
        layer = Postprocessor(
            quantize=postprocess == "quantized", weights=None, name="postprocess", dtype=dtype
        )
        layer.pca_eigen_vectors.assign(self.pca[0])
        layer.pca_means.assign(self.pca[1])
        return layer

    def as_model(self) -> keras.Model:
        """One Keras model, waveform → output, with copied weights and VGGish's layer names."""
        source = keras.Input((None,), name="waveform")
        waveform = self.resampled(source)
        examples = WaveformToExamples(self.params, pad=self.pad, name="examples")(waveform)
        embedding = backbone.embed(examples, "float32", "zeros")
        loading.copy_weights(self.network, keras.Model(source, embedding))
        return keras.Model(
            source, self.finished(embedding, waveform), name="classifier" if self.head else "vggish"
        )

    @property
    def head_sha256(self) -> str | None:
        """Digest of the values of the head, in the order of its layers."""
        return digest_of(self.head.get_weights()) if self.head else None


def take_apart(model: Weights | keras.Model, options: Options) -> Pipeline:
    """The pipeline of a model that VGGish() or finetune.classifier() made, or of weights.

    Args:
        model: "audioset", the path of a checkpoint, None for untrained weights, or a model.
        options: the options of the export; those that are None are taken from the model.

    Raises:
        UsageError: an option does not fit the model or the format.
        CheckpointError: the weights or the PCA parameters cannot be found or fetched, or do not
            fit.
    """
    head = None
    if classifier.is_classifier(model):
        classifiers.check(model, options)
        model, head = classifier.network(model), classifier.head_of(model)
    parts = parts_of(model)
    params = options.params or parts.params
    if note := describe_front_end(model, params):
        warn(note)
    network, identity = network_of(model, params)
    pipeline = Pipeline(
        network=network,
        identity=identity,
        params=params,
        pad=options.pad or parts.pad,
        postprocess=options.postprocess or parts.postprocess,
        pca=None if head else _pca_of(parts.postprocessor, options),
        input_rate=options.input_rate or (parts.resample.input_rate if parts.resample else None),
        head=head,
    )
    rest = {"postprocess": pipeline.postprocess, "input_rate": pipeline.input_rate}
    check_options(options.format, **rest)  # those of the model too
    return pipeline if options.fixed_shape is None else fixed(pipeline, options.fixed_shape)


def _pca_of(own: Postprocessor | None, options: Options) -> PCA | None:
    """The PCA parameters of a model, or those that the options name, if the export needs any."""
    if own:
        return ops.convert_to_numpy(own.pca_eigen_vectors), ops.convert_to_numpy(own.pca_means)
    if options.pca is None and options.postprocess:
        raise UsageError(
            f"postprocess={options.postprocess!r} needs PCA parameters, and pca is None. Leave out "
            "one of them, or give the path of PCA parameters."
        )
    if options.pca is None or not (options.postprocess or options.format == "saved_model"):
        return None
    return pca.read("audioset" if options.pca == "own" else options.pca)


def fixed(pipeline: Pipeline, seconds: float) -> Pipeline:
    """The same pipeline for one clip of a fixed length.

    Raises:
        UsageError: the length is not in (0, LONGEST], or is too short for an example.
    """
    rate, params = pipeline.rate, pipeline.params
    if not 0 < seconds <= LONGEST:
        raise UsageError(
            f"fixed_shape must be positive and at most {LONGEST} seconds; received {seconds!r}."
        )
    num_samples = round(seconds * rate)
    resampled = pipeline.resample.num_outputs(num_samples) if pipeline.resample else num_samples
    if not heads.count_clip_examples(resampled, params, pipeline.pad):
        raise UsageError(
            f"fixed_shape={seconds!r} seconds hold no example, which takes "
            f"{params.min_samples / params.sample_rate} seconds. Choose more, or pad='short'."
        )
    return dataclasses.replace(pipeline, num_samples=num_samples)


def _finite_or_nan(vectors, source):
    return backbone.FiniteOrNaN(name="finite_output")([vectors, source])
