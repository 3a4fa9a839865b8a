"""Readers of every file of weights, by the published names, and writers of TF1 checkpoints.

A file is recognised by its content, not by its suffix. Names and values are not checked here: a
tensor of a Keras file that is not VGGish's keeps its own name, and `loading` makes it an error; of
a TF1 checkpoint, which may be that of a larger model, only the 18 variables are read. A flipped bit
is detected in TF1 and `.keras` files, which have checksums, and not in `.weights.h5`, which has
none.

Files are not trusted: no other file is read for them, and no more memory is taken than the weights
need.

Source: the names of research/audioset/vggish/vggish_slim.py; the layout of Keras 3's saving_lib
(`layers/<class>_<n>/ vars/<i>`, where the attribute `name` of `vars` is the layer's name).
"""

import io
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vggish_tf.archives import read_member
from vggish_tf.errors import CheckpointError, VGGishError
from vggish_tf.files import check_target, replacing
from vggish_tf.weights.registry import files_of, index_of, resolve

# Keras layer → its scope in the published checkpoint, which holds <scope>/weights and
# <scope>/biases.
LAYERS = {
    "conv1": "vggish/conv1",
    "conv2": "vggish/conv2",
    "conv3_1": "vggish/conv3/conv3_1",
    "conv3_2": "vggish/conv3/conv3_2",
    "conv4_1": "vggish/conv4/conv4_1",
    "conv4_2": "vggish/conv4/conv4_2",
    "fc1_1": "vggish/fc1/fc1_1",
    "fc1_2": "vggish/fc1/fc1_2",
    "embedding": "vggish/fc2",
}
PUBLISHED_NAMES = [f"{scope}/{kind}" for scope in LAYERS.values() for kind in ("weights", "biases")]

NUM_VALUES = 72_141_184  # in the published 18
COPIES = 8  # of the float32 weights that a Keras file may hold: in float64, with 3 slots of each
OVERHEAD = 1 << 24  # bytes, for all else in it

# from the error messages of HDF5 and TensorFlow
DAMAGE = ("truncated", "Read less bytes", "Error copying slice data")
ERRORS_OF_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, LookupError)


@dataclass(frozen=True)
class Source:
    """An open file of weights: each tensor's shape by name, and `get`, which reads one as float32.

    `extras` are the names of other variables in a TF1 checkpoint, such as an optimizer's state.
    """

    shapes: dict[str, tuple[int, ...]]
    get: Callable[[str], np.ndarray]
    extras: tuple[str, ...] = ()


