"""Kernels of dense layers in 8 and 4 bits: integers, and the scales that they are multiplied by.

The inputs of a dense layer come from a ReLU, so their mean is far from zero. It would multiply the
sum of all rounding errors of an output. So a few weights are rounded in the other direction, until
the errors almost cancel.

The gain was measured as the lowest cosine over speech, music, a street, noise and silence. With
weights that sum to zero into each unit, it rises from 0.9996 to 0.9998 in 8 bits, and from 0.96 to
0.98 in 4 bits; with other weights, from 0.99990 to 0.99992, and from 0.993 to 0.995.
"""

import numpy as np

BLOCK = 64  # weights that share a scale, in 4 bits
PART = 256  # outputs at a time, for memory
# The scale as a fraction of that of the largest weight in a block, in 4 bits. Finer steps for the
# other weights gain more than is lost by clipping the largest. 0.95 gave higher cosines than 1, 0.9
# and 0.85.
KEPT = np.float32(0.95)


def eight_bits(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A kernel (outputs, inputs) as int8 from −127 to 127, and (outputs,) scales."""
    scales = _no_zeros(np.abs(kernel).max(axis=1)) / np.float32(127)
    integers = np.empty(kernel.shape, np.int8)
    for start in range(0, len(kernel), PART):
        part = slice(start, start + PART)
        integers[part] = balanced(kernel[part] / scales[part, np.newaxis], -127, 127)
    return integers, scales


def four_bits(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A kernel (outputs, inputs) as the inputs B and scales of MatMulNBits.

    A block of 64 inputs of an output has a scale, which is negative if its largest weight is
    positive, since there are 8 steps below zero and 7 above. The last block is filled with zeros.

    Returns:
        (outputs, blocks, 32) bytes, each with an even input in its lower half and the next one in
        its upper half, as number + 8; and (outputs, blocks) scales.
    """
    outputs, inputs = kernel.shape
    blocks = np.pad(kernel, ((0, 0), (0, -inputs % BLOCK))).reshape(outputs, -1, BLOCK)
    scales = np.empty(blocks.shape[:2], np.float32)
    packed = np.empty((*blocks.shape[:2], BLOCK // 2), np.uint8)
    for start in range(0, outputs, PART):
        part = slice(start, start + PART)
        scales[part] = _no_zeros(_largest(blocks[part])) * KEPT / -8
        integers = balanced(blocks[part] / scales[part, :, np.newaxis], -8, 7) + 8
        packed[part] = integers[..., ::2] + 16 * integers[..., 1::2]
    return packed, scales


def balanced(values: np.ndarray, low: int, high: int) -> np.ndarray:
    """Rounds values to integers whose errors almost sum to zero over the last axis.

    Most values are rounded to the nearest; those closest to the middle to the other side.

    Example:
        >>> balanced(np.array([0.4, 0.3, 0.3, 5.0]), -8, 7)
        array([1., 0., 0., 5.])
    """
    nearest = np.clip(np.rint(values), low, high)
    rest = values - nearest
    missing = np.rint(rest.sum(axis=-1, keepdims=True)).astype(int)  # steps up, or down if negative
    ordered, last = np.sort(rest, axis=-1), values.shape[-1] - 1
    up = rest > np.take_along_axis(ordered, np.clip(last - missing, 0, last), axis=-1)
    down = rest < np.take_along_axis(ordered, np.clip(-missing, 0, last), axis=-1)
    return np.clip(nearest + up - down, low, high)


def _largest(blocks: np.ndarray) -> np.ndarray:
    """The weight of each block that is farthest from zero."""
    place = np.abs(blocks).argmax(axis=-1, keepdims=True)
    return np.take_along_axis(blocks, place, axis=-1)[..., 0]


def _no_zeros(sizes: np.ndarray) -> np.ndarray:
    """The same sizes with 1 for 0: a scale of 1 is right for a block of zeros."""
    return np.where(sizes == 0, np.float32(1), sizes)
