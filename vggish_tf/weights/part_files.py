"""Part files: incomplete downloads, beside the file that they will become.

Each process writes to its own part file and locks it. The part file of a killed process has no
lock, so the next process can continue it.
"""

import contextlib
import errno
import glob
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]


def sweep(path: Path) -> None:
    """Removes the part files of `path` that no process locks."""
    for part in _parts_of(path):
        with contextlib.suppress(OSError), _opened(part) as stream:
            _lock(stream)  # fails if another process has locked it
            part.unlink()


def _parts_of(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f".{glob.escape(path.name)}.????????.part"))


@contextlib.contextmanager
def part_of(path: Path) -> Iterator[BinaryIO]:
    """Yields a part file of `path`: that of a killed download, if there is one, or an empty file.

    On success it is renamed to `path`. On an error it is removed, but not on an interrupt.
    """
    stream = _abandoned(path) or _new(path)
    part = Path(stream.name)
    sweep(path)
    try:
        with stream:
            yield stream
            stream.flush()
            if fcntl:
                os.replace(part, path)  # while it is locked, so that no other process removes it
        if not fcntl:
            os.replace(part, path)  # Windows cannot rename an open file
    except Exception:
        part.unlink(missing_ok=True)
        raise


def _new(path: Path) -> BinaryIO:
    while True:
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
        stream = open(part, "x+b")  # noqa: SIM115
        try:
            if _is_held(stream):
                return stream  # no other process removed it before it was locked
        except BlockingIOError:  # another process locked it first, and continues it
            pass
        except OSError:  # a file system without locks, where sweep fails too
            return stream
        stream.close()


def _abandoned(path: Path) -> BinaryIO | None:
    """The part file of a killed process, locked."""
    for part in _parts_of(path) if fcntl else ():
        with contextlib.suppress(OSError):
            stream = _opened(part)
            with contextlib.suppress(OSError):
                if _is_held(stream):
                    return stream
            stream.close()
    return None


def _opened(part: Path) -> BinaryIO:
    """Opens a part file of another process.

    Raises:
        OSError: it is not a part file: it is a link or a pipe, has a second name, or belongs to
            another user.
    """
    more = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    stream = open(part, "r+b", opener=lambda name, flags: os.open(name, flags | more))  # noqa: SIM115
    status = os.fstat(stream.fileno())
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_uid != _user():
        stream.close()
        raise OSError(errno.EINVAL, "not a part file", str(part))
    return stream


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_held(stream: BinaryIO) -> bool:
    """Locks a file; True if its name still refers to it, and it was not renamed or removed.

    Raises:
        OSError: another process has locked it.
    """
    _lock(stream)
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(stream.name))
    except FileNotFoundError:
        return False


def _lock(stream: BinaryIO):
    """Locks a file while it is open; raises an OSError if another process has locked it."""
    if fcntl:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
