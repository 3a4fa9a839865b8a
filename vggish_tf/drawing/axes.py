"""Parts shared by the pictures: reduced arrays, colour ranges, axes, images, notes.

Only arrays and matplotlib axes are used here; the stages of VGGish belong to panels.py. pyplot is
never imported.
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
# so many columns are drawn as boxes; of more, those in the same pixel are blended
FEW_COLUMNS = 500
PERCENTILES = (1.0, 99.9)  # values outside have the first or the last colour
ROUNDING = 1e-5  # of logarithms in float32
TITLE_CHARACTERS_PER_INCH = 10.3  # in 12 points
TITLE_PAD = 9  # points; room for ticks above the axes
NOTE_CHARACTERS = 24  # in a line: narrow axes have no room for more
BAR_GAP, BAR_WIDTH = 0.08, 0.12  # inches


def pool(rows: np.ndarray, most_rows: int, reduce: np.ufunc = np.maximum) -> tuple[np.ndarray, int]:
    """Reduces every block of rows to one, so that at most `most_rows` are left.

    Returns:
        The reduced rows, and the number of rows in a block.

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
    """The cosine between every two rows, (n, n); those of a row of zeros are 0.

    Example:
        >>> cosine_similarity(np.array([[3.0, 0.0], [1.0, 1.0]])).round(3)
        array([[1. , 0.707], [0.707, 1. ]])
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions = rows / np.maximum(lengths, np.finfo(np.float32).tiny)
    return directions @ directions.T


def beside_diagonal(similarity: np.ndarray) -> np.ndarray:
    """The similarities of different rows: (n, n) without its diagonal, flat; for n = 1 with it.

    Example:
        >>> beside_diagonal(np.array([[1.0, 0.2], [0.2, 1.0]]))
        array([0.2, 0.2])
    """
    diagonal = np.eye(len(similarity), dtype=bool)
    return similarity[~diagonal] if len(similarity) > 1 else similarity.ravel()


def color_range(
    values: np.ndarray, least: float, most: float = np.inf, silence: float = -np.inf
) -> tuple[float, float]:
    """The limits of a colour bar: PERCENTILES of the values.

    Args:
        values: an array of any shape, with at least one value.
        least, most: bounds of the difference between the two limits.
        silence: values up to this one are ignored, and have the first colour.

    Example:
        >>> low, high = color_range(np.append(np.arange(2000.0), 1e6), least=1.0)
        >>> round(low), round(high)
        (20, 1998)
    """
    sounding = values[values > silence + ROUNDING]
    if not sounding.size:
        return silence, silence + least
    low, high = map(float, np.percentile(sounding, PERCENTILES))
    low = max(min(low, high - least), high - most, silence)
    return low, max(high, low + least)


def ground(ax: "Axes") -> str:
    """The colour behind axes, #rrggbb; for transparent axes, that of the figure behind them."""
    from matplotlib.colors import to_hex, to_rgba

    behind: Any = (ax, ax.figure, ax.get_figure(root=True))  # the second may be a subfigure
    faces = (to_rgba(each.get_facecolor()) for each in behind)
    return to_hex(next((face for face in faces if face[3]), "white"))


def is_dark(ax: "Axes") -> bool:
    """True if axes have a dark background."""
    from matplotlib.colors import to_rgb

    return sum(to_rgb(ground(ax))) < 1.5


def signed_colors(ax: "Axes") -> "Colormap":
    """Colours for signed values: negative is blue, positive red, zero the background."""
    import matplotlib
    from matplotlib.colors import LinearSegmentedColormap

    if not is_dark(ax):
        return matplotlib.colormaps["RdBu_r"]
    return LinearSegmentedColormap.from_list("signed", ["#7cc0ff", ground(ax), "#ff8a7a"])


def title(ax: "Axes", text: str, warning: str = "") -> None:
    """Writes a title, wrapped to the axes; with a warning above it, in bold letters, if given."""
    inches = ax.get_window_extent().width / ax.figure.dpi
    room = inches * TITLE_CHARACTERS_PER_INCH * 12 / float(ax.title.get_fontsize())
    lines = [textwrap.fill(each, max(10, int(room))) for each in (warning, text) if each]
    style: Any = {"pad": TITLE_PAD, **({"fontweight": "bold"} if warning else {})}
    ax.set_title("\n".join(lines), **style)


def hertz_label(hertz: float) -> str:
    """A frequency with three digits and its unit.

    Example:
        >>> hertz_label(148.4), hertz_label(7321.9)
        ('148 Hz', '7.32 kHz')
    """
    return f"{hertz:.3g} Hz" if hertz < 999.5 else f"{hertz / 1000:.3g} kHz"


def hertz_axis(axis: "Axis", highest: float) -> None:
    """Labels a frequency axis, in kHz if `highest` is above HIGHEST_IN_HERTZ."""
    kilo = highest > HIGHEST_IN_HERTZ
    axis.set_label_text("frequency (kHz)" if kilo else "frequency (Hz)")
    if kilo:
        axis.set_major_formatter(lambda hertz, _: f"{hertz / 1000:g}")


def time_axis(axis: "Axis", seconds: float) -> None:
    """Labels a time axis, in minutes if the clip is long."""
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
    """Draws an array with a colour bar, whose ends are pointed if values lie beyond it.

    Args:
        ax: the axes.
        columns: (time, values).
        seconds: the length of one column.
        label: the label of the colour bar.
        limits, cmap: the values with the first and the last colour, and the colours.
        left: the start of the first column, in seconds.
        bottom, height: the start of the first value on the vertical axis, and the height of each.
        aspect: "equal" if both axes have the same unit; "auto" fills the axes.

    The colour bar is an inset on the right, which takes no room from `ax`, so that axes above each
    other stay aligned.
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
    # of smaller and larger numbers, the power of ten stands above the bar
    colors.formatter.set_powerlimits((-2, 4))


def _beside(ax: "Axes") -> Callable[..., "Bbox"]:
    """A locator for a colour bar: as high as `ax`, and equally wide in all pictures."""
    from matplotlib.transforms import Bbox

    def locate(*_) -> Bbox:
        box, inches = ax.get_position(), ax.figure.bbox.width / ax.figure.dpi
        return Bbox.from_bounds(box.x1 + BAR_GAP / inches, box.y0, BAR_WIDTH / inches, box.height)

    return locate


def note(ax: "Axes", text: str) -> None:
    """Writes a note in the middle of empty axes, which says why they are empty."""
    box = {"facecolor": ax.get_facecolor(), "edgecolor": "0.6", "boxstyle": "round,pad=0.5"}
    place: Any = {"ha": "center", "va": "center", "transform": ax.transAxes, "zorder": 5}
    ax.text(0.5, 0.5, textwrap.fill(text, NOTE_CHARACTERS), bbox=box, **place)
