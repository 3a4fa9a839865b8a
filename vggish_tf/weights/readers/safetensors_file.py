"""safetensors: names, shapes and values in one file, memory-mapped, with nothing to execute.

The format has no checksum. A file that this package wrote carries the digest of its values, which
`loading` compares.

Source: the safetensors package, whose reader checks the table of contents.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from vggish_tf.weights.layouts import Source, Tensor, arranged
from vggish_tf.weights.readers.numbers import check_floating

VALUES_SHA256 = "values_sha256"  # in the metadata
DTYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Opens a file of weights in any layout."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        tensors = {
            name: Tensor(tuple(file.get_slice(name).get_shape()), partial(_read, file, name))
            for name in file.keys()  # noqa: SIM118, it is no dictionary
        }
        digest = (file.metadata() or {}).get(VALUES_SHA256, "")
        yield replace(arranged(tensors), values_sha256=digest)


def _read(file, name: str) -> np.ndarray:
    stored = file.get_slice(name).get_dtype()
    check_floating(DTYPES.get(stored, stored), name)
    return np.asarray(file.get_tensor(name)).astype(np.float32, copy=False)
