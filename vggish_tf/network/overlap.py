"""Convolutions of overlapping examples, computed once for the frames that they share.

Examples that begin every 48 frames have half of their frames in common. Their convolutions are not
quite the same: each example is padded with zeros, so its first and last rows differ from those of a
long image of all frames. Every 3×3 convolution makes that border one row wider, and every pool
halves it, rounded up:

    layer              conv1  pool1  conv2  pool2  conv3_1  conv3_2  pool3
    rows               96     48     48     24     24       24       12
    border, each side  1      1      2      1      2        3        2

So each layer is computed once on the long image, and for each example on two strips: its border at
the top and at the bottom, with the zeros beyond. From conv4_1 on, an example is nearly all border,
and the layers run example by example. The result is exact: the same sums, in another order.

The strips are a tenth of the network's operations, so this is faster if examples share at least 40
of their 96 frames. It is used in float32, in TensorFlow on a CPU, and if the example hop is a
multiple of 8 frames; otherwise examples are computed one by one.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from vggish_tf import backend
from vggish_tf.network.backbone import CONVOLUTIONS
from vggish_tf.network.fast import LayerValues
from vggish_tf.params import NUM_BANDS, NUM_FRAMES, Params

LAST = "pool3"  # the last layer that is shared
SHARED = CONVOLUTIONS[: [name for name, _ in CONVOLUTIONS].index(LAST) + 1]
POOLED = 8  # frames that the shared pools reduce to one row
MOST_NEW = 56  # frames an example that it does not share; with more of them, sharing is slower
# Log-mels beyond those of any sound would make the ones beside them inexact, and NaN would spread.
LARGEST = 100.0


def compiled(values: LayerValues, fast: keras.Model, params: Params) -> backend.Run:
    """The network as a function of arrays of examples; shares convolutions where that is faster.

    Args:
        values: the kernel and bias of each layer, with the axes of Keras.
        fast: the network as fast.network makes it, with the layers that come after it.
        params: the front-end parameters of the examples.

    Example:
        >>> from vggish_tf.network import backbone
        >>> fast = backbone.network(initializer="zeros")
        >>> values = {name: fast.get_layer(name).get_weights() for name in backbone.LAYER_NAMES}
        >>> run = compiled(values, fast, Params(example_hop_seconds=0.16))
        >>> run(np.ones((9, 96, 64), np.float32)).shape
        (9, 128)
    """
    plain = backend.compiled(fast, (None, params.num_frames, params.num_mel_bins))
    if not _may_pay(fast, params):
        return plain
    shared = backend.compiled(Overlapping(values, fast), (None, params.num_mel_bins), (None,))

    def run(examples):
        if len(examples) < 2:
            return plain(examples)
        frames, starts = joined(examples, params.example_hop_frames)
        pays = len(frames) <= MOST_NEW * len(examples) and np.abs(frames).max() < LARGEST
        return shared(frames, starts) if pays else plain(examples)

    return run


def _may_pay(fast: keras.Model, params: Params) -> bool:
    shape = params.num_frames, params.num_mel_bins
    return (
        backend.on_tensorflow_cpu()
        and shape == (NUM_FRAMES, NUM_BANDS)
        and params.example_hop_frames <= MOST_NEW
        and params.example_hop_frames % POOLED == 0
        and all(fast.get_layer(name).compute_dtype == "float32" for name, _ in SHARED)
    )


def joined(examples: np.ndarray, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames of consecutive examples, without those that an example shares with the one before.

    Returns:
        (frames, mel bins), and (n,), the first frame of each example.

    Example:
        >>> frames, starts = joined(np.array([[[1], [2]], [[2], [3]], [[9], [9]]]), hop=1)
        >>> frames.ravel(), starts
        (array([1, 2, 3, 9, 9]), array([0, 1, 3]))
    """
    num_frames = examples.shape[1]
    continues = (examples[1:, :-hop] == examples[:-1, hop:]).all(axis=(1, 2))
    new = np.where(np.append(False, continues), hop, num_frames)
    frames = examples[np.arange(num_frames) >= num_frames - new[:, np.newaxis]]
    return frames, np.cumsum(new) - num_frames


