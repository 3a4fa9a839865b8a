"""Pictures of the stages of a clip: overview() is one page of all stages, one() a single stage.

matplotlib is imported on the first drawing, and pyplot with its global state never: the caller's
backend and open figures stay as they are. panels.py draws the stages; its names are also this
module's. No TensorFlow, and nothing is computed from audio here; that is the part of stages.py.

Example:
    >>> from vggish_tf.drawing import pictures
    >>> stages = pictures.Stages(...)  # doctest: +SKIP
    >>> pictures.save(pictures.overview(stages, title="clip.wav"), "clip.png")  # doctest: +SKIP
"""

import io
import json
import os
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vggish_tf.drawing.panels import (
    Stages,
    draw_embedding,
    draw_log_mel,
    draw_mel_matrix,
    draw_mel_scale,
    draw_quantized,
    draw_segments,
    draw_similarity,
    draw_stft_magnitude,
    draw_waveform,
)
from vggish_tf.errors import UsageError
from vggish_tf.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

__all__ = [
    "Segment",
    "Stages",
    "draw_embedding",
    "draw_log_mel",
    "draw_mel_matrix",
    "draw_mel_scale",
    "draw_quantized",
    "draw_segments",
    "draw_similarity",
    "draw_stft_magnitude",
    "draw_waveform",
    "empty_figure",
    "one",
    "overview",
    "png",
    "read_segments",
    "save",
]

WIDTH_INCHES = 12.0
LEFT, RIGHT = 1.05, 1.0  # inches beside the axes of one(): the widest labels fit
DOTS_PER_INCH = 110
TITLE: Any = {"fontsize": 16, "fontweight": "bold", "parse_math": False}
TITLE_CHARACTERS_PER_INCH = 4.5  # of TITLE, in wide letters
AXES_TITLE_CHARACTERS_PER_INCH = 10.3
STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
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


class Segment(NamedTuple):
    """A labelled stretch of a clip; start and end in seconds."""

    label: str
    start: float
    end: float


def read_segments(path: str | os.PathLike[str]) -> list[Segment]:
    """Reads a table of segments, as vggish_tf/data/demo.json (by scripts/make_demo_clip.py)."""
    table = json.loads(Path(path).read_text(encoding="utf-8"))
    return [Segment(row["label"], row["start"], row["end"]) for row in table["segments"]]


def overview(
    stages: Stages, *, title: str, segments: Iterable[tuple[str, float, float]] | None = None
) -> "Figure":
    """One tall page of every stage, in the order of the data, the time axes aligned.

    Args:
        stages: panels of an `embedding` or `quantized` that is None are left out.
        title: at the top, wrapped to the page; it should name the weights.
        segments: (label, start, end) in seconds, labelled in a row over the waveform.

    Returns:
        A Figure that is not registered with pyplot; pass it to save().
    """
    import matplotlib

    rows = list(_rows_of_page(stages, list(segments or ())))
    heights = [height for height, _ in rows]
    with matplotlib.rc_context(STYLE):
        figure = empty_figure(WIDTH_INCHES, sum(heights) + 1.2, title)
        grid = figure.add_gridspec(len(rows), 1, height_ratios=heights)
        for row, (_, draws) in enumerate(rows):
            # directly in the grid, whose one column keeps the time axes aligned
            if len(draws) == 1:
                draws[0](figure.add_subplot(grid[row]))
                continue
            pair = grid[row].subgridspec(1, 2, width_ratios=(2, 1))
            draws[0](figure.add_subplot(pair[0]))
            draws[1](figure.add_subplot(pair[1]))
        _make_room_for_square(figure.axes[-1], grid)
    return figure


