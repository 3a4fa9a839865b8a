"""Import of Keras: hides TensorFlow's log lines, and registers this package's layers.

Nothing is imported before it is needed.
"""

import contextlib
import gc
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator

from vggish_tf.errors import VGGishError

# TensorFlow's log lines that its own log level cannot stop, and two lines without a time stamp.
_NOISE = re.compile(
    r"WARNING: All log messages before absl::InitializeLog\(\)"
    r"|To enable the following instructions:"
    r"|[IWE]\d{4} [\d:.]+ +\d+ \S+:\d+\] "
    r"|\d{4}-\d\d-\d\d [\d:.]+: [IWE] "
)


def after(name: str, action: Callable[[], object]) -> None:
    """Calls `action` now if the module `name` is imported, else right after its first import.

    Example:
        >>> after("sys", lambda: print("sys is there"))
        sys is there
    """
    if name in sys.modules:
        action()
    else:
        sys.meta_path.insert(0, _After(name, action))


def triton_first(name: str) -> None:
    """Imports Triton if it is installed: imported after TensorFlow, it ends the process.

    GPU builds of PyTorch bring it, and packages built on PyTorch import it late.

    Args:
        name: of the module that needs it, for the error.

    Raises:
        VGGishError: TensorFlow is imported already, and Triton is not.
    """
    found = "triton" not in sys.modules and importlib.util.find_spec("triton")
    if not (found and found.origin):  # a folder of that name has none
        return
    if "tensorflow" in sys.modules:
        raise VGGishError(
            "Triton, of PyTorch's GPU build, would end the process, because TensorFlow was "
            f"imported before it. Import {name} before TensorFlow and before Embedder."
        )
    importlib.import_module("triton")


class _After:
    """Import hook for one module: its loader calls `action` at the end."""

    def __init__(self, name: str, action: Callable[[], object]):
        self._name, self._action, self._asking = name, action, False

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self._name or self._asking:
            return None
        self._asking = True
        spec = importlib.util.find_spec(fullname)
        self._asking = False
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_and_act(module):
                # not earlier: TensorFlow looks for Keras before it imports it
                with contextlib.suppress(ValueError):
                    sys.meta_path.remove(self)
                execute(module)
                self._action()

            spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec


def choose_onednn() -> None:
    """Sets TF_ENABLE_ONEDNN_OPTS=1 on x86 processors, if TensorFlow is not imported yet.

    TensorFlow turns oneDNN on by itself only where the processor has VNNI, AMX or bfloat16. With
    AVX2 alone, VGGish with oneDNN takes two thirds of the time. A value that is already set is
    kept.
    """
    if "tensorflow" not in sys.modules and platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def keras() -> None:
    """Imports Keras and lets TensorFlow look for a GPU, without its log lines.

    Other lines on standard error appear after the import, a few seconds late. If the import fails,
    all lines appear. To see TensorFlow's lines, import TensorFlow first.

    Raises:
        VGGishError: TensorFlow is Keras's backend and is not installed.
    """
    try:
        _import_keras()
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise VGGishError(
            "TensorFlow is not installed. Run: pip install tensorflow (or tensorflow-cpu, or "
            "tf-nightly); or set KERAS_BACKEND to another backend that is installed, jax or torch."
        ) from None


def _import_keras() -> None:
    if {"keras", "tensorflow"} & set(sys.modules):
        importlib.import_module("keras")
        return
    with _standard_error_without(_NOISE), _no_garbage_collection():
        if importlib.import_module("keras").config.backend() == "tensorflow":
            importlib.import_module("tensorflow").config.list_physical_devices()


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Turns garbage collection off: it takes a fifth of TensorFlow's import, and finds nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextlib.contextmanager
def _standard_error_without(noise: re.Pattern[str]) -> Iterator[None]:
    """Holds back output to file descriptor 2, that of C++ too; at the end writes all but `noise`.

    After an error, `noise` is written too.
    """
    import tempfile

    with contextlib.ExitStack() as opened:
        try:
            real = opened.enter_context(os.fdopen(os.dup(2), "wb"))
            held = opened.enter_context(tempfile.TemporaryFile())
        except OSError:  # standard error is closed, or no folder can hold a temporary file
            yield
            return
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        except KeyboardInterrupt:  # the user's wish, not a failure to explain
            failed = False
            raise
        finally:
            os.dup2(real.fileno(), 2)
            held.seek(0)
            real.writelines(
                line for line in held if failed or not noise.match(line.decode(errors="replace"))
            )
