"""Readers of weights, a file for each format. They give the weights by their published names.

    tensorflow_checkpoint    TF1 V1 and V2 (its `bundle_index`); the variables of a SavedModel
    hdf5                     `.keras`, `.weights.h5`, Keras 2's `.h5`
    safetensors_file         safetensors
    torch_file               PyTorch's `.pth`, `.pt`
    frozen_graph, onnx_file  constants of a graph, which `graphs` finds by the flow of the data

A file is recognized by its content, not by its name. Shapes and values are compared with a model in
`loading`, not here. Files are not trusted: nothing in them is executed, no other file is read for
them, and the size of what is unpacked is limited.
"""

import math
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from vggish_tf.errors import CheckpointError, VGGishError, without_operations
from vggish_tf.weights.layouts import Source
from vggish_tf.weights.paths import index_of
from vggish_tf.weights.published import NUM_VALUES
from vggish_tf.weights.readers import (
    frozen_graph,
    hdf5,
    onnx_file,
    safetensors_file,
    tensorflow_checkpoint,
    torch_file,
)
from vggish_tf.weights.registry import resolve

COPIES = 8  # how often the float32 weights fit into the largest file: float64, with 3 slots each
OVERHEAD = 1 << 24  # bytes, for everything else in it

HDF5_START = b"\x89HDF\r\n\x1a\n"
ZIP_START = b"PK\x03\x04"
GZIP_START = b"\x1f\x8b"
OLD_TORCH_START = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # before 1.6
SAVED_MODEL_START = b"\x08\x01\x12"  # saved_model_schema_version 1, then meta_graphs
ONNX_START = b"\x08"  # ir_version
GRAPH_START = b"\x0a"  # node
MOST_OF_HEADER = 100_000_000  # bytes, of safetensors' table of contents

READ_WHOLE = ("frozen graph", "ONNX", "PyTorch")

# from the error messages of HDF5, TensorFlow and safetensors
DAMAGE = ("truncated", "Read less bytes", "Error copying slice data", "Error parsing message")
DAMAGED_HEADER = ("deserializing header", "Error while deserializing")
ERRORS_OF_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, LookupError)


