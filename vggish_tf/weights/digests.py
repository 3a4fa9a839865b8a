"""Digests of large files, cached while the size and the modification time stay the same.

hashlib lets other threads run, so digests can be computed while TensorFlow is imported
(compute_ahead).
"""

import contextlib
import errno
import hashlib
import stat
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PIECE = 1 << 22  # bytes read at a time; after each piece, a busy main thread makes this one wait

# a caller waits for another thread that computes the same kind of digest, not the other kind
_one_at_a_time = {"md5": threading.Lock(), "sha256": threading.Lock()}


def md5(paths: Iterable[Path]) -> str:
    """The MD5 of files one after the other, in hex.

    Raises:
        OSError: one of them cannot be read, or is a pipe or a device.

    Example:
        >>> md5([])
        'd41d8cd98f00b204e9800998ecf8427e'
    """
    return _digest("md5", paths)


def sha256(paths: Iterable[Path]) -> str:
    """The SHA-256 of files one after the other, in hex; raises as md5."""
    return _digest("sha256", paths)


def compute_ahead(paths: Iterable[Path]) -> None:
    """Starts to compute both digests in a thread. Errors are raised by `md5` and `sha256`."""
    threading.Thread(target=_try, args=(list(paths),), daemon=True).start()


def _try(paths: list[Path]):
    with contextlib.suppress(OSError, ValueError):
        sha256(paths)  # first: it names the copy in the cache
        md5(paths)


def _digest(kind: str, paths: Iterable[Path]) -> str:
    with _one_at_a_time[kind]:
        return _of_stamped(kind, tuple((path, *_stamp(path)) for path in paths))


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))  # it might have no end
    return status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=16)
def _of_stamped(kind: str, stamped: tuple[tuple[Path, int, int, int], ...]) -> str:
    digest = getattr(hashlib, kind)(usedforsecurity=False)
    for path, *_ in stamped:
        with open(path, "rb") as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
    return digest.hexdigest()
