"""A web server on this machine that answers well or badly; and a published file of 1 MiB."""

import contextlib
import hashlib
import http.server
import threading
import time
from dataclasses import replace

from vggish_tf.weights import registry

CONTENT = bytes(range(256)) * 4096  # 1 MiB
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """A web server on 127.0.0.1 that plays its answers in order and then repeats the last."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = 0
        self.ranges, self.paths = [], []  # asked for
        self.lock = threading.Lock()

    def next_answer(self):
        with self.lock:
            self.requests += 1
            return self.answers[min(self.requests, len(self.answers)) - 1]


def whole(handler):
    send(handler, 200, CONTENT)


def in_small_pieces(handler):
    send(handler, 200, CONTENT, piece=len(CONTENT) // 16, pause=0.05)


def cut_short(handler):
    send(handler, 200, CONTENT[: len(CONTENT) // 2], length=len(CONTENT))


def shorter(handler):
    """Half of it, and nothing says that there is more."""
    send(handler, 200, CONTENT[: len(CONTENT) // 2])


def endless(handler):
    """More and more of it, until nobody listens."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(CONTENT)


def something_else(handler):
    send(handler, 200, b"<html>Sign in to this hotel's network</html>")


def forbidden(handler):
    send(handler, 403, b"no")


def send(handler, status, body, length=None, piece=1 << 20, pause=0.0, **headers):
    handler.send_response(status)
    handler.send_header("Content-Length", str(length or len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    for start in range(0, len(body), piece):
        handler.wfile.write(body[start : start + piece])
        time.sleep(pause)


@contextlib.contextmanager
def serving(*answers):
    state = Server(*answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            state.ranges.append(self.headers.get("Range"))
            state.paths.append(self.path)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                state.next_answer()(self)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    try:
        state.url = f"http://127.0.0.1:{server.server_address[1]}/vggish_model.ckpt"
        yield state
    finally:
        server.shutdown()
        server.server_close()


def in_halves(between):
    """The file, and between its halves a call of `between`."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[: len(CONTENT) // 2])
        between()
        handler.wfile.write(CONTENT[len(CONTENT) // 2 :])

    return answer


def with_ranges(handler):
    """The file, or the rest of it."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
    headers = {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if asked else {}
    send(handler, 206 if asked else 200, CONTENT[start:], **headers)


def publish(monkeypatch, url, **changes):
    """Makes the published checkpoint CONTENT at an address; it has no stand-in."""
    fields = {"url": url, "md5": MD5, "sha256": SHA256, "num_bytes": len(CONTENT), **changes}
    published = replace(registry.REGISTRY["audioset"], **fields)
    monkeypatch.setitem(registry.REGISTRY, "audioset", published)
    monkeypatch.setitem(registry.STAND_INS, "audioset", ())


# A program that fetches CONTENT from the address that it is given.
FETCH = (
    "import sys; from dataclasses import replace; from vggish_tf.weights import registry as r;"
    f"changes = dict(url=sys.argv[1], md5='{MD5}', num_bytes={len(CONTENT)});"
    "r.REGISTRY['audioset'] = replace(r.REGISTRY['audioset'], **changes);"
    "r.STAND_INS['audioset'] = ();"
    "print(r.fetch(progress=False))"
)
