"""Serves a folder over HTTP to browsers: the page of `vggish-tf export --format web`, or a map.

Pages may compute in several threads, which browsers allow only with the two headers of cross-origin
isolation. They may request parts of a file, as they do to seek in a recording. Only files are
served: no list of a folder, no upload, no program.

Source: RFC 9110, sections 13 (ETag) and 14 (Range); HTML standard, cross-origin isolation.
"""

import os
import re
import socket
import socketserver
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import BinaryIO

from vggish_tf.errors import VGGishError, reason_of

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # browsers ask each time whether a file has changed
}
# For scripts: a worker has the policy of its own script, not that of the page that starts it.
SCRIPT_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:"
)
PIECE = 1 << 18  # bytes
# The tables of some operating systems have text/plain for .js.
TYPES = {
    ".css": "text/css",
    ".flac": "audio/flac",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".onnx": "application/octet-stream",
    ".opus": "audio/ogg",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
}


def serve(folder: str | os.PathLike[str], *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serves a folder until it is interrupted, and prints the address to open.

    Args:
        folder: the folder of the files; its index.html is the first page.
        host: the address to listen on; with another than 127.0.0.1, other machines can connect.
        port: the port; 0 is any free one.

    Raises:
        VGGishError: there is no such folder, or the port is in use or no port.
    """
    with listening(folder, host, port) as server:
        print(f"{folder}: {server.address} (end with Ctrl-C)", flush=True)
        server.serve_forever()


@contextmanager
def listening(folder: str | os.PathLike[str], host: str, port: int) -> Iterator["Server"]:
    """Yields a server that listens; its serve_forever() answers.

    Raises:
        VGGishError: as `serve`.
    """
    if not Path(folder).is_dir():
        what = "is not a folder" if Path(folder).exists() else "does not exist"
        raise VGGishError(f"{folder} {what}. Make one: vggish-tf export --format web -o {folder}")
    try:
        server = Server(Path(folder), host, port)
    except (OSError, OverflowError) as error:
        reason = reason_of(error).rstrip(".")
        raise VGGishError(
            f"cannot listen on {host}, port {port}: {reason}. Choose another --port, or "
            "--port 0 for any free one."
        ) from None
    with server:
        yield server


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A server with a thread for each connection; no thread keeps the process alive."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # on Windows, two servers would share the port
    request_queue_size = 128

    def __init__(self, folder: Path, host: str, port: int):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), partial(_Handler, directory=str(folder)))
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self.server_address[1]}/{_first_page(folder)}"

    def handle_error(self, request, client_address):
        """Prints an error, unless the browser has closed the connection."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _first_page(folder: Path) -> str:
    """The path of the only page in a folder; "" if there are several, or an index.html."""
    pages = [path.name for path in folder.glob("*.html")]
    only = len(pages) == 1 and pages[0] != "index.html"
    return urllib.parse.quote(os.fsencode(pages[0])) if only else ""


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that a silent connection keeps its thread
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **TYPES}  # noqa: RUF012

    def do_GET(self):
        path = self.translate_path(self.path)
        if os.path.isdir(path):
            place = urllib.parse.urlsplit(self.path).path
            if not place.endswith("/"):
                self._reply(HTTPStatus.MOVED_PERMANENTLY, {"Location": f"{place}/"})
                return
            path = os.path.join(path, "index.html")
        try:  # not a pipe, whose reader would wait forever
            file = open(path, "rb") if os.path.isfile(path) else None  # noqa: SIM115
        except OSError:
            file = None
        if file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._answer_with(file, path)

    do_HEAD = do_GET

    def translate_path(self, path: str) -> str:
        """The path of a file, whose name need not be UTF-8: the base class replaces such bytes."""
        raw = urllib.parse.unquote_to_bytes(path.partition("?")[0].partition("#")[0])
        name = raw.decode("utf-8", "surrogateescape")
        return super().translate_path(urllib.parse.quote(name, errors="surrogatepass"))

    def _answer_with(self, file: BinaryIO, path: str):
        about = os.fstat(file.fileno())
        tag = f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
        headers = {
            "ETag": tag,
            "Last-Modified": formatdate(about.st_mtime, usegmt=True),
            "Accept-Ranges": "bytes",
            "Content-Type": self.guess_type(path),
        }
        if headers["Content-Type"] == "text/javascript":
            headers["Content-Security-Policy"] = SCRIPT_POLICY
        if tag in self.headers.get("If-None-Match", ""):
            self._reply(HTTPStatus.NOT_MODIFIED, headers)
            return
        asked = self.headers.get("Range", "") if self.headers.get("If-Range", tag) == tag else ""
        start, stop = range_of(asked, about.st_size)
        shown = f"{start}-{stop - 1}" if start < stop else "*"
        if stop - start < about.st_size:
            headers["Content-Range"] = f"bytes {shown}/{about.st_size}"
        if start >= stop and about.st_size:
            self._reply(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
            return
        partly = "Content-Range" in headers
        status = HTTPStatus.PARTIAL_CONTENT if partly else HTTPStatus.OK
        self._reply(status, headers, stop - start)
        if self.command == "GET":
            self._send(file, start, stop - start)

    def _send(self, file: BinaryIO, start: int, num_bytes: int):
        file.seek(start)
        while num_bytes and (piece := file.read(min(num_bytes, PIECE))):
            self.wfile.write(piece)
            num_bytes -= len(piece)
        self.close_connection = self.close_connection or num_bytes > 0  # the file became shorter

    def _reply(self, status: HTTPStatus, headers: dict[str, str], length: int = 0):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def end_headers(self):
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def version_string(self):
        return "vggish-tf"

    def log_message(self, *_):
        """Prints nothing: the terminal shows only the address."""


def range_of(asked: str, size: int) -> tuple[int, int]:
    """The bytes that a Range header requests: the start, and the stop, which is not included.

    A header with several ranges, or one that cannot be read, requests all bytes. For a range
    outside the file, start and stop are equal.

    Example:
        >>> range_of("bytes=2-4", 10), range_of("bytes=-3", 10), range_of("bytes=12-", 10)
        ((2, 5), (7, 10), (10, 10))
    """
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", asked.strip())
    if not found or not any(found.groups()):
        return 0, size
    first, last = found.groups()
    if not first:
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return 0, size
    start = min(int(first), size)
    return start, min(int(last) + 1, size) if last else size
