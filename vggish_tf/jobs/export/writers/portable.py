"""The pipeline as one graph of portable operations, for ONNX, LiteRT and OpenVINO.

The front end uses matrix products instead of the FFT: tf2onnx silently turns Keras's rfft into an
invalid file.
"""

import tensorflow as tf
from keras import ops

from vggish_tf.jobs.export.pipeline import Pipeline


def portable_function(pipeline: Pipeline):
    """A tf.function of `waveform`, (batch, num_samples), that returns {output name: output}."""
    shape = (1, pipeline.num_samples) if pipeline.num_samples else (None, None)
    waveform = tf.TensorSpec(shape, tf.float32, name="waveform")
    return tf.function(lambda waveform: {pipeline.output: run(pipeline, waveform)}, [waveform])


def run(pipeline: Pipeline, waveform):
    """The pipeline with the matrix products of the front end.

    A clip under one window is zero-padded to one window, which is still too short for an example.
    Without that, ONNX, which divides towards zero, would count one frame where there is none.
    """
    waveform, params = pipeline.resampled(waveform), pipeline.params
    if params.num_frames > 1:
        missing = ops.maximum(params.window_length - ops.shape(waveform)[-1], 0)
        waveform = ops.pad(waveform, ((0, 0), (0, missing)))
    return pipeline.output_of(waveform, transform="matrix")
