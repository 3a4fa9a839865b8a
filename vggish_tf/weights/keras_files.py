"""Checks of a `.keras` file without Keras, which takes seconds to import.

Keras decides by the name, and would read a folder, an old .h5 file, or a network address. Here a
model is a zip file on this disk, named `.keras`, with a config and weights in it.
"""

import os
import re
import zipfile
from pathlib import Path

from vggish_tf import archives
from vggish_tf.errors import CheckpointError, reason_of

MOST_PACKED = 100  # largest ratio of compression; weights hardly compress
PIECE = 1 << 20  # bytes that are exempt from the ratio, so that small networks of zeros load
PARTS = ("config.json", "model.weights.h5")


def check(path: str | os.PathLike[str]) -> Path:
    """Returns `path` as a Path if it is a `.keras` file, by its name and its table of contents.

    Raises:
        CheckpointError: the file is missing, a folder, a pipe, of another kind, or cut short.
    """
    path = Path(path)
    if fault := _fault_of(path):
        raise CheckpointError(f"cannot load a model from {path}: {fault}")
    return path


def _fault_of(path: Path) -> str:
    if path.is_dir():
        return "it is a folder. Give a .keras file."
    if not path.exists():
        return "it does not exist. Check the name."
    if not path.is_file():
        return "it is not a file. Give a .keras file."
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [part for part in PARTS if part not in archive.namelist()]
    except OSError as error:
        return f"{reason_of(error)}."
    except (ValueError, NotImplementedError, zipfile.BadZipFile):
        return "it is not a .keras file, or is cut short. Give another."
    if missing:
        return f"it is not a .keras file: it has no {missing[0]}. Give another."
    return "" if path.suffix == ".keras" else "its name must end in .keras. Rename it."


def other_keras(path: Path, installed: str) -> str:
    """A sentence if another version of Keras wrote a file: the installed one may lack its options.

    `path` has passed check_sums().
    """
    with zipfile.ZipFile(path) as archive:
        about = archive.read("metadata.json") if "metadata.json" in archive.namelist() else b""
    wrote = re.search(r'"keras_version": "([\w.]{1,20})"', about.decode(errors="replace"))
    if not wrote or wrote[1] == installed:
        return ""
    return f" Keras {wrote[1]} wrote it, and {installed} is installed."


def check_sums(path: Path) -> None:
    """Compares every part with its checksum, which Keras does not do for the weights.

    Raises:
        CheckpointError: a part is damaged, or unpacks to far more than weights can.
    """
    found = "it is damaged"
    try:
        with zipfile.ZipFile(path) as archive:
            if any(map(_is_bomb, archive.infolist())):
                found = "it unpacks to far more than a model"
            elif archive.testzip() is None:
                return
    except Exception:  # EOFError, zlib.error, struct.error, RuntimeError, depending on the damage
        pass
    raise CheckpointError(f"cannot load a model from {path}: {found}. Give another.")


def _is_bomb(part: zipfile.ZipInfo) -> bool:
    is_large = part.file_size > MOST_PACKED * (part.compress_size + PIECE)
    return is_large or part.compress_type not in archives.BOUNDED
