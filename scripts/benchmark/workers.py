"""Each contender in its own process, with its own libraries, threads and memory.

A waiting process causes no load.
"""

import multiprocessing
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.contenders import CONTENDERS


class Cost(NamedTuple):
    """Cost of one call: wall and CPU seconds, and peak memory of the process in MB."""

    wall: float
    cpu: float
    peak_mb: float


class Worker:
    """A contender behind a pipe; `call` runs a method and returns its result and its cost."""

    def __init__(self, name: str, *args, **kwargs):
        self.name = name
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(
            target=_serve, args=(theirs, name, args, kwargs), daemon=True
        )
        with _inherited(CONTENDERS[name].environment):
            self._process.start()
        theirs.close()
        self._answer()

    def call(self, method: str, *args) -> tuple[Any, Cost]:
        self._pipe.send((method, args))
        return self._answer()

    def close(self):
        self._pipe.send(None)
        self._process.join(10)
        if self._process.is_alive():
            self._process.terminate()

    def _answer(self):
        try:
            result, cost, error = self._pipe.recv()
        except EOFError:
            raise SystemExit(f"bench: {self.name} died; is there memory for it?") from None
        if error:
            raise SystemExit(f"bench: {self.name} failed:\n{error}")
        return result, cost


def missing(name: str) -> list[str]:
    """The modules of a contender that are not installed."""
    return [module for module in CONTENDERS[name].needs if find_spec(module) is None]


@contextmanager
def started(names: Iterable[str], *args, cores: int | None = None, **kwargs):
    """Name → Worker of the contenders that can run here; the others are named on standard error.

    Args:
        cores: that each may use; None for all.
        args, kwargs: of the contenders.
    """
    workers: dict[str, Worker] = {}
    try:
        for name in names:
            if absent := missing(name):
                print(
                    f"left out: {CONTENDERS[name].title}; not installed: {', '.join(absent)}",
                    file=sys.stderr,
                )
                continue
            with _pinned(cores):
                workers[name] = Worker(name, *args, **kwargs)
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


@contextmanager
def _inherited(environment: dict[str, str]):
    """Sets variables that a process started meanwhile inherits, before it imports anything."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _pinned(cores: int | None):
    """The same with the first `cores` processors: libraries count them as they load."""
    if cores is None:
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _serve(pipe, name: str, args, kwargs):
    """The loop of a worker: makes the contender, then answers calls until it receives None."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    contender = None
    try:
        contender = CONTENDERS[name](*args, **kwargs)
        pipe.send((None, None, None))
        while message := pipe.recv():
            method, arguments = message
            pipe.send((*measure(getattr(contender, method), arguments), None))
    except (EOFError, KeyboardInterrupt):
        pass
    except Exception:
        pipe.send((None, None, traceback.format_exc()))


def measure(function, arguments) -> tuple[Any, Cost]:
    _forget_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    result = function(*arguments)
    return result, Cost(time.perf_counter() - wall, time.process_time() - cpu, _peak_mb())


def _forget_peak():
    """Resets the peak on Linux; elsewhere it is the peak since the process started."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
