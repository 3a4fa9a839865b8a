"""The model that most exports are of, and its exported files."""

import contextlib
import fcntl
import hashlib
import io

import pytest
import runtimes
import small_network
import web_runtime

from vggish_tf.jobs.export import export


@pytest.fixture
def pretended_runtime(monkeypatch):
    """A few bytes in the cache, in the place of onnxruntime-web's 40 MB."""
    web_runtime.pretend(monkeypatch)


@pytest.fixture(scope="session")
def small():
    """A small waveform model with random weights. Do not change them."""
    return small_network.randomize(small_network.vggish("waveform"))


@pytest.fixture(scope="session")
def exported(small, tmp_path_factory):
    """Format, options → the file of `small`, exported once, by whichever worker.

    The lines that were printed are in printed.txt beside it. Do not change it.
    """
    base = tmp_path_factory.getbasetemp()
    root = base.parent if base.name.startswith("popen-") else base  # that of all workers

    def exported(format, **options):
        runtimes.needs(format)
        options = {"precision": "float32", "pca": None, **options}
        key = hashlib.sha256(repr((format, sorted(options.items()))).encode()).hexdigest()
        folder = root / f"exported-{key[:16]}"
        folder.mkdir(exist_ok=True)
        path, printed = folder / runtimes.NAMES[format], folder / "printed.txt"
        with open(folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not printed.exists():
                output = io.StringIO()
                with contextlib.redirect_stdout(output), small_network.shrunken():
                    export(small, path, format=format, **options)
                printed.write_text(output.getvalue())
        return path

    return exported
