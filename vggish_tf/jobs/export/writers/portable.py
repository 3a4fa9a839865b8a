"""The pipeline as one graph of portable operations, for ONNX, LiteRT and OpenVINO.

The front end is the matrix product and not the FFT: tf2onnx turns Keras's rfft into an invalid file
without a word.
"""

import tensorflow as tf

from vggish_tf.jobs.export.pipeline import Pipeline


def portable_function(pipeline: Pipeline):
    """A tf.function of `waveform`, (batch, num_samples), that returns {output name: output}."""
    shape = (1, pipeline.num_samples) if pipeline.num_samples else (None, None)
    waveform = tf.TensorSpec(shape, tf.float32, name="waveform")
    return tf.function(
        lambda waveform: {pipeline.output: pipeline.run(waveform, transform="matrix")}, [waveform]
    )