class Overlapping(keras.layers.Layer):
    """The network on examples that are stretches of one array of frames.

    Args:
        values, fast: as for `compiled`. Plain convolutions with `values` compute the strips, which
            are a few rows high; the layers of `fast` compute everything else.

    Input shape:  (frames, 64); (n,), the first frame of each example, a multiple of 8
    Output shape: (n, 128)

    Example:
        >>> from vggish_tf.network import backbone
        >>> fast = backbone.network(initializer="zeros")
        >>> values = {name: fast.get_layer(name).get_weights() for name in backbone.LAYER_NAMES}
        >>> rows = Overlapping(values, fast)(ops.ones((144, 64)), ops.array([0, 48]))
        >>> tuple(rows.shape)
        (2, 128)
    """

    def __init__(self, values: LayerValues, fast: keras.Model):
        super().__init__(dtype="float32")
        steps = list(fast.operations)
        last = [step.name for step in steps].index(LAST)
        self._shared = [fast.get_layer(name) for name, _ in SHARED]
        self._weights = {
            layer.name: [backend.tensor(array) for array in values[layer.name]]
            for layer in self._shared
            if layer.name in values
        }
        self._rest = steps[last + 1 :]

    def call(self, frames, starts):
        starts = ops.cast(starts, "int32")
        strips = ops.zeros((2 * ops.shape(starts)[0], 0, frames.shape[1], 1))
        rows = _Rows(ops.expand_dims(frames, (0, -1)), strips, starts, NUM_FRAMES)
        examples = ops.squeeze(rows.inner(0, NUM_FRAMES), -1)
        for layer in self._shared:
            weights = self._weights.get(layer.name)
            rows = _convolved(layer, weights, rows) if weights else _pooled(layer, rows)
        x = rows.of_each()
        for step in self._rest:
            x = step([x, examples] if isinstance(step.input, list) else x)
        return x


class _Rows(NamedTuple):
    """Rows of all examples after a layer: the long image, and the rows where an example differs."""

    image: Any  # (1, rows, width, channels)
    strips: Any  # (2 n, border, width, channels): the tops of all examples, then their bottoms
    starts: Any  # (n,)
    height: int  # rows of an example

    def inner(self, first: int, count: int):
        """Rows of each example in the long image, (n, count, width, channels)."""
        places = ops.expand_dims(self.starts + first, -1) + np.arange(count, dtype="int32")
        return ops.take(self.image[0], places, axis=0)

    def edges(self, count: int, zeros: int = 0):
        """Strips with rows of the image on their inner side, and zeros on the other three."""
        border, across = self.strips.shape[1], (zeros, zeros)
        top, bottom = ops.split(self.strips, 2)
        top = ops.concatenate([top, self.inner(border, count)], axis=1)
        last = self.inner(self.height - border - count, count)
        bottom = ops.concatenate([last, bottom], axis=1)
        top = ops.pad(top, ((0, 0), (zeros, 0), across, (0, 0)))
        return ops.concatenate([top, ops.pad(bottom, ((0, 0), (0, zeros), across, (0, 0)))])

    def of_each(self):
        """Whole examples, (n, height, width, channels)."""
        border = self.strips.shape[1]
        top, bottom = ops.split(self.strips, 2)
        inner = self.inner(border, self.height - 2 * border)
        return ops.concatenate([top, inner, bottom], axis=1)


def _convolved(layer, weights, rows: _Rows) -> _Rows:
    kernel, bias = weights
    strips = ops.relu(ops.conv(rows.edges(2, zeros=1), kernel, padding="valid") + bias)
    shape = (1, -1, rows.image.shape[2], kernel.shape[-1])  # TensorFlow loses track of it
    return rows._replace(image=ops.reshape(layer(rows.image), shape), strips=strips)


def _pooled(layer, rows: _Rows) -> _Rows:
    strips = layer(rows.edges(rows.strips.shape[1] % 2))
    return _Rows(layer(rows.image), strips, rows.starts // 2, rows.height // 2)
