"""Lines and bars about work under way, quiet or in detail as a command asks.

Results do not belong here: whoever has one returns it, or prints it. Bars are drawn on standard
error, and only if that is a terminal.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, TextIO

from tqdm import tqdm

from vggish_tf.errors import printable

if TYPE_CHECKING:
    import numpy as np

Level = Literal["quiet", "normal", "verbose"]
YELLOW, RED = "33", "31"
SOUND = "{desc}{percentage:3.0f}%|{bar}| {sound}{speed}, {remaining} left{postfix}"
SOUND_WITHOUT_TOTAL = "{desc}{sound}{speed}{postfix}"
_level: ContextVar[Level] = ContextVar("level", default="normal")
_open: ContextVar["SoundBar | None"] = ContextVar("open", default=None)
_started = time.monotonic()


@contextmanager
def at(level: Level) -> Iterator[None]:
    """Sets how much is said meanwhile: "quiet", "normal" or "verbose".

    Example:
        >>> with at("quiet"):
        ...     note("one moment")
    """
    before = _level.set(level)
    try:
        yield
    finally:
        _level.reset(before)


def note(*lines: object, always: bool = False, stream: TextIO | None = None) -> None:
    """Prints lines about the work, unless it is quiet; a bar that is being drawn is not disturbed.

    Args:
        lines: one which begins with UNTRAINED is in colour on a terminal.
        always: for what nobody may miss: it goes to standard error if it is quiet.
        stream: standard output by default.

    Example:
        >>> note("3 clips")
        3 clips
    """
    is_quiet = _level.get() == "quiet"
    if is_quiet and not always:
        return
    stream = sys.stderr if is_quiet else stream or sys.stdout
    for line in map(str, lines):
        show(styled(line, YELLOW, stream) if line.startswith("UNTRAINED") else line, stream)


def detail(line: Callable[[], object] | str) -> None:
    """Prints a line on standard error, with the time since the start, if the work is verbose.

    Args:
        line: or a function that makes it, where that costs something.
    """
    if _level.get() == "verbose":
        text = line() if callable(line) else line
        show(f"{time.monotonic() - _started:7.2f} s  {text}", sys.stderr)


def show(line: str, stream: TextIO) -> None:
    """Prints a line at once, above the bars."""
    tqdm.write(printable(line), file=stream)
    stream.flush()


def styled(text: str, colour: str, stream: TextIO) -> str:
    """Text in a colour if the stream is a terminal, and NO_COLOR (no-color.org) is not set."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain or not stream.isatty() else f"\x1b[{colour}m{text}\x1b[0m"


def bar(items: Iterable | None = None, **options: Any) -> tqdm:
    """A bar of tqdm's that goes away when it is done, on a terminal that is not quiet.

    Args:
        items: to go through; None for a bar that is advanced with `update`.
        options: of tqdm.
    """
    return tqdm(items, disable=hidden(), leave=False, file=sys.stderr, **options)


class SoundBar(tqdm):
    """A bar that counts seconds of sound: how fast against real time, and the time left.

    Args:
        total: seconds, or a function that finds them, called only if the bar is drawn; None if
            they are not known.
        desc: what is done.

    Example:
        >>> with SoundBar(total=20.0) as bar:
        ...     [len(block) for block in bar.counted([b"samples", b"more"], rate=16_000)]
        [7, 4]
    """

    def __init__(self, total: "Callable[[], float | None] | float | None" = None, desc: str = ""):
        off = hidden()
        self.total: float | None
        seconds = None if off else total() if callable(total) else total
        super().__init__(
            total=seconds or None, disable=off, leave=False, file=sys.stderr, unit="s of sound",
            desc=desc and f"{desc}: ", miniters=0,
        )  # fmt: skip

    def __enter__(self) -> "SoundBar":
        self._before = _open.set(self)
        return super().__enter__()

    def __exit__(self, *error):
        _open.reset(self._before)
        super().__exit__(*error)

    def update(self, n: float = 1) -> bool | None:
        """Counts seconds of sound, from any thread: a race may lose some, which are only shown."""
        if self.total and self.n + n > self.total:  # headers may promise less than there is
            self.total = self.n + n
        return super().update(n)

    def counted(self, blocks: "Iterable[np.ndarray]", rate: float) -> "Iterator[np.ndarray]":
        """The same blocks, (num_samples, …) at `rate` Hz, each counted when the next is wanted."""
        for block in blocks:
            yield block
            self.update(len(block) / rate)

    @property
    def format_dict(self) -> dict:
        """tqdm's own, with the sound and its speed in words."""
        about = super().format_dict
        total, elapsed = about["total"], about["elapsed"]
        of = f"/{total:,.0f}" if total else ""
        speed = f", {speed_of(about['n'], elapsed)}× real time" if about["n"] and elapsed else ""
        sound, shown = f"{about['n']:,.0f}{of} s of sound", SOUND if total else SOUND_WITHOUT_TOTAL
        return {**about, "sound": sound, "speed": speed, "bar_format": shown}


def counted_blocks(blocks: "Iterable[np.ndarray]", rate: float) -> "Iterable[np.ndarray]":
    """The same blocks, counted on the SoundBar that this context has open, if there is one."""
    bar = _open.get()
    return blocks if bar is None else bar.counted(blocks, rate)


def speed_of(seconds: float, elapsed: float) -> str:
    """Times real time, in two figures at least.

    Example:
        >>> speed_of(60, 80), speed_of(3600, 2)
        ('0.75', '1,800')
    """
    speed = seconds / elapsed
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"


def hidden() -> bool:
    """Whether no bar is drawn."""
    return _level.get() == "quiet" or not sys.stderr.isatty()
