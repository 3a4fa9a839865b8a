"""Downloads: from an address to a path, whole and checked, or not at all.

Each process writes to its own part file, which has the mode of any new file, and locks it. `sweep`
removes the part file of a killed process, which nobody locks. The published files and their
addresses are in `registry`.

Source: pooch, whose HTTPDownloader is used, but not its temporary files: only their owner can read
them, they grow without limit, and they stay after a kill.
"""

import contextlib
import glob
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from vggish_tf.errors import CheckpointError

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

WAITS = (1, 2)  # Seconds before the second attempt and the third.
TIMEOUT = (5, 60)  # Seconds: to connect, and between two pieces of the file.
PIECE = 1 << 18  # bytes
SLACK = 1 << 20  # bytes allowed beyond the expected number; the digest decides


def download(
    url: str,
    path: Path,
    num_bytes: int,
    check: Callable[[Path], None],
    *,
    progress: bool,
) -> None:
    """Downloads a file, checks it and renames it to `path`; makes up to three attempts.

    Args:
        url: the address.
        path: the target; its folder is made.
        num_bytes: the expected size; a much longer answer is cut off.
        check: raises a CheckpointError for a wrong file.
        progress: name the file on standard error, with a bar if that is a terminal.

    Raises:
        CheckpointError: the reason, without a full stop, for the caller to complete.
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _say(progress, f"Downloading {path.name!r} from {url} to {path.parent}")
    for wait in (*WAITS, None):
        try:
            with _part_of(path) as part:
                _receive(url, part, num_bytes, path.name if progress else None)
                check(Path(part.name))
            return
        except (CheckpointError, FileNotFoundError) as error:  # a part swept before it was held
            if wait is None:
                raise
            _say(progress, f"{error}; trying again")
            time.sleep(wait)


def sweep(path: Path) -> None:
    """Removes the part files of `path` that no process locks."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.????????.part"):
        with contextlib.suppress(OSError):
            with open(part, "rb") as stream:
                _lock(stream)  # fails if another process has locked it
            part.unlink()


@contextlib.contextmanager
def _part_of(path: Path) -> Iterator[BinaryIO]:
    """Yields a new file beside `path`; renames it to `path`, or removes it on any error."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with open(part, "x+b") as stream:
            with contextlib.suppress(OSError):  # a file system without locks, where sweep fails too
                _lock(stream)
            yield stream
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _lock(stream: BinaryIO):
    """Locks a file while it is open; raises an OSError if another process has locked it."""
    if fcntl:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _receive(url: str, part: BinaryIO, num_bytes: int, bar_name: str | None):
    """Makes one attempt, with a progress bar if `bar_name` is given."""
    import pooch
    import requests
    from tqdm import tqdm

    hidden = None if bar_name else True  # None hides it where standard error is not a terminal
    with tqdm(total=num_bytes, desc=bar_name, unit="B", unit_scale=True, disable=hidden) as bar:
        downloader = pooch.HTTPDownloader(progressbar=bar, chunk_size=PIECE, timeout=TIMEOUT)
        try:
            downloader(url, _AtMost(part, num_bytes), None)
        except requests.RequestException as error:
            raise CheckpointError(_reason(error)) from None


class _AtMost:
    """A file for pooch to write to, of limited size."""

    def __init__(self, stream: BinaryIO, num_bytes: int):
        self.stream, self.num_bytes = stream, num_bytes
        self.flush = stream.flush

    def write(self, piece: bytes):
        if self.stream.tell() + len(piece) > self.num_bytes + SLACK:
            raise CheckpointError(f"the file has more than the published {self.num_bytes:,} bytes")
        self.stream.write(piece)


def _reason(error: Exception) -> str:
    """The reason of a failed download, in a few words."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    return "no connection, or it broke off"


def _say(progress: bool, text: str):
    if progress:
        print(text, file=sys.stderr)
