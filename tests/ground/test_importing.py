"""Importing Keras: output held back meanwhile, and actions after it."""

import importlib.util
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec

import places
import pytest

from vggish_tf import importing
from vggish_tf.embedding import UNTRAINED
from vggish_tf.errors import VGGishError

TRITON, FOLDER = (ModuleSpec("triton", None, origin=origin) for origin in ("a", None))
TENSORFLOW_LINES = b"""\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795549146.957212    6718 cudart_stub.cc:31] Could not find cuda drivers on it.
I0000 00:00:1795549147.051744    6718 cpu_feature_guard.cc:227] This TensorFlow binary is optimized.
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.
2024-05-01 12:00:00.123456: I tensorflow/core/util/port.cc:113] oneDNN custom operations are on.
E0000 00:00:1795549156.013196    7424 cuda_platform.cc:52] failed call to cuInit
"""

# Nothing sets the log level here. The first line is what a user does; `small_network` would import
# Keras itself.
EMBEDDERS = """
from vggish_tf import Embedder
import numpy as np
import small_network
small_network.shrink()
for _ in range(4):
    Embedder(None)(np.full(16_000, 0.1), 16_000)
"""


def run(code: str, *options: str, **environment: str) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    paths = os.pathsep.join([str(places.HELPERS), *sys.path])
    environment = {**kept, "PYTHONPATH": paths, **environment}
    return subprocess.run(
        [sys.executable, *options, "-c", code], env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_embedders_write_nothing_but_that_they_are_untrained_and_warn_of_nothing():
    ran = run(EMBEDDERS, "-W", "error")
    assert ran.stderr.splitlines() == [UNTRAINED] * 4
    assert ran.returncode == 0


def test_lines_of_others_come_through(capfd):
    with importing._standard_error_without(importing._NOISE):
        os.write(2, TENSORFLOW_LINES + b"a line of mine\n" + TENSORFLOW_LINES)
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "a line of mine\n"


def test_an_import_that_fails_shows_every_line(capfd):
    def fail():
        with importing._standard_error_without(importing._NOISE):
            os.write(2, TENSORFLOW_LINES)
            raise ImportError("libcudart.so")

    with pytest.raises(ImportError, match="libcudart"):
        fail()
    assert capfd.readouterr().err == TENSORFLOW_LINES.decode()


def test_without_a_folder_for_temporary_files_every_line_is_shown(monkeypatch, capfd):
    def absent():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.TemporaryFile", absent)
    with importing._standard_error_without(importing._NOISE):
        os.write(2, TENSORFLOW_LINES)
    assert capfd.readouterr().err == TENSORFLOW_LINES.decode()


@pytest.mark.slow
def test_without_a_standard_error_it_imports_all_the_same():
    ran = run("import os; os.close(2); import vggish_tf; print(vggish_tf.VGGish.__name__)")
    assert ran.stdout == "VGGish\n"


def test_after_acts_once_when_the_module_is_complete(tmp_path, monkeypatch):
    (tmp_path / "imported_late.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    seen, finders = [], list(sys.meta_path)
    importing.after("imported_late", lambda: seen.append(sys.modules["imported_late"].value))
    assert importlib.util.find_spec("imported_late")  # looking for it is not importing it
    assert seen == []
    import imported_late  # noqa: F401

    assert (seen, sys.meta_path) == ([1], finders)
    importing.after("imported_late", lambda: seen.append(2))
    assert seen == [1, 2]


def test_after_leaves_a_module_that_is_not_there_to_python(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    importing.after("no_such_module", lambda: None)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        import no_such_module  # noqa: F401


@pytest.mark.parametrize(
    ("loaded", "spec", "imported"),
    [
        ((), TRITON, ["triton"]),
        ((), None, []),
        (("tensorflow",), FOLDER, []),
        (("triton", "tensorflow"), TRITON, []),
    ],
)
def test_triton_comes_before_tensorflow(loaded, spec, imported, monkeypatch):
    seen = []
    monkeypatch.setattr(importing.sys, "modules", dict.fromkeys(loaded))
    monkeypatch.setattr(importing.importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(importing.importlib, "import_module", seen.append)
    importing.triton_first("a.module")
    assert seen == imported


def test_triton_after_tensorflow_is_refused(monkeypatch):
    monkeypatch.setattr(importing.sys, "modules", {"tensorflow": None})
    monkeypatch.setattr(importing.importlib.util, "find_spec", lambda name: TRITON)
    with pytest.raises(VGGishError, match=r"Import a\.module before TensorFlow"):
        importing.triton_first("a.module")
