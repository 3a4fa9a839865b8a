"""Errors that a user can cause, warnings, and parts of their messages. Other errors are bugs.

A message gives the value received, the value expected, and the remedy. The command line prints it
as one line.

One rule for every function:

    UsageError       a wrong argument: an unknown word, a number out of range, a contradiction
    ParamsError      the same in Params; it is a UsageError
    AudioError       wrong audio, in a file or an array, its sample rate and channels included
    CheckpointError  a wrong file of weights
    VGGishError      any other fault of a file, a folder, a disk or the installation
    TypeError        an argument of the wrong type, where the type is checked

check_word checks every choice of words, so that all such errors have the same wording.
"""

import errno
import os
import re
import sys
import textwrap
import warnings
from collections import deque
from collections.abc import Sequence
from contextvars import ContextVar
from numbers import Integral

# packages whose lines are skipped to find the user's line, for a warning
_OURS = ("vggish_tf", "keras", "tensorflow", "tqdm")
_SYSTEM = {os.strerror(number): number for number in errno.errorcode}  # reason → its number
_held: ContextVar[deque[str] | None] = ContextVar("held", default=None)


class VGGishError(Exception):
    """The base of every error that vggish_tf raises on purpose."""


class UsageError(VGGishError, ValueError):
    """A wrong argument, whatever the files contain.

    An unknown word, a number out of range, or a contradiction.
    """


class ParamsError(UsageError):
    """Parameters that no front end can have; the message names the field."""


class AudioError(VGGishError, ValueError):
    """Audio that cannot be used: not audio, cut short, empty, not finite, or an impossible rate."""


class CheckpointError(VGGishError, ValueError):
    """A file of weights that is absent, damaged, or does not fit the model."""


def check_word(name: str, word: object, words: Sequence, advice: str = "") -> None:
    """Raises if an argument is not one of `words`.

    Args:
        name: the name of the argument.
        word: the value of the argument.
        words: the choices.
        advice: a sentence for the end of the message.

    Raises:
        UsageError: with the name, the choices and the argument.

    Example:
        >>> check_word("pad", "sometimes", ("never", "short", "always"))
        Traceback (most recent call last):
        vggish_tf.errors.UsageError: pad must be 'never', 'short' or 'always'; received 'sometimes'.
    """
    *others, last = map(repr, words)
    expected = f"{', '.join(others)} or {last}" if others else last
    check_argument(name, word, word in words, expected, advice)


def check_count(name: str, count: object, least: int = 1) -> None:
    """Raises if an argument is not a whole number, or is less than `least`.

    Raises:
        UsageError: with the name, the range and the argument.

    Example:
        >>> check_count("batch_size", 0)
        Traceback (most recent call last):
        vggish_tf.errors.UsageError: batch_size must be a whole number from 1; received 0.
    """
    fits = isinstance(count, Integral) and not isinstance(count, bool) and int(count) >= least
    check_argument(name, count, fits, f"a whole number from {least}")


def check_argument(name: str, value: object, fits: bool, expected: str, advice: str = "") -> None:
    """Raises if an argument does not fit.

    Raises:
        UsageError: with the name, the expected values, and the argument.

    Example:
        >>> check_argument("dropout", 1.5, 0 <= 1.5 < 1, "from 0 to under 1")
        Traceback (most recent call last):
        vggish_tf.errors.UsageError: dropout must be from 0 to under 1; received 1.5.
    """
    if not fits:
        raise UsageError(f"{name} must be {expected}; received {value!r}.{advice and f' {advice}'}")


def warn(message: str) -> None:
    """Warns about the user's line: the innermost one outside the packages of _OURS.

    A thread has no such line; its message is kept for the caller: see hold_warnings.
    """
    held = _held.get()
    if held is not None:
        held.append(message)
        return
    frame = sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS:
        frame = frame.f_back
    where = frame.f_globals
    place = frame.f_code.co_filename, frame.f_lineno, where.get("__name__")
    registry = where.setdefault("__warningregistry__", {})
    warnings.warn_explicit(message, UserWarning, *place, registry)


def hold_warnings(held: deque[str]) -> None:
    """Collects the warnings of this thread in `held`; an initializer for ThreadPoolExecutor."""
    _held.set(held)


def release_warnings(held: deque[str]) -> None:
    """Issues the warnings that a thread has collected so far.

    Example:
        >>> release_warnings(deque())
    """
    while held:
        warn(held.popleft())


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number and its noun.

    Example:
        >>> counted(1, "row"), counted(2000, "row"), counted(2, "class", "classes")
        ('1 row', '2,000 rows', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """The first few names, and the number of the others.

    Example:
        >>> listed(["conv1", "conv2", "fc2"], 2)
        'conv1, conv2, and 1 more'
    """
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])


def printable(text: str) -> str:
    r"""A text in valid UTF-8: other bytes of a file's name are written as \udc80 and the like.

    Example:
        >>> printable("dawn\udc80.wav")
        'dawn\\udc80.wav'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def from_printable(text: str) -> str:
    r"""The name of a file whose printable() form is given: each \udc80 to \udcff is a byte again.

    A file may really be called so: try the text itself first.

    Example:
        >>> from_printable("dawn\\udc80.wav") == "dawn\udc80.wav"
        True
    """
    return re.sub(r"\\udc([89a-f][0-9a-f])", lambda found: chr(0xDC00 + int(found[1], 16)), text)


def reason_of(error: Exception) -> str:
    """The operating system's reason for an error, or else its text, on one short line.

    HDF5 and TensorFlow quote that reason in their own errors; it is taken out of them.

    Example:
        >>> reason_of(OSError(28, "No space left on device"))
        'No space left on device'
        >>> reason_of(RuntimeError("{{node Save}} a.ckpt.tmp; No space left on device"))
        'No space left on device'
    """
    text = " ".join(str(getattr(error, "strerror", None) or error).split())
    text = without_operations(text)
    quoted = re.search(r"error message = '([^']+)'", text)
    reason = quoted[1] if quoted else text.rpartition("; ")[2]
    return reason if quoted or reason in _SYSTEM else textwrap.shorten(text, 200, placeholder=" …")


def without_operations(message: str) -> str:
    """A message of TensorFlow without the names of its operations.

    Example:
        >>> without_operations("{{function_node __wrapped__Save}} not found [Op:Save] name: ")
        'not found'
    """
    return re.sub(r"\{\{.*?\}\} ?| ?\[Op:.*", "", message, flags=re.DOTALL)


def system_error_of(error: Exception, path: str | os.PathLike[str]) -> OSError | None:
    """An error of the operating system, about `path`; None if it is another error.

    Libraries turn such errors into others, and name temporary files in them.

    Example:
        >>> system_error_of(RuntimeError("a.ckpt.tmp; No space left on device"), "a.ckpt")
        OSError(28, 'No space left on device')
        >>> system_error_of(RuntimeError("no such layer"), "a.ckpt")
    """
    reason = reason_of(error)
    number = getattr(error, "errno", None) or _SYSTEM.get(reason)
    is_one = isinstance(error, OSError) or number
    return OSError(number, reason, os.fspath(path)) if is_one else None


def how_to_install(extra: str) -> str:
    """The command that installs an extra of the package, which is on no index.

    Example:
        >>> how_to_install("onnx")
        "Run, in a clone of the repository: pip install '.[onnx]'"
    """
    return f"Run, in a clone of the repository: pip install '.[{extra}]'"
