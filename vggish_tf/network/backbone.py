"""The VGGish network as a table: examples → embedding, before any activation.

Four blocks of 3×3 convolutions and 2×2 max-pools, two 4096-wide ReLU layers, and 128 outputs
without activation (the first release had a ReLU there; Google removed it on 2020-08-10,
tensorflow/models PR #9080). No weights are read here.

Source: tensorflow/models research/audioset/vggish/vggish_slim.py, define_vggish_slim.
"""

import math
from functools import partial

import keras
import numpy as np
from keras import ops

from vggish_tf.params import EMBEDDING_SIZE, INIT_STDDEV, Params

# (name, number of filters or units); None for a pool. The last pool of a 96×64 example has
# 6×4×512 = 12,288 numbers.
CONVOLUTIONS = (
    ("conv1", 64),
    ("pool1", None),
    ("conv2", 128),
    ("pool2", None),
    ("conv3_1", 256),
    ("conv3_2", 256),
    ("pool3", None),
    ("conv4_1", 512),
    ("conv4_2", 512),
    ("pool4", None),
)
DENSE = (("fc1_1", 4096), ("fc1_2", 4096), ("embedding", EMBEDDING_SIZE))
_LARGEST = float(np.finfo(np.float32).max)
LAYER_NAMES = tuple(name for name, width in CONVOLUTIONS + DENSE if width)

# Layers that stay float32 when the rest is bfloat16. Their input, log-mel, is smooth: the sum over
# a kernel cancels most of the signal, but not the rounding error. In bfloat16, conv1 lowers the
# cosine to float32 by 1e-3, and all later layers together by 3e-4. conv1 takes 2 % of the time.
FLOAT32_LAYERS = ("fold", "conv1", "pool1")


def embed(examples, dtype=None, initializer="published", layer_of=None):
    """Applies the network with new weights to a symbolic tensor of examples.

    Args:
        examples: (…, 96, 64) KerasTensor.
        dtype: the dtype policy of the layers; None is Keras's global one. The embedding is float32
            under every policy, and FLOAT32_LAYERS are under "bfloat16".
        initializer: the initializer of the kernels: "published" (truncated normal 0.01), or one of
            Keras's, by name or as a callable. Use "zeros" before loading weights: drawing 72
            million random numbers takes longer than reading them. Biases start at 0.
        layer_of: a function of name, width and dtype that makes a convolution or a dense layer,
            instead of `layer`.

    Returns:
        (…, 128) KerasTensor, the output of the layer `embedding`.

    Example:
        >>> embed(keras.Input((None, 96, 64))).shape
        (None, None, 128)
    """
    layer_of = layer_of or partial(layer, initializer=initializer)
    x = FoldExamples(name="fold", dtype=_dtype("fold", dtype))(examples)
    for name, width in CONVOLUTIONS:
        own = _dtype(name, dtype)
        x = (layer_of(name, width, own) if width else pool(name, own))(x)
    x = UnfoldExamples(name="unfold", dtype=dtype)([x, examples])
    for name, width in DENSE:
        if name == "embedding":  # after all ReLUs, which would drop the NaN
            x = FiniteOrNaN(name="finite")([x, examples])
        x = layer_of(name, width, _dtype(name, dtype))(x)
    return x


def layer(name, width, dtype=None, initializer="published", bias="zeros"):
    """One of the network's layers with weights, by its name and its number of filters or units.

    Args:
        name, width: a row of the table.
        dtype, initializer: as for `embed`.
        bias: the initializer of the biases.

    Example:
        >>> layer("embedding", 128).activation.__name__
        'linear'
    """
    options = {
        "activation": None if name == "embedding" else "relu",
        "kernel_initializer": initializer if callable(initializer) else _kernel(initializer),
        "bias_initializer": bias,
        "name": name,
        "dtype": dtype,
    }
    if name.startswith("conv"):
        return keras.layers.Conv2D(width, 3, padding="same", **options)
    return keras.layers.Dense(width, **options)


def network(
    params: Params | None = None,
    *,
    dtype=None,
    initializer="published",
    layer_of=None,
    name: str = "vggish",
) -> keras.Model:
    """The network as a Keras model with new weights: log-mel examples → embedding.

    Args:
        params: front-end parameters, which determine the shape of an example.
        dtype, initializer, layer_of: as for `embed`.
        name: the name of the model.

    Input shape:  `input_features` (batch, 96, 64)
    Output shape: (batch, 128)

    Example:
        >>> network().count_params()
        72141184
    """
    params = params or Params()
    examples = keras.Input((params.num_frames, params.num_mel_bins), name="input_features")
    return keras.Model(examples, embed(examples, dtype, initializer, layer_of), name=name)


