"""Pages: figures in one style, pictures of one panel, files. No stages of VGGish here.

matplotlib is imported on the first drawing. pyplot, which has global state, is never imported, so
the caller's backend and open figures do not change.
"""

import io
import os
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vggish_tf.drawing.axes import TITLE_PAD
from vggish_tf.errors import UsageError, printable
from vggish_tf.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[..., "Axes"]  # a function of its arguments and `ax`, which returns the axes

LEFT, RIGHT = 1.05, 1.0  # inches beside the axes of one(): the widest labels fit
SIZE = 8.0, 3.0  # inches of one()
DOTS_PER_INCH = 110
TITLE: Any = {"fontsize": 16, "fontweight": "bold", "parse_math": False}
TITLE_CHARACTERS_PER_INCH = 4.5  # of TITLE, in wide letters
STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titlepad": TITLE_PAD,
}
GROUND, INK, QUIET = "#15181d", "#e6e8ec", "#a3acb8"  # of the dark page: data/report.html
DARK_STYLE: Any = STYLE | {
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.prop_cycle": "cycler('color', ['#6cb4f0', '#ffb454', '#7fd18b', '#ff8a7a'])",
}
METADATA: dict[str, dict[str, None]] = {
    ".png": {},
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
}
_settings_lock = threading.RLock()


@contextmanager
def style(dark: bool = False) -> Iterator[None]:
    """Matplotlib's settings for pictures made inside; one thread at a time, since they are global.

    The user's settings apply to everything else, so a dark style of the user gives dark pictures.
    """
    import matplotlib

    with _settings_lock, matplotlib.rc_context(DARK_STYLE if dark else STYLE):
        yield


def one(
    draw: Draw, *of: Any, title: str = "", size: tuple[float, float] = SIZE, dark: bool = False
) -> "Figure":
    """One picture on a page of `size` inches: one(draw_log_mel, stages).

    The axes of every picture begin LEFT inches from the left and end RIGHT inches from the right,
    so that pictures of one width, above each other, have aligned time axes. The height of a square
    picture follows from its width.

    Args:
        draw: a draw_* function.
        of: its arguments, without `ax`.
        title: the title at the top, in large letters.
        size: width and height in inches, without the title.
        dark: whether to draw light lines and letters on a dark background.
    """
    with style(dark):
        figure = empty_figure(*size, title)
        _set_margins(draw(*of, ax=_add_axes(figure)))
    return figure


def own_axes(draw: Draw, *of: Any) -> "Axes":
    """The axes of one(), for a draw_* function without the argument `ax`."""
    return one(draw, *of).axes[0]


def _add_axes(figure: "Figure") -> "Axes":
    from vggish_tf.drawing.figures import PictureAxes

    return figure.add_subplot(axes_class=PictureAxes)


def _set_margins(ax: "Axes") -> None:
    """Sets the left and right margins of one(); the layout engine finds top and bottom."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    aspect = ax.get_aspect()
    ax.set_aspect("auto")  # the layout would use the height of a square that is still too narrow
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    box, (width, height) = ax.get_position(original=True), figure.get_size_inches()
    above, below = (1 - box.y1) * height, box.y0 * height
    if aspect != "auto":
        height = above + below + width - LEFT - RIGHT
        figure.set_figheight(height)
    fill = 1 - (LEFT + RIGHT) / width, 1 - (above + below) / height
    ax.set_position((LEFT / width, below / height, *fill))
    ax.set_aspect(aspect)


def empty_figure(width: float, height: float, title: str) -> "Figure":
    """A figure without axes, of a size in inches, with a title wrapped to the width."""
    from vggish_tf.drawing.figures import Picture

    characters = int(width * TITLE_CHARACTERS_PER_INCH)
    wrapped = [textwrap.wrap(text, characters) or [""] for text in printable(title).splitlines()]
    lines = [line for part in wrapped for line in part]
    figure = Picture(figsize=(width, height + 0.3 * len(lines)), layout="constrained")
    if lines:
        figure.suptitle("\n".join(lines), **TITLE)
    return figure


def save(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Writes a figure in the format of the suffix, whole or not at all.

    The same figure gives the same bytes.

    Args:
        figure: a figure of matplotlib.
        path: a file that ends in .png, .svg or .pdf.

    Raises:
        UsageError: the suffix is another one.
        VGGishError, OSError: the file cannot be written.
    """
    import matplotlib

    suffix = Path(path).suffix.lower()
    if suffix not in METADATA:
        raise UsageError(
            f"cannot write a picture as {Path(path).name!r}. Name it {', '.join(METADATA)}."
        )
    settings = matplotlib.rc_context({"svg.hashsalt": "vggish_tf"})
    with _settings_lock, settings, replacing(path) as temporary:
        figure.savefig(temporary, format=suffix[1:], dpi=DOTS_PER_INCH, metadata=METADATA[suffix])


def png(figure: "Figure", dots_per_inch: float = DOTS_PER_INCH) -> bytes:
    """A figure as a PNG file of 256 colours: a third of the size, colours within 6 %."""
    from PIL import Image

    drawn, reduced = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dots_per_inch)
    with Image.open(drawn) as picture:
        every: Any = picture.convert("RGB")
    few: Any = every.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette, corner = few.getpalette(), 3 * few.getpixel((0, 0))
    palette[corner : corner + 3] = every.getpixel((0, 0))  # the exact background of the page
    few.putpalette(palette)
    few.save(reduced, "png", optimize=True)
    return reduced.getvalue()
