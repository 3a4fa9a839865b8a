"""The process of a command: standard streams, signals, warnings, exit status. No heavy import."""

import argparse
import contextlib
import gc
import io
import logging
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

from vggish_tf import importing
from vggish_tf.cli import output
from vggish_tf.errors import AudioError, CheckpointError, UsageError, VGGishError, reason_of

STATUSES = ((UsageError, 2), (AudioError, 3), (CheckpointError, 4), (VGGishError, 5), (OSError, 6))
# SIGHUP is not on Windows.
SIGNALS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}


@contextlib.contextmanager
def standard_streams() -> Iterator[None]:
    """Standard streams that cannot fail: a command does its work if they are closed or unread."""
    _open_closed_streams()
    streams = _Stream(sys.stdout), _Stream(sys.stderr)
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            yield
        finally:
            for stream in streams:
                stream.flush()


def run(args: argparse.Namespace) -> int:
    """Runs args.run and returns the exit status; prints errors and signals as one line."""
    options = set(vars(args)) - {"run"}
    with (
        output.as_asked(args),
        _warnings_as_lines(options),
        _signals_as_interrupts() as received,
    ):
        try:
            status = args.run(args) or 0
            _detail("done")
            return status
        except (KeyboardInterrupt, Exception) as error:
            # After a signal, any error: TensorFlow may turn an interrupt into an error of its own.
            if received or isinstance(error, KeyboardInterrupt):
                return _end_by(received[0] if received else signal.SIGINT)
            if isinstance(error, (VGGishError, OSError)):
                _print(_message_of(error), options)
                return next(status for kind, status in STATUSES if isinstance(error, kind))
            raise


def import_tensorflow() -> None:
    """Imports Keras and TensorFlow, without their log lines about the machine."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    is_new = "tensorflow" not in sys.modules
    importing.keras()
    _detail("TensorFlow is imported")
    if is_new:
        gc.freeze()  # the search for garbage at exit would go through all of it, for a second


class _Stream:
    """A standard stream that discards its output when its reader has gone, as with `| head`."""

    def __init__(self, stream):
        self._stream = stream
        if isinstance(stream, io.TextIOWrapper):
            # An arrow or a file name must not fail on a terminal without that character.
            stream.reconfigure(errors="replace")

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._or_nowhere(lambda: self._stream.write(text))
        return len(text)

    def flush(self):
        self._or_nowhere(self._stream.flush)

    def _or_nowhere(self, act: Callable[[], object]):
        try:
            act()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def _open_closed_streams():
    """Opens descriptors 0 to 2 on the null device if they are closed.

    Otherwise the next file to be opened gets the number, and all printed text goes into it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # as Python leaves it then
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


@contextlib.contextmanager
def _warnings_as_lines(options: set[str]) -> Iterator[None]:
    def show(message, *_, **__):
        _print(str(message), options, is_warning=True)

    handler, logger = logging.Handler(logging.WARNING), logging.getLogger("vggish_tf")
    handler.emit = lambda record: show(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield
    finally:
        logger.removeHandler(handler)


@contextlib.contextmanager
def _signals_as_interrupts() -> Iterator[list[int]]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does, so that temporary files are removed.

    Yields a list, to which the received signal is added. Signals that are ignored (nohup) or have
    another handler are left alone.
    """
    received: list[int] = []
    known = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    ours = [number for number in known if signal.getsignal(number) == signal.SIG_DFL]

    def interrupt(number, _):
        received.append(number)
        for each in ours:
            signal.signal(each, signal.SIG_IGN)  # a second one must not interrupt the clean-up
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        ours = []  # only the main thread may set handlers
    for each in ours:
        signal.signal(each, interrupt)
    try:
        yield received
    finally:
        for each in ours if not received else ():
            signal.signal(each, signal.SIG_DFL)


def _end_by(number: int) -> int:
    _print(SIGNALS[signal.Signals(number).name], set())
    return 128 + number


def _message_of(error: Exception) -> str:
    """An error in one line; those of the operating system without their numbers."""
    if not isinstance(error, OSError) or isinstance(error, VGGishError):
        return " ".join(str(error).splitlines())
    name = f"{os.fsdecode(error.filename)}: " if error.filename else ""
    return f"{name}{reason_of(error)}."


def _print(message: str, options: set[str], is_warning: bool = False):
    """Prints a line on standard error; pad='never' becomes --pad never, if that is an option."""
    from vggish_tf import progress

    def as_option(match: re.Match) -> str:
        name, value = match[1], match[2].strip("'")
        return f"--{name.replace('_', '-')} {value}" if name in options else match[0]

    start, colour = "vggish-tf:", progress.RED
    if is_warning:
        start, colour = "vggish-tf: warning:", progress.YELLOW
    said = re.sub(r"(?<!\S)(\w+)=('[^']*'|\d+(?:\.\d+)?)(?=[.,;:]?(?:\s|$))", as_option, message)
    progress.show(f"{progress.styled(start, colour, sys.stderr)} {said}", sys.stderr)


def _detail(line: str):
    from vggish_tf.progress import detail

    detail(line)
