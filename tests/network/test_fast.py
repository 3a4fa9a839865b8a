"""Dense layers of the network for inference against exact sums, in both of their forms."""

import numpy as np
import pytest
import tensorflow as tf

from vggish_tf import Params, backend
from vggish_tf.network import backbone, fast
from vggish_tf.network.plan import Machine, Plan

UNITS, INPUTS = 96, 300


@pytest.mark.parametrize("count", [0, 1, 2, 7, 64])
@pytest.mark.parametrize("product", [fast.weights_first, fast.in_one_batch])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_layer_is_the_exact_sum(dtype, product, count):
    """Whole numbers so small that float32 adds them without rounding, in any order."""
    generator = np.random.default_rng(0)
    kernel, x, bias = (
        generator.integers(-4, 5, shape).astype(np.float32)
        for shape in ((INPUTS, UNITS), (count, INPUTS), UNITS)
    )
    layer = fast.RowsOfWeights(kernel, bias, product, relu=True, dtype=dtype)
    found = backend.compiled(lambda x, training: tf.cast(layer(x), tf.float32), (None, INPUTS))(x)
    expected = np.maximum(x.astype(int) @ kernel.astype(int) + bias.astype(int), 0)
    # bfloat16 rounds the product, and its sum with the bias, to 8 bits each
    rounding = {"float32": 0, "bfloat16": 2 * 2**-8}[dtype]
    np.testing.assert_allclose(found, expected, rtol=rounding, atol=rounding * 4)


@pytest.mark.parametrize(
    ("machine", "product"),
    [
        (Machine(True, onednn=True, bfloat16=True, avx512=True), fast.in_one_batch),
        (Machine(True, onednn=True, bfloat16=False), fast.weights_first),
        (Machine(tensorflow_cpu=False, onednn=True, bfloat16=True, avx512=True), None),
    ],
)
def test_the_form_is_that_of_the_machine(machine, product, monkeypatch):
    monkeypatch.setattr(fast, "this_machine", lambda: machine)
    values = {
        name: (np.zeros(shape, np.float32), np.zeros(shape[-1], np.float32))
        for name, shape in backbone.kernel_shapes(Params()).items()
    }
    network = fast.network(Params(), values.__getitem__, Plan())
    assert getattr(network.get_layer("fc1_1"), "product", None) is product
