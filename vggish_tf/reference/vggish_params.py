"""The published constants, under upstream's module name.

Old scripts edit these globals (`vggish_params.EXAMPLE_HOP_SECONDS = 0.1`), and the functions of
`vggish_tf.reference` use the new values, like upstream's. The rest of vggish_tf does not: there,
make another `vggish_tf.Params`.

Source: tensorflow/models research/audioset/vggish/vggish_params.py.
"""

from vggish_tf.params import (
    ADAM_EPSILON,
    AUDIO_EMBEDDING_FEATURE_NAME,
    EMBEDDING_SIZE,
    EXAMPLE_HOP_SECONDS,
    EXAMPLE_WINDOW_SECONDS,
    INIT_STDDEV,
    INPUT_OP_NAME,
    INPUT_TENSOR_NAME,
    LEARNING_RATE,
    LOG_OFFSET,
    MEL_MAX_HZ,
    MEL_MIN_HZ,
    NUM_BANDS,
    NUM_FRAMES,
    NUM_MEL_BINS,
    OUTPUT_OP_NAME,
    OUTPUT_TENSOR_NAME,
    PCA_EIGEN_VECTORS_NAME,
    PCA_MEANS_NAME,
    QUANTIZE_MAX_VAL,
    QUANTIZE_MIN_VAL,
    SAMPLE_RATE,
    STFT_HOP_LENGTH_SECONDS,
    STFT_WINDOW_LENGTH_SECONDS,
)

__all__ = [
    "ADAM_EPSILON",
    "AUDIO_EMBEDDING_FEATURE_NAME",
    "EMBEDDING_SIZE",
    "EXAMPLE_HOP_SECONDS",
    "EXAMPLE_WINDOW_SECONDS",
    "INIT_STDDEV",
    "INPUT_OP_NAME",
    "INPUT_TENSOR_NAME",
    "LEARNING_RATE",
    "LOG_OFFSET",
    "MEL_MAX_HZ",
    "MEL_MIN_HZ",
    "NUM_BANDS",
    "NUM_FRAMES",
    "NUM_MEL_BINS",
    "OUTPUT_OP_NAME",
    "OUTPUT_TENSOR_NAME",
    "PCA_EIGEN_VECTORS_NAME",
    "PCA_MEANS_NAME",
    "QUANTIZE_MAX_VAL",
    "QUANTIZE_MIN_VAL",
    "SAMPLE_RATE",
    "STFT_HOP_LENGTH_SECONDS",
    "STFT_WINDOW_LENGTH_SECONDS",
]
