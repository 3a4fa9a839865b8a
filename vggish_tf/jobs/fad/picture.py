"""Picture of a comparison: bars with their intervals, and FAD over 1/n with its line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vggish_tf.drawing import pictures
from vggish_tf.errors import printable
from vggish_tf.jobs.fad.comparison import Comparison
from vggish_tf.jobs.fad.report import described
from vggish_tf.jobs.fad.sources import Set

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, ABOVE, PER_SET, LINES = 8.0, 1.0, 0.42, 3.4  # inches
LONGEST = 32  # characters of a name


def draw(reference: Set, found: Sequence[Comparison]) -> "Figure":
    """Draws the distances of candidates from a reference; pictures.save() writes the figure.

    The first panel has the Fréchet distances, with intervals if there are some. If they were
    computed, a second panel has the kernel distances, and a third the lines of FAD∞.

    Example:
        >>> figure = draw(reference, [compare(reference, made)])  # doctest: +SKIP
        >>> pictures.save(figure, "fad.png")  # doctest: +SKIP
    """
    panels = [(_draw_fad, ABOVE + PER_SET * len(found))]
    if any(each.kad is not None for each in found):
        panels.append((_draw_kad, panels[0][1]))
    if any(each.infinity for each in found):
        panels.append((_draw_infinity, LINES))
    heights = [height for _, height in panels]
    made = reference.provenance or found[0].provenance
    title = f"distances from {reference.name}\n{described(made)}"
    with pictures.style():
        figure = pictures.empty_figure(WIDTH, sum(heights), title)
        grid = figure.add_gridspec(len(panels), 1, height_ratios=heights)
        for place, (panel, _) in enumerate(panels):
            panel(figure.add_subplot(grid[place]), found)
    return figure


def _draw_fad(ax: "Axes", found: Sequence[Comparison]) -> None:
    _draw_bars(ax, found, [each.fad for each in found])
    shown = [(place, each.interval) for place, each in enumerate(found) if each.interval]
    for place, interval in shown:
        ax.plot(interval, [place, place], "|-", color="black", markersize=9)
    ax.set_title("Fréchet distance (FAD)" + ("; lines: 95 % intervals" if shown else ""))


def _draw_kad(ax: "Axes", found: Sequence[Comparison]) -> None:
    _draw_bars(ax, found, [np.nan if each.kad is None else each.kad for each in found])
    ax.set_title("kernel distance (KAD)")


def _draw_bars(ax: "Axes", found: Sequence[Comparison], values: Sequence[float]) -> None:
    places = np.arange(len(found))
    ax.barh(places, values, 0.6, color="C0", alpha=0.75)
    for place, value in enumerate(values):
        ax.annotate(
            f"{value:.3g}", (0, place), xytext=(4, 0), textcoords="offset points", va="center"
        )
    ax.set_yticks(places, [_short(each.name) for each in found], parse_math=False)
    ax.set(ylim=(len(found) - 0.4, -0.6))
    ax.axvline(0.0, color="black", linewidth=1.0)


def _draw_infinity(ax: "Axes", found: Sequence[Comparison]) -> None:
    lines = [(_short(each.name), each.infinity) for each in found if each.infinity]
    for number, (name, line) in enumerate(lines):
        color, x = f"C{number}", 1 / line.sizes
        ends = np.array([0.0, x.max()])
        ax.plot(x, line.distances, ".", color=color)
        ax.plot(ends, line.value + line.slope * ends, color=color, linewidth=1.2, label=name)
        ax.errorbar(0.0, line.value, line.standard_error, fmt="o", color=color, capsize=4)
    ax.set(title="FAD of samples of n rows; FAD∞ at 1/n = 0", xlabel="1/n", ylabel="FAD")
    ax.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, -0.18))


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
