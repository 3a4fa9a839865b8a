"""A process that embeds files, watched from outside: its answer, time and memory for each file.

Linux only: memory is read from /proc. VmHWM, the peak of the resident memory, is set back before
each file; the peak that wait4 reports cannot be, and a child begins with its parent's.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

SECONDS, BYTES = 10.0, 1 << 30  # that a file may take
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
EMBEDDED, REFUSED, CRASH = "embedded", "refused", "the process ended"


def serve(embed: Callable[[str], np.ndarray]):
    """Answers each path on standard input with a line: embedded, refused, or a fault.

    What a decoder prints there goes to a file, and is a fault: it would be beside the document of
    `vggish-tf search --json`.
    """
    warnings.simplefilter("ignore")
    with os.fdopen(os.dup(1), "w") as answers, tempfile.TemporaryFile("ab") as printed:
        os.dup2(printed.fileno(), 1)
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            answer = _answer(embed, line.rstrip("\n"))
            ctypes.CDLL(None).fflush(None)  # of C's own buffers
            if os.fstat(1).st_size:
                answer = f"it prints on standard output, {answer}"
                os.truncate(1, 0)
            print(" ".join(answer.split()), file=answers, flush=True)


def _answer(embed: Callable[[str], np.ndarray], path: str) -> str:
    from vggish_tf.errors import AudioError

    try:
        rows = embed(path)
    except AudioError as error:
        return REFUSED if "\n" not in str(error) else f"an error of several lines: {error}"
    except BaseException as error:
        return f"{error!r} {traceback.extract_tb(error.__traceback__)[-1]}"
    good = rows.ndim == 2 and rows.shape[1] == 128 and np.isfinite(rows).all()
    return EMBEDDED if good else f"rows that are no embeddings: {rows.shape}"


def serve_embedder():
    """`serve` with untrained weights."""
    from vggish_tf import Embedder

    embedder = Embedder(None)
    embedder(np.zeros(16_000, np.float32), 16_000)
    serve(lambda path: embedder.embed_file(path).embedding)


class Result(NamedTuple):
    """Of a file: the answer, or the fault; seconds; bytes beyond those of the idle process."""

    answer: str
    seconds: float
    memory: int

    @property
    def is_fault(self) -> bool:
        return self.answer not in (EMBEDDED, REFUSED)


class Watched:
    """A process that runs `serve`. It is killed where it takes too long or too much, and replaced.

    Args:
        command: of the process.
        seconds, size: that a file may take.
    """

    def __init__(self, command: Sequence, seconds: float = SECONDS, size: int = BYTES):
        self.command, self.seconds, self.size = list(map(str, command)), seconds, size
        self._start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._kill()

    def embed(self, path: Path) -> Result:
        """Has a file embedded."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")  # sets VmHWM back
        idle, started = _peak(self._process.pid), time.monotonic()
        self._process.stdin.write(f"{path}\n")
        answer, peak, seconds = "", 0, 0.0
        while not answer and seconds <= self.seconds and peak <= self.size:
            ready, _, _ = select.select([self._process.stdout], [], [], 0.01)
            answer = ready and (self._process.stdout.readline().strip() or CRASH)
            others = 0 if ready else sum(map(_peak, _programs_of(self._process.pid)))
            peak = max(peak, _peak(self._process.pid) + others - idle)
            seconds = time.monotonic() - started
        if not answer or answer == CRASH or peak > self.size:
            self._kill()
            what = "a hang" if seconds > self.seconds else answer or "too much memory"
            answer = f"{what}, status {self._process.returncode}"
            self._start()
        return Result(answer, seconds, peak)

    def _start(self):
        pipe, environment = subprocess.PIPE, {**os.environ, **QUIET}
        self._process = subprocess.Popen(
            self.command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, bufsize=1,
            env=environment, start_new_session=True,
        )  # fmt: skip
        if self._process.stdout.readline() != "ready\n":
            raise SystemExit(f"this process does not start: {self.command}")

    def _kill(self):
        os.killpg(self._process.pid, signal.SIGKILL)  # with the ffmpeg that it runs
        self._process.communicate()


def _programs_of(pid: int) -> Iterator[int]:
    """The processes that one runs at this moment, but for those that are not yet its program.

    Until then they have its memory.
    """
    for name in filter(str.isdecimal, os.listdir("/proc")):
        fields = _read(f"/proc/{name}/stat").rpartition(")")[2].split()
        if fields and int(fields[1]) == pid and "python" not in _program(name):
            yield int(name)


def _program(name: str) -> str:
    try:
        return os.readlink(f"/proc/{name}/exe")
    except OSError:
        return "python"


def _peak(pid: int) -> int:
    lines = _read(f"/proc/{pid}/status").splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:  # it has ended
        return ""
