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

import ml_dtypes  # noqa: F401, NumPy knows bfloat16 by it
import numpy as np

from vggish_tf.weights.layouts import Source, Tensor, arranged
from vggish_tf.weights.readers.numbers import check_floating

VALUES_SHA256 = "values_sha256"  # in the metadata
DTYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Opens a file of weights in any layout."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:  # checks the table of contents
        digest = (file.metadata() or {}).get(VALUES_SHA256, "")
    table, start = _table_of(path)
    tensors = {
        name: Tensor(tuple(entry["shape"]), partial(_read, path, start, name, entry))
        for name, entry in table.items()
    }
    yield replace(arranged(tensors), values_sha256=digest)


def _table_of(path: Path) -> tuple[dict[str, dict], int]:
    """Name → dtype, shape and place; and where the places are counted from."""
    with open(path, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        table = json.loads(stream.read(length))
    table.pop("__metadata__", None)
    return table, 8 + length


def _read(path: Path, start: int, name: str, entry: dict) -> np.ndarray:
    """A view of the file itself, if it holds float32; the package's own reader copies."""
    stored = entry["dtype"]
    check_floating(DTYPES.get(stored, stored), name)
    place = start + entry["data_offsets"][0]
    values = np.memmap(path, DTYPES[stored], "r", place, tuple(entry["shape"]))
    return values.astype(np.float32, copy=False)
