"""Memory that TensorFlow takes over: what is shared, what is copied, and that it stays."""

import gc

import numpy as np
import pytest

from vggish_tf import backend
from vggish_tf.memory import ALIGNMENT, can_be_shared, empty, laid_out


@pytest.mark.parametrize("shape", [(1,), (3, 5), (70, 130), (3, 3, 4, 2), (0, 4)])
def test_a_copy_is_equal_and_aligned(shape):
    array = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    copy = laid_out(array)
    np.testing.assert_array_equal(copy, array)
    assert copy.ctypes.data % ALIGNMENT == 0 or not array.size
    assert not np.shares_memory(copy, array)
    assert can_be_shared(copy.T if copy.ndim == 2 else copy) == bool(array.size)


def test_other_arrays_are_not_shared():
    aligned = empty((4, 32))
    read_only = empty((4, 32))
    aligned[...] = read_only[...] = 2
    read_only.flags.writeable = False
    for array in (
        aligned.reshape(-1)[1:],  # misaligned
        aligned[:, :16],  # not contiguous
        aligned.astype(np.float64),
        read_only,
    ):
        assert not can_be_shared(array)
        expected = array.copy()
        tensor = backend.tensor(array)
        array.flags.writeable = True
        array[...] = 1 + array
        np.testing.assert_array_equal(np.asarray(tensor), expected)


def test_a_tensor_keeps_its_memory():
    array = empty((1000, 1000))
    array[...] = 3
    tensor = backend.tensor(array)
    array[0, 0] = 4  # shared, on the TensorFlow backend
    assert float(tensor[0, 0]) == 4
    del array
    gc.collect()
    other = empty((1000, 1000))
    other[...] = 5
    assert float(tensor[-1, -1]) == 3


def test_bfloat16_is_a_copy():
    array = empty((4, 4))
    array[...] = 1.5
    tensor = backend.tensor(array, "bfloat16")
    array[...] = 2
    assert backend.keras.backend.standardize_dtype(tensor.dtype) == "bfloat16"
    assert float(tensor[0, 0]) == 1.5
