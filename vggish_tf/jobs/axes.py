"""What the pictures share: reducing long arrays to what a page can show, axes in s or min and Hz or kHz, images, notes.

Knows arrays and matplotlib axes, not VGGish; jobs/pictures.py is what draws the stages. It never imports pyplot.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MINUTE_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1440, 10_080)
LONGEST_IN_SECONDS = 600
HIGHEST_IN_HERTZ = 12_000
FEW_COLUMNS = 500  # up to here each is drawn as the box it is; more are blended where they share a pixel


def pool(rows: np.ndarray, most_rows: int, reduce: np.ufunc = np.maximum) -> tuple[np.ndarray, int]:
    """Reduces every block of rows to one, so that at most `most_rows` are left; returns them and the rows in a block.

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
    ax: "Axes", columns: np.ndarray, seconds: float, *, label: str, left: float = 0.0, bottom: float = -0.5,
    height: float = 1.0, **style: Any,
) -> None:  # fmt: skip
    """Draws `columns`, (time, values), with its colour bar.

    Args:
        seconds: how long one column is.
        label: of the colour bar.
        left: where the first column starts, in seconds.
        bottom, height: where the lowest value starts on the vertical axis, and how much of it each takes.
        style: cmap, vmin, vmax.

    The colour bar is an inset on the right, which takes no room from `ax`: axes above each other stay aligned.
    """
    extent = (left, left + len(columns) * seconds, bottom, bottom + columns.shape[1] * height)
    limits = ax.get_xlim(), ax.get_ylim()
    style["interpolation"] = "nearest" if len(columns) <= FEW_COLUMNS else "auto"
    drawn = ax.imshow(columns.T, origin="lower", aspect="auto", extent=extent, **style)
    ax.set(xlim=limits[0], ylim=limits[1])
    ax.figure.colorbar(drawn, cax=ax.inset_axes((1.01, 0.0, 0.015, 1.0)), label=label)


def note(ax: "Axes", text: str) -> None:
    """Says in the middle of a picture why there is nothing in it."""
    box = {"facecolor": "white", "edgecolor": "0.6", "boxstyle": "round,pad=0.5"}
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, bbox=box, zorder=5)
