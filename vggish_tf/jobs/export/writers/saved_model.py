"""SavedModel: waveform → embedding in bounded memory, for TensorFlow, TF Serving and TF Hub.

The object that tf.saved_model.load returns is called like TensorFlow Hub's google/vggish/1, also
takes batches, and is trainable. A loop computes the log-mel and the embeddings of `BLOCK` examples
at a time, so that a longer waveform needs hardly more memory than its samples. A bare trackable
with the network's raw variables is saved: a Keras model would be refused by the C++ loader, or be
stored with every weight twice. The output of a classifier is `scores` instead of `embedding`; its
head runs on the embeddings of the whole waveform.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from vggish_tf.frontend.layers import (
    LogMel,
    StftMagnitude,
    WaveformToExamples,
    count_examples,
    count_frames,
    padded_length,
)
from vggish_tf.jobs.export.catalogue import Loaded, Signatures
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.writers.quiet import quiet
from vggish_tf.model import network_of
from vggish_tf.network.backbone import FiniteOrNaN
from vggish_tf.params import EMBEDDING_SIZE

BLOCK = 32  # examples in a step of the network
FRAME_BLOCK = BLOCK * 96  # frames in a step of log_mel
GROUP_BLOCK = 16  # groups of samples in a row of the resampler, which takes BLOCK rows in a step
SIGNATURES = ("serving_default", "examples", "log_mel", "quantized")


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes the folder of a SavedModel with the four signatures.

    Without PCA parameters, as for a classifier, `quantized` is left out.
    """
    graph = Graph(pipeline, precision)
    variables = graph.pipeline.variables
    root = tf.train.Checkpoint(
        variables=[variable.value for variable in variables],
        trainable_variables=[variable.value for variable in variables if variable.trainable],
        regularization_losses=[],
    )
    root.__call__ = tf.function(graph.call)
    for shape in ((None,), (None, None)):
        root.__call__.get_concrete_function(_waveform(shape))
    tf.saved_model.save(root, str(path), signatures=graph.signatures())


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Loads the folder with the C++ session loader, like `saved_model_cli run` and TF Serving."""
    tf1 = tf.compat.v1
    session = tf1.Session(graph=tf.Graph())
    with session.graph.as_default(), quiet():
        definitions = tf1.saved_model.load(session, ["serve"], str(path)).signature_def
    serving = definitions["serving_default"]

    def run(waveform):
        feed = {serving.inputs["waveform"].name: waveform}
        return session.run(serving.outputs[pipeline.output].name, feed)

    present = [name for name in SIGNATURES if name in definitions]
    return Loaded(run, {name: _described(definitions[name]) for name in present})


class Graph:
    """The functions of the SavedModel; each takes and returns TensorFlow tensors."""

    def __init__(self, pipeline: Pipeline, precision: str):
        self.params = pipeline.params
        network = pipeline.network
        if precision != "float32":
            network, _ = network_of(network, self.params, dtype=precision)
        self.pipeline = dataclasses.replace(pipeline, network=network)
        self._front_end = WaveformToExamples(self.params)
        quantizer = pipeline.postprocessor_to("quantized") if pipeline.pca else None
        self._to_quantized = _as_function(quantizer)
        self._postprocessed = _as_function(pipeline.postprocessor)

    def signatures(self) -> dict[str, Callable]:
        """Name → tf.function with named inputs and a dictionary of outputs."""
        shape = (None, self.params.num_frames, self.params.num_mel_bins)
        waveform = _waveform((None, None))
        functions = {
            "serving_default": tf.function(self.serving_default, [waveform]),
            "examples": tf.function(self.examples, [tf.TensorSpec(shape, name="input_features")]),
            "log_mel": tf.function(self.log_mel, [waveform]),
        }
        if self.pipeline.pca:
            functions["quantized"] = tf.function(self.quantized, [waveform])
        return functions

    def call(self, waveform):
        """(num_samples,) → (examples, 128) or scores, or with a batch axis on both sides."""
        if waveform.shape.rank == 1:
            return self.call(waveform[tf.newaxis])[0]
        waveform = self._resampled(waveform)
        embedding = self._embed(waveform)
        if self.pipeline.head:
            return self.pipeline.finished(embedding, waveform)
        return self._postprocessed(embedding)

    def serving_default(self, waveform):
        """The output, and `timestamps` if the output has a row for each example."""
        rows = self.call(waveform)
        outputs = {self.pipeline.output: rows}
        if rows.shape.rank == 3:
            outputs["timestamps"] = self._timestamps(rows)
        return outputs

    def quantized(self, waveform):
        rows = self._embed(self._resampled(waveform))
        return {"embedding": self._to_quantized(rows), "timestamps": self._timestamps(rows)}

    def examples(self, input_features):
        return {"embedding": self._postprocessed(self.pipeline.embed(input_features))}

    def log_mel(self, waveform):
        """(batch, num_samples) → (batch, frames, mel bins)."""
        waveform, params = self._resampled(waveform), self.params
        num_frames = count_frames(self._padded_length(waveform), params)
        stft, log_mel = StftMagnitude(params), LogMel(params)

        def rows_of(rows):
            windows = _windows(waveform, rows, num_frames, params.window_length, params.hop_length)
            return log_mel(stft(windows))[:, 0]

        frames = _in_blocks(rows_of, waveform, num_frames, FRAME_BLOCK, params.num_mel_bins)
        return {"log_mel": frames}

    def _embed(self, waveform):
        """Raw embeddings: (batch, num_samples) at params.sample_rate → (batch, examples, 128)."""
        params = self.params
        num_examples = count_examples(count_frames(self._padded_length(waveform), params), params)
        window, hop = params.min_samples, params.example_hop_samples

        def rows_of(rows):
            windows = _windows(waveform, rows, num_examples, window, hop)
            return self.pipeline.embed(self._front_end(windows)[:, 0])

        return _in_blocks(rows_of, waveform, num_examples, BLOCK, EMBEDDING_SIZE)

    def _resampled(self, waveform):
        """Applies the layer Resample block by block."""
        resample = self.pipeline.resample
        if resample is None:
            return waveform
        batch, num_samples = tf.unstack(tf.shape(waveform, tf.int64))
        hop, width = GROUP_BLOCK * resample.down, GROUP_BLOCK * resample.up
        num_windows = -(-resample.num_groups(num_samples) // GROUP_BLOCK)
        window = hop - resample.down + resample.window_length

        def rows_of(rows):
            windows = _windows(waveform, rows, num_windows, window, hop, first=-resample.reach)
            return resample.convolve(windows)

        groups = _in_blocks(rows_of, waveform, num_windows, BLOCK, width)
        resampled = tf.reshape(groups, (batch, num_windows * width))
        return resample.silenced(resampled[:, : resample.num_outputs(num_samples)], waveform)

    def _padded_length(self, waveform):
        num_samples = tf.shape(waveform, tf.int64)[1]
        return padded_length(num_samples, self.params, self.pipeline.pad)

    def _timestamps(self, embedding):
        """The start of each example in seconds, (batch, examples) float64."""
        batch, num_examples = tf.unstack(tf.shape(embedding)[:2])
        hop = self.params.example_hop_samples / self.params.sample_rate
        return tf.tile(tf.range(num_examples, dtype=tf.float64)[tf.newaxis] * hop, (batch, 1))


def _in_blocks(rows_of, waveform, num_windows, block: int, width: int):
    """Calls `rows_of` for all windows of all clips, `block` of them at a time.

    Returns:
        (batch, num_windows, width) float32.
    """
    batch = tf.shape(waveform, tf.int64)[0]
    num_rows = batch * num_windows
    num_blocks = tf.cast(-(-num_rows // block), tf.int32)

    def step(index, results):
        start = tf.cast(index, tf.int64) * block
        rows = tf.range(start, tf.minimum(start + block, num_rows))
        return index + 1, results.write(index, rows_of(rows))

    results = tf.TensorArray(tf.float32, num_blocks, infer_shape=False, element_shape=(None, width))

    def unfinished(index, _):
        return index < num_blocks

    _, results = tf.while_loop(unfinished, step, (0, results), parallel_iterations=1)
    return tf.reshape(results.concat(), (batch, num_windows, width))


def _windows(waveform, rows, num_windows, window: int, hop: int, first: int = 0):
    """Windows of the waveforms, (rows, window), with zeros before and after a clip.

    Args:
        waveform: (batch, num_samples).
        rows: the numbers of the windows, counted through the whole batch.
        num_windows: the number of windows of one clip.
        window, hop: samples in a window, and from one window to the next.
        first: the first sample of the first window.
    """
    num_samples = tf.shape(waveform, tf.int64)[1]
    clip, index = rows // num_windows, rows % num_windows
    samples = first + index[:, tf.newaxis] * hop + tf.range(window, dtype=tf.int64)
    inside = (samples >= 0) & (samples < num_samples)
    flat = clip[:, tf.newaxis] * num_samples + tf.clip_by_value(samples, 0, num_samples - 1)
    return tf.where(inside, tf.gather(tf.reshape(waveform, (-1,)), flat), 0.0)


def _as_function(postprocessor) -> Callable:
    """The layer as a function, with its PCA parameters as constants: they are not trainable."""
    if postprocessor is None:
        return lambda embedding: embedding
    values = [keras.ops.convert_to_numpy(variable) for variable in postprocessor.variables]
    finite_or_nan = FiniteOrNaN()

    def postprocessed(embedding):
        return finite_or_nan([postprocessor.stateless_call([], values, embedding)[0], embedding])

    return postprocessed


def _waveform(shape) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32, name="waveform")


def _described(definition) -> Signatures:
    sides = {"inputs": definition.inputs, "outputs": definition.outputs}
    return {
        side: {name: _spec(info) for name, info in infos.items()} for side, infos in sides.items()
    }


def _spec(info) -> dict:
    shape = [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim]
    return {"dtype": tf.as_dtype(info.dtype).name, "shape": shape, "tensor": info.name}
