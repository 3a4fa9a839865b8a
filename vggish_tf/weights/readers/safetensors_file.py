"""safetensors: names, shapes and values in one file, memory-mapped, with nothing to execute.

The format has no checksum. A file that this package wrote carries the digest of its values, which
`loading` compares.

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
    """Opens a file of weights in any layout; the source stays good when the file is removed."""
    import ml_dtypes  # noqa: F401, NumPy knows bfloat16 by it
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
    """A view of the file itself; the package's own reader copies."""
    first, end = entry["data_offsets"]
    return values[first:end].view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
