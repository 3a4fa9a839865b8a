"""Folders served to a browser by `vggish-tf serve`."""

import contextlib
import threading

from vggish_tf.jobs import serve


@contextlib.contextmanager
def serving(folder):
    """The server of a folder, on this machine; it has an `address`."""
    with serve.listening(folder, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