def kernel_shapes(params: Params) -> dict[str, tuple[int, ...]]:
    """Layer → shape of its kernel, for examples made with `params`.

    Example:
        >>> kernel_shapes(Params())["fc1_1"]
        (12288, 4096)
    """
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 1
    for name, filters in CONVOLUTIONS:
        if filters:
            shapes[name] = (3, 3, channels, filters)
            channels = filters
    inputs = math.prod(feature_shapes(params)[CONVOLUTIONS[-1][0]])
    for name, units in DENSE:
        shapes[name] = (inputs, units)
        inputs = units
    return shapes


def feature_shapes(params: Params) -> dict[str, tuple[int, ...]]:
    """Convolution or pool → (height, width, channels) of its output, for examples of `params`.

    Example:
        >>> feature_shapes(Params())["pool4"]
        (6, 4, 512)
    """
    shapes: dict[str, tuple[int, ...]] = {}
    height, width, channels = params.num_frames, params.num_mel_bins, 1
    for name, filters in CONVOLUTIONS:
        if filters:
            channels = filters
        else:
            height, width = -(-height // 2), -(-width // 2)
        shapes[name] = (height, width, channels)
    return shapes


@keras.saving.register_keras_serializable(package="vggish_tf")
class FoldExamples(keras.layers.Layer):
    """Folds all leading axes into the batch and adds a channel axis.

    Input shape:  (…, 96, 64)
    Output shape: (rows, 96, 64, 1)

    An empty input becomes one row of zeros, which UnfoldExamples drops: oneDNN's convolutions
    refuse zero rows.
    """

    def call(self, examples):
        shape = ops.shape(examples)
        rows = math.prod(shape[:-2])
        folded = ops.reshape(examples, (rows, *shape[-2:], 1))
        if isinstance(rows, int) and rows:
            return folded
        filler = 1 if isinstance(rows, int) else ops.maximum(1 - rows, 0)
        return ops.concatenate([folded, ops.zeros((filler, *shape[-2:], 1), dtype=folded.dtype)])

    def compute_output_shape(self, input_shape):
        return (None, *input_shape[-2:], 1)


@keras.saving.register_keras_serializable(package="vggish_tf")
class UnfoldExamples(keras.layers.Layer):
    """Flattens the features of each example and restores the axes that FoldExamples folded.

    The order of the features is height, width, channel.

    Input shape:  [(rows, 6, 4, 512), (…, 96, 64)]
    Output shape: (…, 12288)
    """

    def call(self, inputs):
        features, examples = inputs
        leading = ops.shape(examples)[:-2]
        shape = (*leading, math.prod(features.shape[1:]))
        return ops.reshape(features[: math.prod(leading)], shape)

    def compute_output_shape(self, input_shape):
        features, examples = input_shape
        return (*examples[:-2], math.prod(features[1:]))


@keras.saving.register_keras_serializable(package="vggish_tf")
class FiniteOrNaN(keras.layers.Layer):
    """Sets a vector to NaN if its source is not finite; or to 0 if it is uint8, which has no NaN.

    ReLUs and max-pools would drop the NaN.

    Input shape:  [vectors (…, width), sources (…, any more axes) float32]
    Output shape: (…, width)

    Example:
        >>> vectors = ops.array([[1.0], [2.0]])
        >>> source = ops.array([[0.0, 0.0], [0.0, float("inf")]])
        >>> [float(vector[0]) for vector in FiniteOrNaN()([vectors, source])]
        [1.0, nan]
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, inputs):
        vectors, source = inputs
        total = ops.sum(source, axis=tuple(range(len(vectors.shape) - 1, len(source.shape))))
        # Not x * 0, which converters remove; not is_finite, which LiteRT does not have.
        finite = ops.expand_dims(ops.abs(total) <= _LARGEST, -1)
        if keras.backend.standardize_dtype(vectors.dtype) != "uint8":
            return ops.where(finite, vectors, float("nan"))
        # int32 because LiteRT has no select of uint8
        return ops.cast(ops.where(finite, ops.cast(vectors, "int32"), 0), "uint8")

    def compute_mask(self, inputs, mask=None):
        return mask[0] if mask else None

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape, dtype=inputs[0].dtype)


def pool(name, dtype=None):
    """One of the network's max-pools."""
    return keras.layers.MaxPooling2D(2, strides=2, padding="same", name=name, dtype=dtype)


def _dtype(name, dtype):
    exact = name == "embedding" or (dtype == "bfloat16" and name in FLOAT32_LAYERS)
    return "float32" if exact else dtype


def _kernel(initializer):
    """A new initializer for each layer: Keras warns about a shared one."""
    if initializer == "published":
        return keras.initializers.TruncatedNormal(stddev=INIT_STDDEV)
    return initializer
