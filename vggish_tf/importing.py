"""How Keras is imported: without TensorFlow's noise, and with this package's layers made known to
it.

Nothing is imported here before it is asked for.
"""

import contextlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator

# TensorFlow's log lines, and two that follow them. They come before its own log level counts.
_NOISE = re.compile(
    r"WARNING: All log messages before absl::InitializeLog\(\)|To enable the following "
    r"instructions:"
    r"|[IWE]\d{4} [\d:.]+ +\d+ \S+:\d+\] |\d{4}-\d\d-\d\d [\d:.]+: [IWE] "
)


def after(name: str, action: Callable[[], object]) -> None:
    """Calls `action` once the module `name` is there: now, or right after it is first imported by
    anybody.

    Example:
        >>> after("sys", lambda: print("sys is there"))
        sys is there
    """
    if name in sys.modules:
        action()
    else:
        sys.meta_path.insert(0, _After(name, action))


class _After:
    """Finds one module as Python would, and has its loader call `action` at the end."""

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
                # now, since TensorFlow looks for Keras before
                with contextlib.suppress(ValueError):
                    sys.meta_path.remove(self)
                execute(module)
                self._action()

            spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec


def keras() -> None:
    """Imports Keras and lets TensorFlow look for a GPU, without the lines that it writes about
    that.

    Lines of anybody else come a few seconds late; where the import fails, all of them come. Import
    TensorFlow first to see its own.
    """
    if {"keras", "tensorflow"} & set(sys.modules):
        importlib.import_module("keras")
        return
    with _standard_error_without(_NOISE):
        if importlib.import_module("keras").config.backend() == "tensorflow":
            importlib.import_module("tensorflow").config.list_physical_devices()


@contextlib.contextmanager
def _standard_error_without(noise: re.Pattern[str]) -> Iterator[None]:
    """Holds back what is written to file descriptor 2, by C++ too, and then writes the lines that
    are no noise.
    """
    import tempfile

    try:
        stderr = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    with os.fdopen(stderr, "wb") as real, tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(stderr, 2)
            held.seek(0)
            real.writelines(
                line for line in held if failed or not noise.match(line.decode(errors="replace"))
            )
