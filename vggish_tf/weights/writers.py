"""Writers of files of weights, from values by published name; each whole or not at all.

Keras writes its own files from a model: see jobs.convert_weights.
"""

import json
import math
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vggish_tf.errors import (
    CheckpointError,
    UsageError,
    VGGishError,
    check_word,
    how_to_install,
    reason_of,
    system_error_of,
)
from vggish_tf.files import check_target, replacing
from vggish_tf.weights.layouts import TORCHVGGISH, Arrays, Shapes
from vggish_tf.weights.paths import checked, expanded, files_of, index_of

VALUES_SHA256 = "values_sha256"  # in the metadata of safetensors; compared when they are loaded

# format → the suffixes that its files may have; a TF1 V2 checkpoint is a prefix
FORMATS = {
    "safetensors": (".safetensors",),
    "v1": (".ckpt",),
    "v2": (),
    "keras": (".keras",),
    "h5": (".weights.h5",),
    "torch": (".pth", ".pt"),
}
ENDINGS = {"v2": [".data-00000-of-00001", ".index"]}  # format → those of the files of a prefix


def check_output(
    source: str | os.PathLike[str], output: Path, *, format: str | None, overwrite: bool
) -> str:
    """The format of a file to write: by its suffix, if `format` is None.

    Args:
        source: the file of weights to convert.
        output: the file to write.
        format: one of FORMATS, or None.
        overwrite: whether an existing file may be replaced.

    Raises:
        UsageError: no format has that suffix, or `format` has another one.
        CheckpointError: the file is a V1 checkpoint, and a V2 checkpoint has its name.
        VGGishError: the file cannot be written, exists, or is the source; or PyTorch is missing.
    """
    endings = {suffix: name for name, suffixes in FORMATS.items() for suffix in suffixes}
    by_suffix = [name for suffix, name in endings.items() if output.name.endswith(suffix)]
    if format is None and not by_suffix:
        raise UsageError(
            f"no format of weights has the suffix of {output}. Name it with one of "
            f"{', '.join(endings)}, or give the format (v2 has no suffix)."
        )
    format = format or by_suffix[0]
    check_word("format", format, tuple(FORMATS))
    if format == "torch" and find_spec("torch") is None:
        raise VGGishError(f"PyTorch is not installed. {how_to_install('torch')}")
    check_target(output, overwrite=overwrite, endings=FORMATS[format])
    for file in [Path(f"{output}{ending}") for ending in ENDINGS.get(format, [""])]:
        if os.path.exists(file) and any(os.path.samefile(file, one) for one in _files_of(source)):
            raise VGGishError(f"{output} is the file to convert. Choose another name.")
        check_target(file, overwrite=overwrite)
    if format == "v1":
        _check_no_index(output)
    return format


def _files_of(source: str | os.PathLike[str]) -> list[Path]:
    """The files of an existing source; none for a published name."""
    path = expanded(source)
    return files_of(checked(path, "")) if os.path.exists(path) or index_of(path).exists() else []


def write_v1(path: Path, values: Arrays) -> Path:
    """Writes a TF1 V1 checkpoint, one file.

    Raises:
        CheckpointError: a V2 checkpoint has that name.
        VGGishError, OSError: the file cannot be written.
    """
    _check_no_index(path)
    with errors_about(path), replacing(path) as temporary:
        put_v1(temporary, values)
    return path


def _check_no_index(path: Path):
    """Raises if TensorFlow would read a V2 checkpoint instead of the V1 checkpoint at `path`."""
    if index_of(path).exists():
        raise CheckpointError(
            f"cannot write {path}: TensorFlow would read {index_of(path)} instead. Delete that "
            "first."
        )


def put_v1(path: Path, values: Arrays) -> None:
    """Writes a TF1 V1 checkpoint to a new path."""
    import tensorflow as tf

    tf.raw_ops.Save(
        filename=os.fsencode(path), tensor_names=list(values), data=list(values.values())
    )


def write_v2(path: Path, values: Arrays) -> Path:
    """Writes a TF1 V2 checkpoint, `path.data-00000-of-00001` and then `path.index`.

    Raises:
        VGGishError, OSError: the files cannot be written.
    """
    check_target(path)
    with (
        errors_about(path),
        tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder,
    ):
        put_v2(Path(folder, path.name), values)
        # .data before .index: without an index the data are ignored
        for part in sorted(Path(folder).iterdir()):
            os.replace(part, path.parent / part.name)
    return path


def put_v2(path: Path, values: Arrays) -> None:
    """Writes a TF1 V2 checkpoint to a new prefix."""
    import tensorflow as tf

    tf.raw_ops.SaveV2(
        prefix=os.fsencode(path),
        tensor_names=list(values),
        shape_and_slices=[""] * len(values),
        tensors=list(values.values()),
    )


def write_safetensors(path: Path, values: Arrays, metadata: dict[str, str]) -> Path:
    """Writes a safetensors file with the published names.

    Args:
        path: the file.
        values: the weights, by published name.
        metadata: texts by name, for the file's header.

    Raises:
        VGGishError, OSError: the file cannot be written.
    """
    with errors_about(path), replacing(path) as temporary:
        put_safetensors(temporary, values, metadata)
    return path


def put_safetensors(path: Path, values: Arrays, metadata: dict[str, str]) -> None:
    """Writes a safetensors file to a new path."""
    with open(path, "xb") as stream:
        shapes = {name: value.shape for name, value in values.items()}
        write = write_tensors(stream, shapes, metadata)
        for value in values.values():
            write(np.ascontiguousarray(value, "<f4"))


def write_tensors(
    stream: BinaryIO, shapes: Shapes, metadata: dict[str, str]
) -> Callable[[np.ndarray], object]:
    """Writes the header of a safetensors file; returns a function that writes the next tensor.

    So only one tensor at a time is in memory; the writer of the safetensors package needs all.

    Source: the format as the safetensors package documents it.
    """
    header: dict[str, dict] = {"__metadata__": metadata}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the tensors are aligned
    stream.write(struct.pack("<Q", len(text)) + text)
    return lambda array: stream.write(array.data)


def put_torch(path: Path, values: Arrays) -> None:
    """Writes torchvggish's state_dict to a new path; needs PyTorch."""
    import torch

    arrays = map(TORCHVGGISH.disarranged, values.values())
    tensors = (torch.from_numpy(np.array(array, np.float32, order="C")) for array in arrays)
    with open(path, "xb") as file:
        try:
            torch.save(dict(zip(TORCHVGGISH.names(), tensors, strict=True)), file)
        except RuntimeError as error:
            raise error.__context__ or error from None  # PyTorch's own hides that of the file


@contextmanager
def errors_about(path: Path) -> Iterator[None]:
    """Turns errors of libraries into one line about `path`, and those of the system into OSError.

    The user does not know the temporary names that are in them.
    """
    try:
        yield
    except VGGishError:
        raise
    except Exception as error:  # those of TensorFlow and PyTorch have no class in common
        other = VGGishError(f"cannot write {path}: {reason_of(error)}")
        raise system_error_of(error, path) or other from None
