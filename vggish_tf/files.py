"""Atomic writing of files and folders: a temporary name beside the target, then a rename.

The folder of the files that ship with the package is here too.
"""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TextIO

from vggish_tf.errors import UsageError, VGGishError, reason_of

DATA = resources.files("vggish_tf") / "data"  # files that ship with the package


def check_source(path: str | os.PathLike[str], advice: str) -> Path:
    """Returns `path` as a Path if it is a file or a folder.

    Raises:
        VGGishError: `path` does not exist; the message ends with `advice`.
    """
    path = Path(path)
    if not (path.is_file() or path.is_dir()):
        raise VGGishError(f"{path} does not exist. {advice}")
    return path


def check_target(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = True,
    endings: Sequence[str] = (),
) -> Path:
    """Returns `path` as a Path if a file can be written there; call it before long work starts.

    Args:
        path: the file to be written.
        overwrite: whether an existing file may be replaced.
        endings: the name must have one of them, so that no recording is overwritten by mistake.

    Raises:
        UsageError: the name has another ending.
        VGGishError: the folder does not exist or is not writable, `path` is a folder, or `path`
            exists and `overwrite` is False.
    """
    path = Path(path)
    if endings and not path.name.endswith(tuple(endings)):
        expected = " or ".join(endings)
        raise UsageError(
            f"cannot write {path}: its name must end in {expected}. Name it "
            f"{path.stem}{endings[0]}."
        )
    if not path.parent.is_dir():
        raise VGGishError(
            f"cannot write {path}: the folder {path.parent} does not exist. Create it first."
        )
    if not os.access(path.parent, os.W_OK):
        raise VGGishError(
            f"cannot write {path}: the folder {path.parent} is not writable. Choose another."
        )
    if path.exists() and not overwrite:
        raise VGGishError(
            f"{path} already exists. Choose another name, or pass overwrite=True (--overwrite)."
        )
    if path.is_dir():
        raise VGGishError(f"cannot write {path}: it is a folder. Give the name of a file.")
    return path


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Makes the folder `path`, if it does not exist, and returns it.

    Raises:
        VGGishError: the folder cannot be made, or a file has its name.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VGGishError(
            f"cannot make the folder {path}: {error.strerror}. Choose another."
        ) from None
    return path


@contextmanager
def replacing(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = True,
    through: str | os.PathLike[str] | None = None,
) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renames it on success, removes it on any error.

    A file or a folder may be written there. The temporary name keeps the suffix of `path`, since
    many writers choose their format by it. If `path` is a link, it stays, and its target is
    replaced.

    Args:
        path: the target.
        overwrite: whether an existing file may be replaced.
        through: another folder on the same disk for the temporary file; for targets in a folder
            that other processes read by that suffix at the same time. Links are replaced then.

    Raises:
        VGGishError: as check_target.
        OSError: the file cannot be written or renamed; its `filename` is `path`.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "note.txt"
        >>> with replacing(target) as temporary:
        ...     _ = temporary.write_text("whole or not at all")
        >>> target.read_text()
        'whole or not at all'
    """
    path = check_target(path, overwrite=overwrite)
    place = _place_of(path) if through is None else path
    temporary = Path(through or place.parent, _temporary_name(path))
    try:
        yield temporary
        os.replace(temporary, place)
    except OSError as error:
        if error.filename and not str(error.filename).startswith(str(temporary)):
            raise  # about another file, which the body reads
        # names `path`: the user does not know the temporary name
        raise OSError(error.errno, reason_of(error), str(path)) from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_text(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    r"""Yields a UTF-8 file for text, or for csv.writer; on success, it replaces `path`.

    Bytes of a file's name that are not UTF-8 are written as \udc80 and the like, which JSON reads
    as they were.

    Raises:
        VGGishError, OSError: as replacing.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "names.txt"
        >>> with replacing_text(target) as file:
        ...     _ = file.write("dawn\udc80.wav")
        >>> target.read_text()
        'dawn\\udc80.wav'
    """
    with (
        replacing(path) as temporary,
        open(temporary, "w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        yield file


@contextmanager
def replacing_all(targets: Sequence[Path]) -> Iterator[Path]:
    """Yields a temporary folder to write `targets` in, by their names; on success moves them out.

    Existing files and folders with these names are replaced without a check. After an error in the
    body, all new files are removed, and all old ones are kept. After an error or Ctrl-C in moving
    out, each target is the old or the new one.

    A link stays, and its target is replaced; among several targets it is replaced itself, since
    one temporary folder cannot be on the disks of all.

    Raises:
        VGGishError: an old target could not be moved back; the message says where it is.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "model"
        >>> with replacing_all([target]) as folder:
        ...     (folder / "model").mkdir()
        >>> target.is_dir(), len(list(target.parent.iterdir()))
        (True, 1)
    """
    places = [_place_of(targets[0])] if len(targets) == 1 else targets
    folder = places[0].with_name(_temporary_name(targets[0]))
    new = [folder / target.name for target in targets]
    try:  # made in here, so that no signal can come between
        folder.mkdir()
        yield folder
        for source, place in zip(new, places, strict=True):
            _move_out(source, place)
    finally:
        for source, place in zip(new, places, strict=True):
            _move_back(source, place)  # if this raises, the folder with the old target stays
        if folder.exists():
            shutil.rmtree(folder)


def _move_out(new: Path, place: Path):
    """Renames; moves aside what a rename cannot replace."""
    if place.is_dir() or (new.is_dir() and os.path.lexists(place)):
        os.replace(place, _aside(new))
    os.replace(new, place)


def _move_back(new: Path, place: Path):
    """Undoes the first rename of _move_out if the second did not happen."""
    old = _aside(new)
    if os.path.lexists(old) and not os.path.lexists(place):
        try:
            os.replace(old, place)
        except OSError as error:
            raise VGGishError(
                f"{place} could not be moved back: {reason_of(error)}. It is kept as {old}; move "
                "it back by hand."
            ) from error


def _aside(new: Path) -> Path:
    """The place for an old target while the new one takes its name."""
    return new.with_name(f"{new.name}.old")


def _place_of(path: Path) -> Path:
    """The file or folder that a link points to, which may be on another disk; else `path`."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _temporary_name(path: Path) -> str:
    """A hidden name with the suffix of `path`; short, since `path` may be as long as names can."""
    return f".{path.stem[:32]}.{uuid.uuid4().hex[:8]}{path.suffix}"
