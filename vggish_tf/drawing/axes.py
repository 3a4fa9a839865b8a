"""Parts that the pictures share: reduced arrays, ranges of colours, axes, images, notes.

Knows arrays and matplotlib axes, not VGGish; pictures.py is what draws the stages. It never imports
pyplot.
"""

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.colors import Colormap
    from matplotlib.transforms import Bbox

MINUTE_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1440, 10_080)
LONGEST_IN_SECONDS = 600
HIGHEST_IN_HERTZ = 12_000
# up to here each is drawn as the box it is; more are blended where they share a pixel
FEW_COLUMNS = 500
PERCENTILES = (1.0, 99.9)  # of the values have a colour of their own: outliers take none
ROUNDING = 1e-5  # of logarithms in float32
NOTE_CHARACTERS = 24  # in a line: what narrow axes have room for
BAR_GAP, BAR_WIDTH = 0.08, 0.12  # inches


def pool(rows: np.ndarray, most_rows: int, reduce: np.ufunc = np.maximum) -> tuple[np.ndarray, int]:
    """Reduces every block of rows to one, so that at most `most_rows` are left; returns them and
    the rows in a block.

    Example:
        >>> pool(np.array([1, 5, 2, 3, 4]), 3)
        (array([5, 3, 4]), 2)
    """
    block = max(1, -(-len(rows) // most_rows))
    if block == 1:
        return rows, 1
    return reduce.reduceat(rows, np.arange(0, len(rows), block), axis=0), block


def pool_signed(rows: np.ndarray, most_rows: int) -> tuple[np.ndarray, int]:
    """pool() that keeps the value furthest from zero, with its sign.

    Example:
        >>> pool_signed(np.array([1, -5, 2, 3, -4]), 3)
        (array([-5,  3, -4]), 2)
    """
    highest, block = pool(rows, most_rows, np.maximum)
    lowest, _ = pool(rows, most_rows, np.minimum)
    return np.where(highest >= -lowest, highest, lowest), block


def cosine_similarity(rows: np.ndarray) -> np.ndarray:
    """The cosine between every two rows, (n, n); a row of zeros has 0 with all.

    Example:
        >>> cosine_similarity(np.array([[3.0, 0.0], [1.0, 1.0]])).round(3)
        array([[1. , 0.707], [0.707, 1. ]])
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions = rows / np.maximum(lengths, np.finfo(np.float32).tiny)
    return directions @ directions.T


def beside_diagonal(similarity: np.ndarray) -> np.ndarray:
    """The similarities of different rows, flat: (n, n) without its diagonal. Of one row, its own.

    Example:
        >>> beside_diagonal(np.array([[1.0, 0.2], [0.2, 1.0]]))
        array([0.2, 0.2])
    """
    diagonal = np.eye(len(similarity), dtype=bool)
    return similarity[~diagonal] if len(similarity) > 1 else similarity.ravel()


def color_range(
    values: np.ndarray, least: float, most: float = np.inf, silence: float = -np.inf
) -> tuple[float, float]:
    """The lowest and the highest value that has a colour of its own: PERCENTILES of the values.

    Args:
        values: of any shape, at least one.
        least, most: how far apart the two are at least and at most; the lowest gives way.
        silence: this value and what is below it does not count, and gets the first colour.

    Example:
        >>> low, high = color_range(np.append(np.arange(2000.0), 1e6), least=1.0)
        >>> round(low), round(high)
        (20, 1998)
    """
    heard = values[values > silence + ROUNDING]
    if not heard.size:
        return silence, silence + least
    low, high = map(float, np.percentile(heard, PERCENTILES))
    low = max(min(low, high - least), high - most, silence)
    return low, max(high, low + least)


def is_dark() -> bool:
    """Whether the style in force (matplotlib's rcParams) draws on a dark ground."""
    import matplotlib
    from matplotlib.colors import to_rgb

    return sum(to_rgb(matplotlib.rcParams["axes.facecolor"])) < 1.5


def signed_colors() -> "Colormap":
    """Colours for values about zero: blue is negative, red positive, zero like the ground."""
    import matplotlib
    from matplotlib.colors import LinearSegmentedColormap

    if not is_dark():
        return matplotlib.colormaps["RdBu_r"]
    ground = matplotlib.rcParams["axes.facecolor"]
    return LinearSegmentedColormap.from_list("signed", ["#7cc0ff", ground, "#ff8a7a"])


def hertz_label(hertz: float) -> str:
    """A frequency in words of three digits.

    Example:
        >>> hertz_label(148.4), hertz_label(7321.9)
        ('148 Hz', '7.32 kHz')
    """
    return f"{hertz:.3g} Hz" if hertz < 999.5 else f"{hertz / 1000:.3g} kHz"


def hertz_axis(axis: "Axis", highest: float) -> None:
    """Labels an axis that holds Hz; in kHz when it goes far."""
    kilo = highest > HIGHEST_IN_HERTZ
    axis.set_label_text("frequency (kHz)" if kilo else "frequency (Hz)")
    if kilo:
        axis.set_major_formatter(lambda hertz, _: f"{hertz / 1000:g}")


def time_axis(axis: "Axis", seconds: float) -> None:
    """Labels an axis that holds seconds; in minutes when the clip is long."""
    from matplotlib.ticker import MultipleLocator

    minutes = seconds > LONGEST_IN_SECONDS
    axis.set_label_text("time (min)" if minutes else "time (s)")
    if minutes:
        step = next((step for step in MINUTE_STEPS if seconds / 60 / step <= 12), seconds / 600)
        axis.set_major_locator(MultipleLocator(60 * step))
        axis.set_major_formatter(lambda second, _: f"{second / 60:g}")


def image(
    ax: "Axes", columns: np.ndarray, seconds: float, *, label: str, limits: tuple[float, float],
    cmap: "str | Colormap" = "magma", left: float = 0.0, bottom: float = -0.5, height: float = 1.0,
    aspect: str = "auto",
) -> None:  # fmt: skip
    """Draws `columns`, (time, values), with its colour bar: pointed where values lie beyond it.

    Args:
        seconds: how long one column is.
        label: of the colour bar.
        limits, cmap: the values that have the first and the last colour, and the colours.
        left: where the first column starts, in seconds.
        bottom, height: where the lowest value starts on the vertical axis, and how much of it each
            takes.
        aspect: "equal" where both axes hold the same thing; else the picture fills its place.

    The colour bar is an inset on the right, which takes no room from `ax`: axes above each other
    stay aligned.
    """
    from matplotlib.ticker import MaxNLocator

    extent = (left, left + len(columns) * seconds, bottom, bottom + columns.shape[1] * height)
    shown = ax.get_xlim(), ax.get_ylim()
    style: Any = {"cmap": cmap, "vmin": limits[0], "vmax": limits[1], "aspect": aspect}
    style["interpolation"] = "nearest" if len(columns) <= FEW_COLUMNS else "auto"
    drawn = ax.imshow(columns.T, origin="lower", extent=extent, **style)
    ax.set(xlim=shown[0], ylim=shown[1])
    bar = ax.inset_axes((1.0, 0.0, 0.1, 1.0))
    bar.set_axes_locator(_beside(ax))
    beyond = bool(columns.min() < limits[0]), bool(columns.max() > limits[1])
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[beyond]
    ticks = MaxNLocator(5, steps=(1, 2, 5, 10))
    colors: Any = ax.figure.colorbar(drawn, cax=bar, label=label, extend=extend, ticks=ticks)
    # what is smaller or larger has its power of ten above
    colors.formatter.set_powerlimits((-2, 4))


def _beside(ax: "Axes") -> Callable[..., "Bbox"]:
    """Locates a colour bar: as high as `ax`, and equally wide whatever the picture's width."""
    from matplotlib.transforms import Bbox

    def locate(*_) -> Bbox:
        box, inches = ax.get_position(), ax.figure.bbox.width / ax.figure.dpi
        return Bbox.from_bounds(box.x1 + BAR_GAP / inches, box.y0, BAR_WIDTH / inches, box.height)

    return locate


def note(ax: "Axes", text: str) -> None:
    """Says in the middle of a picture why there is nothing in it."""
    box = {"facecolor": ax.get_facecolor(), "edgecolor": "0.6", "boxstyle": "round,pad=0.5"}
    place: Any = {"ha": "center", "va": "center", "transform": ax.transAxes, "zorder": 5}
    ax.text(0.5, 0.5, textwrap.fill(text, NOTE_CHARACTERS), bbox=box, **place)
