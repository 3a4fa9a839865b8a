"""PyTorch's files, `.pth` and `.pt`: a state_dict, read by PyTorch without running its contents.

A file is a zip, or a pickle from before PyTorch 1.6, as in torchvggish's release. The checksums of
a zip are compared here; PyTorch does not compare them.

Source: torch.load, weights_only=True; torchvggish's release file.
"""

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vggish_tf.errors import CheckpointError, VGGishError, how_to_install
from vggish_tf.weights.layouts import Source, Tensor, arranged, unique
from vggish_tf.weights.paths import plainly_named

DEEPEST = 4  # levels of nested dictionaries
CONTENT_PART = "data.pkl"  # the member of a zip, in its only folder


@contextmanager
def opened(path: Path, most: int) -> Iterator[Source]:
    """Opens a state_dict, if it unpacks to at most `most` bytes."""
    yield arranged(
        {
            name: Tensor(tuple(value.shape), _dtype_of(value), partial(array_of, value, name))
            for name, value in values_in(path, most).items()
        }
    )


def values_in(path: Path, most: int) -> dict[str, Any]:
    """Name → PyTorch tensor or NumPy array; the names of nested dictionaries are joined by dots.

    Raises:
        VGGishError: PyTorch is not installed.
        CheckpointError: the file is damaged, or holds other objects than tensors.
    """
    try:
        import torch
    except ImportError:
        raise VGGishError(
            f"{path} is a PyTorch file, and PyTorch is not installed. {how_to_install('torch')}"
        ) from None
    is_zip = zipfile.is_zipfile(path)
    if is_zip:
        _check_zip(path, most)
    with (
        torch.serialization.safe_globals(_numpy_globals()),
        warnings.catch_warnings(),
        plainly_named(path) as plain,
    ):
        warnings.simplefilter("ignore")  # about contents that are refused below
        try:
            content = torch.load(plain, map_location="cpu", weights_only=True, mmap=is_zip)
        except Exception as error:
            raise CheckpointError(_reason(error)) from None
    return unique(_flat(content))


def _check_zip(path: Path, most: int):
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise CheckpointError("its parts are packed; PyTorch packs none. Save it again.")
        if sum(member.file_size for member in members) > most:
            raise CheckpointError(f"it holds more than {most:,} bytes. Give the weights alone.")
        if archive.testzip() is not None:
            raise zipfile.BadZipFile


class _Dtype:
    """Stands for numpy.dtype in a pickle: the three dtypes of weights, and no others."""

    def __init__(self, code: str, *_):
        self.name = {"f2": "float16", "f4": "float32", "f8": "float64"}[code]

    def __setstate__(self, state):
        if state[1] == ">":
            raise CheckpointError("its numbers are big-endian. Save it again.")


class _Array:
    """Stands for numpy.ndarray in a pickle; `values` is the array."""

    def __setstate__(self, state):
        _, shape, dtype, is_fortran, content = state
        flat = np.frombuffer(content, dtype.name)
        self.values = flat.reshape(shape[::-1]).T if is_fortran else flat.reshape(shape)


def _reconstruct(*_) -> _Array:
    return _Array()


def _numpy_globals() -> list[tuple[Any, str]]:
    """Stand-ins for NumPy's array, by the names in old and new pickles.

    torchvggish's PCA file holds NumPy arrays.
    """
    return [
        *((_reconstruct, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
        (_Array, "numpy.ndarray"),
        (_Dtype, "numpy.dtype"),
    ]


def _reason(error: Exception) -> str:
    text = str(error)
    if "weights_only" in text.lower() or "WeightsUnpickler" in text:
        return (
            "it is damaged, or holds more than tensors, such as a whole pickled model, which is "
            "not executed. Save its state_dict() instead."
        )
    return "it is damaged or cut short."


def _flat(content, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The tensors of nested dictionaries; numbers and texts are left out."""
    for name, value in content.items() if isinstance(content, dict) else ():
        if isinstance(value, dict):
            if depth == DEEPEST:
                raise CheckpointError("its dictionaries are nested too deeply.")
            yield from _flat(value, f"{prefix}{name}.", depth + 1)
        elif isinstance(value, _Array):
            yield f"{prefix}{name}", value.values
        elif hasattr(value, "shape"):
            yield f"{prefix}{name}", value


def array_of(value, name: str) -> np.ndarray:
    """A tensor or an array as an array in its own precision; bfloat16 becomes float32.

    Raises:
        CheckpointError: the tensor is sparse.
    """
    if isinstance(value, np.ndarray):
        return value
    dense = value.detach()
    if str(dense.layout) != "torch.strided":
        raise CheckpointError(f"{name!r} in the checkpoint is sparse. Save it dense.")
    return (dense.float() if _dtype_of(value) == "bfloat16" else dense).numpy()


def _dtype_of(value) -> str:
    return str(value.dtype).removeprefix("torch.")