def read(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads all weights of a file: published name → float32 array.

    Variables of a TF1 checkpoint besides the 18 are left out, as are PCA parameters and the
    optimizer's state in a Keras file.

    Raises:
        CheckpointError: there is no such file, or it is not a checkpoint, or it is cut short.
    """
    with opened(resolve(path)) as source:
        return {name: source.get(name) for name in source.shapes}


@contextmanager
def opened(path: Path, num_values: int = NUM_VALUES) -> Iterator[Source]:
    """Opens a file of weights of any kind.

    Args:
        path: as returned by registry.resolve.
        num_values: the number of weights of the model, which limits the unpacked size of a zip.

    Raises:
        CheckpointError: as `read`; one line, whatever the reader raised.
    """
    try:
        with _open(path, num_values) as source:
            yield source
    except CheckpointError:
        raise
    except Exception as error:  # TensorFlow, HDF5, zipfile and zlib share no class for damage
        raise CheckpointError(f"cannot read checkpoint {str(path)!r}: {_reason(error)}") from None


def write_v1(path: Path, values: dict[str, np.ndarray]) -> Path:
    """Writes a TF1 V1 checkpoint, one file."""
    import tensorflow as tf

    if index_of(path).exists():
        raise CheckpointError(
            f"cannot write {path}: TensorFlow would read {index_of(path)} instead. Delete that "
            "first."
        )
    with _errors_about(path), replacing(path) as temporary:
        tf.raw_ops.Save(
            filename=str(temporary), tensor_names=list(values), data=list(values.values())
        )
    return path


def write_v2(path: Path, values: dict[str, np.ndarray]) -> Path:
    """Writes a TF1 V2 checkpoint, `path.data-00000-of-00001` and then `path.index`."""
    import tensorflow as tf

    check_target(path)
    with (
        _errors_about(path),
        tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder,
    ):
        tf.raw_ops.SaveV2(
            prefix=f"{folder}/{path.name}",
            tensor_names=list(values),
            shape_and_slices=[""] * len(values),
            tensors=list(values.values()),
        )
        # .data before .index: without the index the data are ignored
        for part in sorted(Path(folder).iterdir()):
            os.replace(part, path.parent / part.name)
    return path


@contextmanager
def _errors_about(path: Path) -> Iterator[None]:
    """Turns TensorFlow's and the system's errors on a temporary name into one line on `path`."""
    import tensorflow as tf

    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "message", error)
        raise VGGishError(f"cannot write {path}: {' '.join(str(reason).split())[:200]}") from None


@contextmanager
def _open(path: Path, num_values: int) -> Iterator[Source]:
    """Opens a file by its first bytes: HDF5, a zip, or else a TF1 checkpoint."""
    start = b""
    if path.is_file():
        with open(path, "rb") as stream:
            start = stream.read(8)
    if start == b"\x89HDF\r\n\x1a\n":
        with _open_h5(path) as source:
            yield source
    elif start[:4] == b"PK\x03\x04":
        with _open_h5(_weights_in_zip(path, COPIES * 4 * num_values + OVERHEAD)) as source:
            yield source
    else:
        with _without_wildcards(path) as plain:
            yield _open_tf1(plain)


def _weights_in_zip(path: Path, most: int) -> io.BytesIO:
    with zipfile.ZipFile(path) as archive:
        if "model.weights.h5" not in archive.namelist():
            raise CheckpointError(
                f"{str(path)!r} is a zip file but not a .keras file: it has no model.weights.h5."
            )
        return io.BytesIO(read_member(archive, "model.weights.h5", most))


@contextmanager
def _without_wildcards(path: Path) -> Iterator[Path]:
    """Yields a path of a TF1 checkpoint that TensorFlow does not take for a pattern.

    It would not find 'model[1].ckpt'.
    """
    if not re.search(r"[][*?\\]", path.as_posix()):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "model.ckpt")
        for part in files_of(path):
            os.symlink(part.absolute(), f"{plain}{part.name.removeprefix(path.name)}")
        yield plain


def _open_tf1(path: Path) -> Source:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(path))
    dtypes = reader.get_variable_to_dtype_map()
    found = reader.get_variable_to_shape_map()
    shapes = {name: tuple(found[name]) for name in PUBLISHED_NAMES if name in found}
    extras = tuple(sorted(found.keys() - shapes.keys()))

    def get(name):
        _check_floating(dtypes[name].name, name)
        # in eager mode not the reader, which holds Python's lock and so stops other threads
        if not tf.executing_eagerly():
            return reader.get_tensor(name).astype(np.float32, copy=False)
        (tensor,) = tf.raw_ops.RestoreV2(
            prefix=str(path), tensor_names=[name], shape_and_slices=[""], dtypes=[dtypes[name]]
        )
        return tensor.numpy().astype(np.float32, copy=False)

    return Source(shapes, get, extras)


@contextmanager
def _open_h5(file: Path | io.BytesIO) -> Iterator[Source]:
    """Finds weights by the name of their layer; the file's groups have class names and numbers."""
    import h5py  # type: ignore[import-untyped]

    with h5py.File(file, "r") as root:
        datasets: dict[str, h5py.Dataset] = {}
        root.visititems(lambda path, item: _collect(datasets, path, item))
        yield Source(
            {name: tuple(dataset.shape) for name, dataset in datasets.items()},
            lambda name: _h5_array(datasets[name], name),
        )


def _collect(datasets: dict, path: str, item):
    """Adds an HDF5 dataset under its published name, or under its path if it has none.

    Raises:
        CheckpointError: the name is taken.
    """
    if not hasattr(item, "shape") or path.startswith("optimizer/"):
        return
    group, index = path.rsplit("/", 1)
    layer = str(item.parent.attrs.get("name", group))
    if layer == "postprocess":
        return
    kind = {"0": "weights", "1": "biases"}.get(index)
    is_ours = layer in LAYERS and kind is not None and re.fullmatch(r"layers/[^/]+/vars", group)
    name = f"{LAYERS[layer]}/{kind}" if is_ours else path
    if name in datasets:
        raise CheckpointError(f"two layers of the file are called {layer!r}. Nothing was loaded.")
    datasets[name] = item


def _h5_array(dataset, name: str) -> np.ndarray:
    """Reads a dataset as float32.

    HDF5 has no bfloat16, so Keras stores the bytes, with the dtype in an attribute.
    """
    import h5py
    import ml_dtypes

    stored = dataset.id.get_create_plist()
    # The other layouts are chunks, which may unpack to any size, and views of other datasets.
    plain = stored.get_layout() in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS)
    if not plain or stored.get_external_count():
        raise CheckpointError(
            f"{name!r} is not stored plainly in the file, as Keras does, but compressed, in chunks "
            "or in another file. Save the model anew."
        )
    if dataset.attrs.get("dtype") == "bfloat16" and dataset.dtype == np.dtype("V2"):
        return dataset[()].view(ml_dtypes.bfloat16).astype(np.float32)
    _check_floating(dataset.dtype.name, name)
    return dataset[()].astype(np.float32, copy=False)


def _check_floating(dtype: str, name: str):
    if dtype not in ("float16", "bfloat16", "float32", "float64"):
        raise CheckpointError(f"{name!r} in the checkpoint is {dtype}, not floating point.")


def _reason(error: Exception) -> str:
    """The reason in one line, without the path (the caller names it) and TensorFlow's guesses."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = re.sub(r"\{\{.*?\}\}|\[Op:.*?\]", "", text)  # the names of TensorFlow's operations
    if isinstance(error, MemoryError):
        return "there is not enough memory for what it holds."
    if isinstance(error, ERRORS_OF_DAMAGE) or any(word in text for word in DAMAGE):
        return "it is damaged or cut short."
    if "sstable" in text:
        return "it is empty, cut short, or not a checkpoint."
    if "Checksum" in text or "beginning of the checkpoint" in text:
        return "it is damaged: a checksum in it does not match."
    return " ".join(text.split())[:200]