def read(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads all weights of a file: published name → float32 array.

    Variables other than the 18, PCA parameters and the optimizer's state are left out.

    Args:
        path: the path of a file of any format, or a published name.

    Raises:
        CheckpointError: there is no such file, or it is not a checkpoint, or it is cut short.
        VGGishError: its reader is not installed.

    Example:
        >>> import tempfile, vggish_tf
        >>> model = vggish_tf.VGGish(None, inputs="examples")
        >>> path = tempfile.mkdtemp() + "/untrained.safetensors"
        >>> values = read(vggish_tf.checkpoints.save_safetensors(model, path))
        >>> len(values), next(iter(values))
        (18, 'vggish/conv1/weights')
    """
    path = resolve(path)
    with opened(path) as source:
        if sum(map(math.prod, source.shapes.values())) > COPIES * NUM_VALUES:
            raise CheckpointError(with_path(path, "it holds far more numbers than a VGGish."))
        return {name: source.get(name) for name in source.shapes}


@contextmanager
def opened(path: Path, num_values: int = NUM_VALUES, average: str = "") -> Iterator[Source]:
    """Opens a file of weights of any format.

    Args:
        path: as returned by registry.resolve.
        num_values: the number of weights of the model, which limits the unpacked size of a zip.
        average: the name of a moving average in a TF1 checkpoint, whose values are taken instead.

    Raises:
        CheckpointError: as `read`; one line for any error of the reader.
        VGGishError: its reader is not installed.
    """
    with ExitStack() as stack:
        with errors_about(path):
            source = stack.enter_context(_opened(path, num_values, average))

        def get(name: str) -> np.ndarray:
            with errors_about(path):
                return source.get(name)

        yield replace(source, get=get)


def most_bytes(num_values: int = NUM_VALUES) -> int:
    """The size that a file of so many weights may have, unpacked."""
    return COPIES * 4 * num_values + OVERHEAD


@contextmanager
def errors_about(path: Path) -> Iterator[None]:
    """Turns any error of a reader into one line about `path`."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(with_path(path, str(error))) from None
    except VGGishError:
        raise
    except Exception as error:  # the libraries have no error class for damage in common
        raise CheckpointError(f"cannot read checkpoint {str(path)!r}: {_reason(error)}") from None


def with_path(path: Path, text: str) -> str:
    """A reader's reason as a message about a file, unless it names the file already."""
    return text if repr(str(path)) in text else f"cannot read checkpoint {str(path)!r}: {text}"


def _opened(path: Path, num_values: int, average: str) -> AbstractContextManager[Source]:
    most = most_bytes(num_values)
    format = checked_format(path, num_values)
    if average and format != "TF1":
        raise CheckpointError("its format has no moving averages. Leave the average out.")
    match format:
        case "HDF5":
            return hdf5.opened(path)
        case "Keras":
            return hdf5.opened(hdf5.unpacked(path, most))
        case "PyTorch":
            return torch_file.opened(path, most)
        case "safetensors":
            return safetensors_file.opened(path)
        case "frozen graph":
            return frozen_graph.opened(path)
        case "ONNX":
            return onnx_file.opened(path)
        case "npz":
            raise CheckpointError("it is an npz, such as that of the PCA parameters: no weights.")
    return tensorflow_checkpoint.opened(path, average)


def checked_format(path: Path, num_values: int) -> str:
    """The format of a file, after a check of its size if the format is read whole.

    Raises:
        CheckpointError: as `format_of`, or the file is too large.
    """
    format, most = format_of(path), most_bytes(num_values)
    if format in READ_WHOLE and path.stat().st_size > most:
        raise CheckpointError(f"it has more than {most:,} bytes. Give the weights alone.")
    return format


def format_of(path: Path) -> str:
    """The format of a file, by its first bytes; "TF1" if they are of no other format.

    Raises:
        CheckpointError: the file is packed, another kind of zip, or one file of a SavedModel.
    """
    start = b""
    if path.is_file() and not index_of(path).exists():
        with open(path, "rb") as stream:
            start = stream.read(16)
    if start.startswith(HDF5_START):
        return "HDF5"
    if start.startswith(ZIP_START):
        return _format_of_zip(path)
    if start.startswith(OLD_TORCH_START):
        return "PyTorch"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= MOST_OF_HEADER:
        return "safetensors"
    if start.startswith(GZIP_START):
        raise CheckpointError("it is packed with gzip. Unpack it first (tar xzf), and give that.")
    if start.startswith(SAVED_MODEL_START):
        raise CheckpointError("it is one file of a SavedModel. Give the folder that it is in.")
    return {GRAPH_START: "frozen graph", ONNX_START: "ONNX"}.get(start[:1], "TF1")


def _format_of_zip(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if hdf5.WEIGHTS_PART in names:
        return "Keras"
    if any(name.split("/")[1:] == [torch_file.CONTENT_PART] for name in names):
        return "PyTorch"
    if any(name.endswith(".npy") for name in names):
        return "npz"
    raise CheckpointError(
        f"it is a zip file but neither Keras's nor PyTorch's: it has no {hdf5.WEIGHTS_PART} and no "
        f"{torch_file.CONTENT_PART}."
    )


def _reason(error: Exception) -> str:
    """The reason on one line, without the path, which the caller adds."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = without_operations(text)
    if isinstance(error, MemoryError):
        return "there is not enough memory for what it holds."
    if isinstance(error, ERRORS_OF_DAMAGE) or any(word in text for word in DAMAGE):
        return "it is damaged or cut short."
    if any(word in text for word in DAMAGED_HEADER):
        return "its table of contents is damaged, or it is cut short."
    if "sstable" in text:
        return "it is empty, cut short, or not a checkpoint."
    if "Checksum" in text or "beginning of the checkpoint" in text:
        return "it is damaged: a checksum in it does not match."
    return " ".join(text.split())[:200]
