"""Keras files: `.weights.h5` and `.keras` of Keras 3, and the `.h5` of Keras 2.

A layer is found by its name. In a file of Keras 3, whose groups have class names and numbers, that
is the attribute `name` of `layers/<class>_<n>/vars`; in a file of Keras 2 it is in the list
`layer_names`. The values must be in plain datasets; compressed ones, and links into other files,
are refused. These HDF5 files have no checksum: a flipped bit is detected only in a `.keras` file.

Source: Keras 3's saving_lib, Keras 2's hdf5_format (save_weights_to_hdf5_group).
"""

import io
import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vggish_tf.archives import read_member
from vggish_tf.errors import CheckpointError
from vggish_tf.params import PCA_EIGEN_VECTORS_NAME, PCA_MEANS_NAME
from vggish_tf.weights.layouts import Source, Tensor, arranged
from vggish_tf.weights.published import POSTPROCESS

KINDS = {"0": "kernel", "1": "bias"}
PCA_KINDS = {"0": PCA_EIGEN_VECTORS_NAME, "1": PCA_MEANS_NAME}
MOST_ITEMS, DEEPEST, MOST_NAMES = 10_000, 16, 100
WHOLE_MODEL = "model_weights"  # the group of the weights in a whole model of Keras 2
WEIGHTS_PART = "model.weights.h5"  # the member of a .keras file


@contextmanager
def opened(file: Path | io.BytesIO) -> Iterator[Source]:
    """Opens an HDF5 file of weights."""
    with datasets_in(file) as datasets:
        yield arranged(
            {
                name: Tensor(tuple(item.shape), _dtype_of(item), partial(array_of, item, name))
                for name, item in datasets.items()
                if POSTPROCESS not in name.split("/")
            },
            whole=True,
        )


def unpacked(path: Path, most: int) -> io.BytesIO:
    """The HDF5 file in a `.keras` file, if it has at most `most` bytes."""
    with zipfile.ZipFile(path) as archive:
        return io.BytesIO(read_member(archive, WEIGHTS_PART, most))


@contextmanager
def datasets_in(file: Path | io.BytesIO) -> Iterator[dict[str, Any]]:
    """The datasets of a file by name: layer/kernel, layer/bias, or their path outside a layer.

    Raises:
        CheckpointError: two datasets have the same name.
    """
    import h5py  # type: ignore[import-untyped]

    with h5py.File(file, "r") as root:
        items = _items_of(root)
        weights = items.get(WHOLE_MODEL, root)
        if "layer_names" in weights.attrs:
            yield _of_keras_2(weights, items)
            return
        datasets: dict[str, Any] = {}
        for path, item in items.items():
            _collect(datasets, path, item)
        yield datasets


def _items_of(root) -> dict[str, Any]:
    """Path → group or dataset; links into other files are not followed.

    Raises:
        CheckpointError: there are more groups and datasets than a model has.
    """
    items: dict[str, Any] = {}

    def collect(path: str, item):
        items[path] = item
        if len(items) > MOST_ITEMS or path.count("/") > DEEPEST:
            raise CheckpointError("it has more groups than a model. Give the weights alone.")

    root.visititems(collect)
    return items


def _of_keras_2(weights, items: dict[str, Any]) -> dict[str, Any]:
    """Layer/name → dataset."""
    datasets: dict[str, Any] = {}
    start = weights.name.strip("/")
    for layer in _texts(weights, "layer_names"):
        group = "/".join([*([start] if start else []), layer])
        for name in _texts(items[group], "weight_names") if group in items else ():
            own = name.rsplit("/", 1)[-1].removesuffix(":0")
            _add(datasets, f"{layer}/{own}", layer, items.get(f"{group}/{name}"))
    return datasets


def _texts(group, name: str) -> list[str]:
    """The texts in an attribute of a group; none if it has no such attribute."""
    if name not in group.attrs:
        return []
    if math.prod(group.attrs.get_id(name).shape) > MOST_NAMES:  # each may be a megabyte long
        raise CheckpointError(f"its list {name} is longer than that of a model.")
    texts = group.attrs[name]
    return [text.decode() if isinstance(text, bytes) else str(text) for text in texts]


def _collect(datasets: dict, path: str, item):
    """Adds a dataset of Keras 3 under its layer's name, or under its path if it has none."""
    if not hasattr(item, "shape") or path.startswith("optimizer/"):
        return
    group, index = path.rsplit("/", 1) if "/" in path else ("", path)
    layer = str(item.parent.attrs.get("name", group))
    if layer == POSTPROCESS:
        _add(datasets, f"{layer}/{PCA_KINDS.get(index, index)}", layer, item)
        return
    is_layer = index in KINDS and re.fullmatch(r"layers/[^/]+/vars", group)
    named = is_layer and "name" in item.parent.attrs
    _add(datasets, f"{layer}/{KINDS[index]}" if named else path, layer, item)


def _add(datasets: dict, name: str, layer: str, item):
    if item is None:
        raise CheckpointError(f"the values of {name!r} are missing, or are in another file.")
    if name in datasets:
        raise CheckpointError(f"two layers of the file are called {layer!r}. Nothing was loaded.")
    datasets[name] = item


def _dtype_of(dataset) -> str:
    """HDF5 has no bfloat16, so Keras stores the bytes, with the dtype in an attribute."""
    if dataset.attrs.get("dtype") == "bfloat16" and dataset.dtype == np.dtype("V2"):
        return "bfloat16"
    return dataset.dtype.name


def array_of(dataset, name: str) -> np.ndarray:
    """Reads a dataset, in its own precision.

    Raises:
        CheckpointError: the dataset is compressed, in chunks, or in another file.
    """
    import h5py
    import ml_dtypes

    stored = dataset.id.get_create_plist()
    # Other layouts are chunks, which may unpack to any size, and views of other datasets.
    plain = stored.get_layout() in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS)
    if not plain or stored.get_external_count():
        raise CheckpointError(
            f"{name!r} is not stored plainly in the file, as Keras does, but compressed, in chunks "
            "or in another file. Save the model again."
        )
    values = dataset[()]
    return values.view(ml_dtypes.bfloat16) if _dtype_of(dataset) == "bfloat16" else values
