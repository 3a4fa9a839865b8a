"""safetensors: names, shapes and values in one file, memory-mapped, with nothing to execute.

The format has no checksum. A file that this package wrote has the digest of its values in its
header, which `kept` compares.

Source: the safetensors package, whose reader checks the table of contents.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from vggish_tf.weights.layouts import Source, Tensor, arranged, unique

DTYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Opens a file of weights in any layout; it stays readable if the file is removed."""
    import ml_dtypes  # noqa: F401, registers bfloat16 with NumPy
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:  # checks the table of contents
        metadata = file.metadata() or {}
    content = np.memmap(path, np.uint8, "r")
    start = 8 + int.from_bytes(content[:8].tobytes(), "little")
    table = json.loads(content[8:start].tobytes(), object_pairs_hook=unique)
    table.pop("__metadata__", None)
    tensors = {
        name: Tensor(
            tuple(entry["shape"]),
            DTYPES.get(entry["dtype"], entry["dtype"]),
            partial(_view, content[start:], entry),
        )
        for name, entry in table.items()
    }
    yield replace(arranged(tensors), metadata=metadata)


def _view(values: np.ndarray, entry: dict) -> np.ndarray:
    """A view of the mapped file; the reader of the safetensors package would copy."""
    first, end = entry["data_offsets"]
    return values[first:end].view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
