"""Paths of weights: from the path that a user gives to the files of a checkpoint.

A TF1 V2 checkpoint is a prefix, `model.ckpt` for `model.ckpt.index` and `model.ckpt.data-*`. A
folder is a SavedModel, or a folder of checkpoints whose file `checkpoint` names the last one. No
file of weights is opened here.

Source: tf.train.Saver's checkpoint_state.proto; tf.saved_model's folder.
"""

import ast
import glob
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vggish_tf.errors import CheckpointError, reason_of

STATE = "checkpoint"  # the file that names the last checkpoint of a folder
PATH_IN_STATE = rb'^\s*model_checkpoint_path:\s*("(?:[^"\\\n]|\\.)*")'  # protobuf's text format
MOST_OF_STATE = 1 << 20  # bytes
VARIABLES = Path("variables", "variables")  # of a SavedModel


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with `~` expanded to a home folder; unchanged if there is no such user."""
    return Path(os.path.expanduser(path))


def files_of(path: Path) -> list[Path]:
    """The files of a checkpoint: one, or the index and then the data of a TF1 V2 checkpoint.

    TensorFlow prefers a V2 checkpoint to a single file of the same name.
    """
    if not index_of(path).exists():
        return [path]
    return [index_of(path), *sorted(path.parent.glob(f"{glob.escape(path.name)}.data-*"))]


def index_of(path: Path) -> Path:
    """The index file of a TF1 V2 checkpoint with the prefix `path`."""
    return Path(f"{path}.index")


@contextmanager
def plainly_named(path: Path) -> Iterator[Path]:
    """Yields a path of a checkpoint that is UTF-8, and that is not read as a pattern.

    TensorFlow would not find 'model[1].ckpt', and neither it nor PyTorch takes other bytes.
    """
    if not re.search(r"[][*?\\\udc80-\udcff]", path.as_posix()):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "model.ckpt")
        for part in files_of(path):
            os.symlink(part.absolute(), f"{plain}{part.name.removeprefix(path.name)}")
        yield plain


def num_bytes_of(files: list[Path]) -> int:
    """The total size of files, in bytes."""
    return sum(file.stat().st_size for file in files)


def checked(given: str | os.PathLike[str], names: str) -> Path:
    """The path of a file, or the prefix of a V2 checkpoint, from the path that a user gives.

    Args:
        given: a file, a prefix, or a folder.
        names: the published names, for the error message.

    Raises:
        CheckpointError: nothing is there; or it is one file of several, a folder without weights,
            a pipe or a device.
    """
    path = expanded(given)
    if part := re.fullmatch(r"(.*)\.(index|data-\d{5}-of-\d{5})", path.name, re.DOTALL):
        raise CheckpointError(
            f"{path} is one file of a V2 checkpoint. Give their common prefix: "
            f"{path.parent / part[1]}"
        )
    if not os.fspath(given) or not (os.path.exists(path) or os.path.exists(index_of(path))):
        raise CheckpointError(
            f"there is no checkpoint at {path if os.fspath(given) else repr('')}. "
            f"Give the path of a file, or a published name: {names}."
        )
    if path.is_dir():
        path = _in_folder(path)
    for file in files_of(path):
        if file.exists() and not file.is_file():
            raise CheckpointError(f"{file} is a pipe or a device. Give the path of a checkpoint.")
    return path


def _in_folder(folder: Path) -> Path:
    """The checkpoint of a folder: that of a SavedModel, or the last one."""
    if index_of(folder / VARIABLES).exists():
        return folder / VARIABLES
    state = folder / STATE
    if not state.is_file():
        raise CheckpointError(f"{folder} is a folder. Give the path of a checkpoint in it.")
    last = folder / _last_in(state)
    if not (os.path.isfile(last) or os.path.exists(index_of(last))):
        raise CheckpointError(
            f"{state} names the checkpoint {last.name!r}, which is not in its folder. Give the "
            "path of another."
        )
    return last


def _last_in(state: Path) -> str:
    """The name of the last checkpoint, without its folder, since folders may have been moved."""
    try:
        with open(state, "rb") as stream:
            content = stream.read(MOST_OF_STATE)
    except OSError as error:
        raise CheckpointError(f"cannot read {state}: {reason_of(error)}.") from None
    quoted = re.search(PATH_IN_STATE, content, re.MULTILINE)
    try:
        name = re.split(r"[/\\]", _unquoted(quoted[1]))[-1] if quoted else ""
    except (ValueError, SyntaxError, Warning):
        name = ""
    if name in ("", ".", ".."):
        raise CheckpointError(f"{state} names no checkpoint. Give the path of one.")
    return name


def _unquoted(text: bytes) -> str:
    """A quoted string of protobuf's text format, whose escapes are those of a Python literal."""
    ascii = re.sub(rb"[\x80-\xff]", lambda byte: b"\\x%02x" % ord(byte[0]), text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an unknown escape
        return ast.literal_eval(f"b{ascii.decode()}").decode()
