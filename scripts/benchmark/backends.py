"""vggish_tf on Keras's other backends, for GPUs; neither needs TensorFlow."""

import time
from typing import ClassVar

import numpy as np

from benchmark.ours import BFLOAT16_COSINE, Ours

BFLOAT16 = {"precision": "bfloat16"}
LONG_ENOUGH = 0.01  # seconds of a product, beside which the call is nothing


class OnBackend(Ours):
    """Embedder on the backend that `environment` names."""

    cosine = BFLOAT16_COSINE  # a GPU's float32 products may round their factors to ten bits

    def set_batch_size(self, batch_size: int):
        self.embedder.batch_size = batch_size

    def peak_gflops(self) -> float:
        """GFLOP/s of the fastest product of two bfloat16 matrices, which double until it is long
        enough to be timed.
        """
        size, seconds = 512, 0.0
        while seconds < LONG_ENOUGH:
            size *= 2
            seconds = _fastest_product(size)
        return 2 * size**3 / seconds / 1e9


class OursJax(OnBackend):
    title, needs = "vggish_tf, JAX float32", ("jax",)
    environment: ClassVar = {"KERAS_BACKEND": "jax", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


class OursJaxBfloat16(OursJax):
    title, options = "vggish_tf, JAX bfloat16", BFLOAT16


class OursTorch(OnBackend):
    title, needs = "vggish_tf, PyTorch float32", ("torch",)
    environment: ClassVar = {"KERAS_BACKEND": "torch"}


class OursTorchBfloat16(OursTorch):
    title, options = "vggish_tf, PyTorch bfloat16", BFLOAT16


def _fastest_product(size: int, times: int = 5) -> float:
    """Seconds; one number of the product is fetched, since a GPU answers before it is done."""
    from keras import ops

    generator = np.random.default_rng(0)
    matrix = ops.cast(generator.standard_normal((size, size), dtype=np.float32), "bfloat16")
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        product = ops.matmul(matrix, matrix)
        ops.convert_to_numpy(ops.cast(product[0, 0], "float32"))
        seconds.append(time.perf_counter() - start)
    return min(seconds)
