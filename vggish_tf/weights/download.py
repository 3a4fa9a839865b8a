"""Downloads: from addresses to a path, whole and checked, or not at all.

A download resumes after a broken connection, and from the part file of a killed process. The
published files and their addresses are in `known`.

Source: RFC 9110, section 14 (Range).
"""

import http.client
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urljoin

from vggish_tf.errors import CheckpointError
from vggish_tf.progress import hidden, note
from vggish_tf.weights.part_files import part_of

if TYPE_CHECKING:
    import requests

WAITS = (1, 2)  # Seconds before the second round of attempts and the third.
TIMEOUT = (5, 60)  # Seconds: to connect, and between two pieces of the file.
SLOWEST = 1000  # bytes a second, over PATIENCE
PATIENCE = 60  # seconds
MOST_BREAKS = 1000  # of a connection that brings some bytes each time
MOST_REDIRECTS = 10
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
        num_bytes: the expected size; an answer over 1 MB longer is an error.
        check: a function that raises a CheckpointError for a wrong file.
        progress: whether to name the file on standard error, with a progress bar on a terminal.

    Raises:
        CheckpointError: every attempt failed. The message is the reasons, without a full stop, for
            the caller to complete.
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with part_of(path) as part:
        for wait in (*WAITS, None):
            reasons = []
            for url in urls:
                _say(progress, f"Downloading {path.name!r} from {_shown(url)} to {path.parent}")
                reason = _attempt(url, part, num_bytes, check, progress)
                if not reason:
                    return
                reasons.append(reason if len(urls) == 1 else f"{_shown(url)}: {reason}")
            if wait is not None:
                _say(progress, f"{'; '.join(reasons)}; trying again")
                time.sleep(wait)
        raise CheckpointError("; ".join(reasons))


def _shown(url: str) -> str:
    """An address without a password in it."""
    return re.sub(r"//[^/]*@", "//", url)


def _attempt(
    url: str, part: BinaryIO, num_bytes: int, check: Callable[[Path], None], progress: bool
) -> str:
    """Receives the file and checks it; returns the reason of a failure, or ""."""
    try:
        _receive_all(url, part, num_bytes, progress)
        check(Path(part.name))
        return ""
    except _BrokenOffError as error:
        return str(error)  # the received bytes are kept for the next attempt
    except CheckpointError as error:
        _empty(part)
        return str(error)


def _receive_all(url: str, part: BinaryIO, num_bytes: int, progress: bool):
    """Receives the rest of the file; tries again while each broken connection brings some bytes."""
    from tqdm import tqdm

    off = not progress or hidden()
    name = _shown(url).rpartition("//")[2].split("/")[0]
    with tqdm(total=num_bytes, desc=name, unit="B", unit_scale=True, disable=off) as bar:
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
    """Makes one request, for the bytes after those that are there."""
    import requests
    import urllib3

    start = _size_of(part)
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        with _answer(url, headers) as response:
            response.raise_for_status()
            _check_start(response, part, start)
            _check_length(response, _size_of(part), num_bytes)
            _write(response, part, num_bytes, bar)
    except CheckpointError:
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        if start and _status_of(error) == 416:  # the bytes that are there are not of this file
            _empty(part)
        raise _BrokenOffError(_reason(error)) from None


def _answer(url: str, headers: dict[str, str]) -> "requests.Response":
    """The answer at the end of redirects.

    A requests.Session reads the whole content of a redirect, of whatever length, even if it does
    not follow it. So the redirects are hidden from it, and followed here.
    """
    import requests

    session = requests.Session()
    session.get_redirect_target = lambda response: None
    for _ in range(MOST_REDIRECTS):
        response = session.get(url, stream=True, headers=headers, timeout=TIMEOUT)
        if not response.is_redirect:
            return response
        response.close()
        url = urljoin(url, response.headers["Location"])
    raise CheckpointError("the server redirects too often")


def _check_start(response: "requests.Response", part: BinaryIO, start: int):
    """Empties the part file if the server does not support ranges and sends the whole file."""
    if response.status_code != 206:
        _empty(part)
    elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise CheckpointError("the server sends a part of the file that was not asked for")


def _check_length(response: "requests.Response", start: int, num_bytes: int):
    """Raises, before anything is received, if the server announces a file of another size."""
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() else num_bytes
    if total != num_bytes:
        raise CheckpointError(
            f"the downloaded file has {total:,} bytes; the published file has {num_bytes:,}"
        )


def _write(response: "requests.Response", part: BinaryIO, num_bytes: int, bar):
    began, received = time.monotonic(), 0
    bar.update(part.tell() - bar.n)
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
        code = error.response.status_code
        return f"the server answered {code} {http.client.responses.get(code, '')}".strip()
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
        return "the address is not valid"
    return "no connection, or it broke off"


def _say(progress: bool, text: str):
    if progress:
        note(text, stream=sys.stderr)
