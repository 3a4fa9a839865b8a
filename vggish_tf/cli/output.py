"""--quiet, --verbose and --json: one mechanism for every command.

A command calls `result` once. Standard output has that result: text, or with --json one document,
and then all else that is printed goes to standard error.
"""

import argparse
import dataclasses
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import Any, TextIO

_document: ContextVar[TextIO | None] = ContextVar("document", default=None)


def add_arguments(parser: argparse.ArgumentParser, **default: Any):
    """--quiet, --verbose and --json, before and after the name of a command."""
    add = parser.add_argument_group("output").add_argument
    add("-q", "--quiet", dest="level", action="store_const", const="quiet", **default,
        help="print results and errors only, no progress")  # fmt: skip
    add("-v", "--verbose", dest="level", action="store_const", const="verbose", **default,
        help="print times, weights and plan too, on standard error")  # fmt: skip
    add("--json", action="store_true", **default,
        help="print the result as one JSON document")  # fmt: skip


@contextmanager
def as_asked(args: argparse.Namespace) -> Iterator[None]:
    """Prints as much as --quiet and --verbose ask for, and a document with --json."""
    from vggish_tf import progress

    level: progress.Level = getattr(args, "level", None) or "normal"
    with ExitStack() as held:
        held.enter_context(progress.at(level))
        if getattr(args, "json", False):
            before = _document.set(sys.stdout)
            held.callback(_document.reset, before)
            quiet = level == "quiet"
            other = held.enter_context(open(os.devnull, "w")) if quiet else sys.stderr
            held.enter_context(redirect_stdout(other))
        yield


def result(data: object, text: object = "") -> None:
    """Prints the result of a command.

    Args:
        data: for --json, or a function that makes it; see plain().
        text: for people, unless it is empty.
    """
    document = _document.get()
    if document is not None:
        data = data() if callable(data) else data
        print(json.dumps(plain(data), allow_nan=False), file=document, flush=True)
    elif shown := str(text):
        print(shown, flush=True)


def plain(value: object) -> object:
    """The same as JSON can hold it: tuples with names and dataclasses are objects, NaN is null.

    Example:
        >>> plain({"scores": (0.5, float("nan"))})
        {'scores': [0.5, None]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return plain({name: getattr(value, name) for name in names})
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)