def one(
    draw: Callable[["Axes", Stages], None],
    stages: Stages,
    *,
    title: str = "",
    size: tuple[float, float] = (8.0, 3.0),
    dark: bool = False,
) -> "Figure":
    """One stage on a page of `size` inches: one(draw_log_mel, stages).

    The axes of every stage begin LEFT inches from the left and end RIGHT inches from the right, so
    that pictures of one width, above each other, have aligned time axes. The height of a square
    picture follows from its width.

    Args:
        draw: one of this module's draw_* functions.
        title: at the top, in large letters.
        dark: light lines and letters on a dark background.
    """
    import matplotlib

    with matplotlib.rc_context(DARK_STYLE if dark else STYLE):
        figure = empty_figure(*size, title)
        ax = figure.add_subplot()
        draw(ax, stages)
        room = int((size[0] - LEFT) * AXES_TITLE_CHARACTERS_PER_INCH)
        ax.set_title(textwrap.fill(ax.get_title(loc="left"), room))
        _set_margins(ax)
    return figure


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
    """A figure of a size in inches, with a title alone, wrapped to the width."""
    from matplotlib.figure import Figure

    characters = int(width * TITLE_CHARACTERS_PER_INCH)
    wrapped = [textwrap.wrap(text, characters) or [""] for text in title.splitlines()]
    lines = [line for part in wrapped for line in part]
    figure = Figure(figsize=(width, height + 0.3 * len(lines)), layout="constrained")
    if lines:
        figure.suptitle("\n".join(lines), **TITLE)
    return figure


def _make_room_for_square(ax: "Axes", grid: "GridSpec") -> None:
    """Makes the last row of a page as high as its axes are wide, and the page higher by as much."""
    figure, aspect = grid.figure, ax.get_aspect()
    if aspect == "auto" or figure is None:
        return
    ax.set_aspect("auto")
    figure.draw_without_rendering()
    ax.set_aspect(aspect)
    box, (width, height) = ax.get_position(original=True), figure.get_size_inches()
    ratios: Any = grid.get_height_ratios()
    scale = box.height * height / ratios[-1]
    needed = 1.02 * box.width * width / scale  # too high is harmless, too low would be narrow
    figure.set_figheight(height + scale * (needed - ratios[-1]))
    grid.set_height_ratios([*ratios[:-1], needed])


def save(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Writes a figure in the format of the suffix, whole or not at all.

    The same figure gives the same bytes.

    Raises:
        UsageError: a suffix other than .png, .svg and .pdf.
        VGGishError: a folder that cannot be written to.
    """
    import matplotlib

    suffix = Path(path).suffix.lower()
    if suffix not in METADATA:
        raise UsageError(
            f"cannot write a picture as {Path(path).name!r}. Name it {', '.join(METADATA)}."
        )
    with matplotlib.rc_context({"svg.hashsalt": "vggish_tf"}), replacing(path) as temporary:
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
    palette[corner : corner + 3] = every.getpixel((0, 0))  # the background, exactly as the page's
    few.putpalette(palette)
    few.save(reduced, "png", optimize=True)
    return reduced.getvalue()


def _rows_of_page(
    stages: Stages, segments: list
) -> Iterator[tuple[float, list[Callable[["Axes"], Any]]]]:
    """The rows of the overview from top to bottom: height in inches, and drawings side by side."""
    if segments:
        yield 0.35, [lambda ax: draw_segments(ax, stages, segments)]
    yield 1.9, [lambda ax: draw_waveform(ax, stages)]
    yield 3.0, [lambda ax: draw_stft_magnitude(ax, stages)]
    yield 2.9, [lambda ax: draw_mel_matrix(ax, stages), lambda ax: draw_mel_scale(ax, stages)]
    yield 3.0, [lambda ax: draw_log_mel(ax, stages)]
    if stages.embedding is not None:
        yield 3.0, [lambda ax: draw_embedding(ax, stages)]
    if stages.quantized is not None:
        yield 3.0, [lambda ax: draw_quantized(ax, stages)]
    if stages.embedding is not None and len(stages.embedding) > 1:
        yield 5.0, [lambda ax: draw_similarity(ax, stages)]
