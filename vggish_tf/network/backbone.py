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

# Layers that stay float32 when the rest is bfloat16. Their input is log-mel, which is smooth, so a
# kernel's sum cancels most of it, but not the rounding error: in bfloat16 conv1 costs 1e-3 of the
# cosine to float32, all later layers together 3e-4. conv1 takes 2 % of the time.
FLOAT32_LAYERS = ("fold", "conv1", "pool1")


def embed(examples, dtype=None, initializer="published", layer_of=None):
    """Applies the network with new weights to a symbolic tensor of examples.

    Args:
        examples: (…, 96, 64) KerasTensor.
        dtype: the policy of the layers instead of Keras's global one. The embedding is float32
            under every policy, and under "bfloat16" so are FLOAT32_LAYERS.
        initializer: of the kernels: "published", truncated normal 0.01, or one of Keras's. The
            biases are 0. Use "zeros" before loading weights: drawing 72 million random numbers
            takes longer than reading them. Or any callable that Keras takes for one.
        layer_of: makes a convolution or a dense layer of its name, width and dtype, instead of
            Keras's layers with that initializer.

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
        if name == "embedding":  # the only layer without a ReLU, which would drop NaN
            x = FiniteOrNaN(name="finite")([x, examples])
        x = layer_of(name, width, _dtype(name, dtype))(x)
    return x


def layer(name, width, dtype=None, initializer="published", bias="zeros"):
    """One of the network's layers with weights, by its name and its number of filters or units.

    Args:
        name, width: as in the table.
        dtype, initializer: as for `embed`.
        bias: initializer of the biases.

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
    """Layer → shape of its kernel, for examples that `params` make.

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
    """Convolution or pool → height, width and channels of its output, for examples of `params`.

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
    """Sets every vector to NaN whose source is not finite; uint8 vectors, which have no NaN, to 0.

    ReLUs and max-pools would drop the NaN.

    Input shape:  [(…, width), (…, any more axes) float32, the source]
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
        # Converters do not fold away a comparison, as they do x * 0; LiteRT has no is_finite.
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
    """A new initializer for each layer: Keras warns of one that two layers share."""
    if initializer == "published":
        return keras.initializers.TruncatedNormal(stddev=INIT_STDDEV)
    return initializer
