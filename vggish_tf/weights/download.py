"""Downloads: from addresses to a path, whole and checked, or not at all.

Each process writes to its own part file, which has the mode of any new file, and locks it. A
connection that breaks off is taken up where it broke; so is the part file of a killed process,
which nobody locks. The published files and their addresses are in `known`.

Source: RFC 9110, section 14 (Range); pooch, whose temporary files only their owner can read, and
which starts anew after a break.
"""

import contextlib
import glob
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from vggish_tf.errors import CheckpointError

if TYPE_CHECKING:
    import requests

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

WAITS = (1, 2)  # Seconds before the second round of attempts and the third.
TIMEOUT = (5, 60)  # Seconds: to connect, and between two pieces of the file.
SLOWEST = 1000  # bytes a second, over PATIENCE
PATIENCE = 60  # seconds
MOST_BREAKS = 1000  # of a connection that brings something each time
PIECE = 1 << 18  # bytes
SLACK = 1 << 20  # bytes allowed beyond the expected number; the digest decides


def download(
    urls: Sequence[str],
    path: Path,
    num_bytes: int,
    check: Callable[[Path], None],
    *,
    progress: bool,
) -> None:
    """Downloads a file, checks it and renames it to `path`; makes up to three rounds of attempts.

    Args:
        urls: the addresses of the same file, in the order in which they are tried.
        path: the target; its folder is made.
        num_bytes: the expected size; a much longer answer is cut off.
        check: raises a CheckpointError for a wrong file.
        progress: name the file on standard error, with a bar if that is a terminal.

    Raises:
        CheckpointError: the reasons, without a full stop, for the caller to complete.
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _part_of(path) as part:
        for wait in (*WAITS, None):
            reasons = {}
            for url in urls:
                _say(progress, f"Downloading {path.name!r} from {url} to {path.parent}")
                try:
                    _receive_all(url, part, num_bytes, progress)
                    check(Path(part.name))
                    return
                except CheckpointError as error:
                    reasons[urlsplit(url).netloc] = str(error)
                    if not isinstance(error, _BrokenOffError):
                        _empty(part)
            if wait is not None:
                _say(progress, f"{_together(reasons)}; trying again")
                time.sleep(wait)
        raise CheckpointError(_together(reasons))


def _together(reasons: dict[str, str]) -> str:
    """The reason of one address alone, or of each."""
    if len(reasons) == 1:
        return next(iter(reasons.values()))
    return "; ".join(f"{host}: {reason}" for host, reason in reasons.items())


def sweep(path: Path) -> None:
    """Removes the part files of `path` that no process locks."""
    for part in _parts_of(path):
        with contextlib.suppress(OSError):
            with open(part, "rb") as stream:
                _lock(stream)  # fails if another process has locked it
            part.unlink()


def _parts_of(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f".{glob.escape(path.name)}.????????.part"))


@contextlib.contextmanager
def _part_of(path: Path) -> Iterator[BinaryIO]:
    """Yields a file beside `path`, with what a killed download has left in it, if there is one.

    Renames it to `path`; or removes it on an error, but not on an interrupt.
    """
    with _abandoned(path) or _new(path) as stream:
        part = Path(stream.name)
        sweep(path)
        try:
            yield stream
            stream.flush()
            os.replace(part, path)
        except Exception:
            part.unlink(missing_ok=True)
            raise


def _new(path: Path) -> BinaryIO:
    stream = open(path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part"), "x+b")  # noqa: SIM115
    with contextlib.suppress(OSError):  # a file system without locks, where sweep fails too
        _lock(stream)
    return stream


def _abandoned(path: Path) -> BinaryIO | None:
    """The part file of a killed process, locked."""
    for part in _parts_of(path) if fcntl else ():
        with contextlib.suppress(OSError):
            stream = open(part, "r+b")  # noqa: SIM115
            try:
                _lock(stream)
                if os.path.samestat(os.fstat(stream.fileno()), part.stat()):  # not renamed since
                    return stream
            except OSError:
                pass
            stream.close()
    return None


def _lock(stream: BinaryIO):
    """Locks a file while it is open; raises an OSError if another process has locked it."""
    if fcntl:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _receive_all(url: str, part: BinaryIO, num_bytes: int, progress: bool):
    """Receives the rest of the file, as often as the connection breaks off and brings something."""
    from tqdm import tqdm

    name = f"{urlsplit(url).netloc}"
    hidden = None if progress else True  # None hides it where standard error is not a terminal
    with tqdm(total=num_bytes, desc=name, unit="B", unit_scale=True, disable=hidden) as bar:
        for _ in range(MOST_BREAKS):
            before = _size_of(part)
            bar.update(before - bar.n)
            if before == num_bytes:
                return
            try:
                _receive(url, part, num_bytes, bar)
                return
            except _BrokenOffError:
                if _size_of(part) <= before:
                    raise


class _BrokenOffError(CheckpointError):
    """The connection broke off, or there was none."""


def _size_of(part: BinaryIO) -> int:
    return part.seek(0, os.SEEK_END)


def _empty(part: BinaryIO):
    part.seek(0)
    part.truncate()


def _receive(url: str, part: BinaryIO, num_bytes: int, bar):
    """Makes one request, for the bytes behind those that are there."""
    import requests
    import urllib3

    start = _size_of(part)
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with requests.get(url, stream=True, headers=headers, timeout=TIMEOUT) as response:
            response.raise_for_status()
            part_sent = response.headers.get("Content-Range", "")
            if start and not part_sent.startswith(f"bytes {start}-"):
                _empty(part)  # the server has no ranges, and begins anew
            _check_length(response, _size_of(part), num_bytes)
            _write(response, part, num_bytes, bar)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        if start and _status_of(error) == 416:  # what is there is no part of this file
            _empty(part)
        raise _BrokenOffError(_reason(error)) from None


def _check_length(response: "requests.Response", start: int, num_bytes: int):
    """Raises before anything is received if the server says that it has a file of another size."""
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() else num_bytes
    if total != num_bytes:
        raise CheckpointError(
            f"the downloaded file has {total:,} bytes; the published file has {num_bytes:,}"
        )


def _write(response: "requests.Response", part: BinaryIO, num_bytes: int, bar):
    began, received = time.monotonic(), 0
    while piece := response.raw.read1(PIECE):
        if part.tell() + len(piece) > num_bytes + SLACK:
            raise CheckpointError(f"the file has more than the published {num_bytes:,} bytes")
        part.write(piece)
        bar.update(len(piece))
        received += len(piece)
        if time.monotonic() - began > PATIENCE:
            if received < SLOWEST * PATIENCE:
                raise CheckpointError(f"the server sends less than {SLOWEST:,} bytes a second")
            began, received = time.monotonic(), 0
    part.flush()
    if "Content-Length" in response.headers and part.tell() < num_bytes:
        raise _BrokenOffError("no connection, or it broke off")


def _status_of(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    return None if response is None else response.status_code


def _reason(error: Exception) -> str:
    """The reason of a failed download, in a few words."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.TooManyRedirects):
        return "the server redirects for ever"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
        return "the address is not one"
    return "no connection, or it broke off"


def _say(progress: bool, text: str):
    if progress:
        print(text, file=sys.stderr)
