"""The MD5 of large files, taken once: it is kept for as long as the files' sizes and times stay as they are.

hashlib lets other threads run, so a digest can be taken while TensorFlow is being imported (md5_ahead).
"""

import contextlib
import hashlib
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PIECE = 1 << 18  # bytes read at a time

_one_at_a_time = threading.Lock()  # who asks for a digest that another thread is taking waits for it


def md5(paths: Iterable[Path]) -> str:
    """The MD5 of files one after the other, in hex.

    Raises:
        OSError: one of them cannot be read.

    Example:
        >>> md5([])
        'd41d8cd98f00b204e9800998ecf8427e'
    """
    with _one_at_a_time:
        return _md5(tuple((path, *_stamp(path)) for path in paths))


def md5_ahead(paths: Iterable[Path]) -> None:
    """Begins to take it in a thread; an error is left for md5 to raise."""
    threading.Thread(target=_try, args=(list(paths),), daemon=True).start()


def _try(paths: list[Path]):
    with contextlib.suppress(OSError):
        md5(paths)


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=16)
def _md5(stamped: tuple[tuple[Path, int, int, int], ...]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for path, *_ in stamped:
        with open(path, "rb") as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
    return digest.hexdigest()
