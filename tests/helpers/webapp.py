"""The page of `vggish-tf export --format web` in a browser: opened, and asked for its rows."""

import contextlib
import http.server
import threading

import numpy as np


@contextlib.contextmanager
def listener():
    """The address of another server, and the paths that it is asked for."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", requests
        server.shutdown()


@contextlib.contextmanager
def opened(browser, address, **context):
    """A page whose network is loaded or has failed; `context` is Playwright's new_context's."""
    with contextlib.closing(browser.new_context(**context)) as context:
        page = context.new_page()
        page.errors, page.asked = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(address)
        ready(page)
        yield page
        assert page.errors == []


def ready(page):
    page.evaluate("vggish.ready.then(() => null)")


def requests(page) -> list[str]:
    """The addresses that the page has asked for, its own server included."""
    return [url for url in page.asked if not url.startswith(("blob:", "data:"))]


def rows_of_demo(page):
    """Rows of the demo clip, (n, 130): start, end, embedding."""
    code = (
        "vggish.open(vggish.demo).then((rows) => rows.map((r) => [r.start, r.end, ...r.embedding]))"
    )
    return np.array(page.evaluate(code))
