"""Arrays in aligned memory, which TensorFlow uses without a copy. No TensorFlow here."""

import math

import numpy as np

ALIGNMENT = 64  # bytes; the memory begins at a multiple of it
ROWS = 64  # transposed at a time: so many stay in the processor's cache


def empty(shape: tuple[int, ...]) -> np.ndarray:
    """A float32 array in aligned memory, not filled.

    Example:
        >>> can_be_shared(empty((2, 3)))
        True
    """
    num_bytes = 4 * math.prod(shape)
    memory = np.empty(num_bytes + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + num_bytes].view(np.float32).reshape(shape)


def laid_out(array: np.ndarray) -> np.ndarray:
    """A float32 copy in aligned memory; a matrix is laid out column by column.

    Dense layers use their kernels in that order: network.fast has the reason.

    Example:
        >>> laid_out(np.ones((3, 2), np.float32)).T.flags.c_contiguous
        True
    """
    if array.ndim != 2:
        copy = empty(array.shape)
        copy[...] = array
        return copy
    columns = empty(array.shape[::-1])
    for row in range(0, len(array), ROWS):
        columns[:, row : row + ROWS] = array[row : row + ROWS].T
    return columns.T


def can_be_shared(array: np.ndarray) -> bool:
    """Whether TensorFlow can use an array without a copy.

    Memory that is not aligned would make TensorFlow end the process.

    Example:
        >>> can_be_shared(laid_out(np.ones((3, 2), np.float32)).T)
        True
    """
    is_aligned = array.ctypes.data % ALIGNMENT == 0 and array.flags.c_contiguous
    return bool(array.dtype == np.float32 and array.size and is_aligned and array.flags.writeable)
