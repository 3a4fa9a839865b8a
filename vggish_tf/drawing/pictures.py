"""All panels of a clip on one page: show() takes a clip in any form, overview() its stages.

panels.py draws the stages, and pages.py makes figures and files; their names can be imported from
here too. No TensorFlow here; stages.py computes the stages.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vggish_tf.drawing.clip import Clip, Panel, stages_of
from vggish_tf.drawing.pages import empty_figure, one, png, save, style
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
from vggish_tf.params import Params

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

    from vggish_tf.embedding import Embedder

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
    "show",
    "style",
]

WIDTH_INCHES = 12.0


class Segment(NamedTuple):
    """A labelled stretch of a clip; start and end in seconds."""

    label: str
    start: float
    end: float


def read_segments(path: str | os.PathLike[str]) -> list[Segment]:
    """Reads a table of segments, such as vggish_tf/data/demo.json of scripts/make_demo_clip.py."""
    table = json.loads(Path(path).read_text(encoding="utf-8"))
    return [Segment(row["label"], row["start"], row["end"]) for row in table["segments"]]


Segments = Iterable[tuple[str, float, float]]


def show(
    clip: Clip,
    sample_rate: float | None = None,
    *,
    params: Params | None = None,
    embedder: "Embedder | None" = None,
    title: str | None = None,
    segments: Segments | None = None,
    dark: bool = False,
) -> "Figure":
    """Every stage of a clip on one page, which a notebook shows.

    Args:
        clip: a waveform, the path of a file, or Stages.
        sample_rate: the rate of a waveform, in Hz.
        params: front-end parameters; with an embedder, its own are used instead.
        embedder: computes the embeddings; without it there are none.
        title: the title at the top; by default the name of the file, and the weights.
        segments: (label, start, end) in seconds, shown in a row over the waveform.
        dark: whether to draw light lines and letters on a dark background.

    Returns:
        A figure that is not registered with pyplot. In a script, pass it to save().

    Raises:
        UsageError: a waveform has no sample rate; or another argument is given with a clip that
            has its own.
        AudioError: the waveform or the file cannot be used.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).uniform(-1, 1, 16_000)
        >>> show(noise, 16_000)
        <Picture size 1200x... with 5 Axes>
    """
    stages = stages_of(clip, sample_rate, params=params, embedder=embedder)
    if title is None:
        title = "\n".join(_names(clip, embedder))
    return overview(stages, title=title, segments=segments, dark=dark)


def _names(clip: Clip, embedder: "Embedder | None") -> Iterator[str]:
    if isinstance(clip, (str, os.PathLike)):
        yield Path(clip).name
    if embedder:
        yield str(embedder.identity)


def overview(
    stages: Stages, *, title: str, segments: Segments | None = None, dark: bool = False
) -> "Figure":
    """One tall page of every stage, in the order of the data, with aligned time axes.

    Args:
        stages: the stages; panels of an `embedding` or `quantized` that is None are left out.
        title: the title at the top, wrapped to the page; it should name the weights.
        segments, dark: as for show().

    Returns:
        A Figure that is not registered with pyplot; pass it to save().
    """
    rows = list(_rows_of_page(stages, list(segments or ())))
    heights = [height for height, _ in rows]
    with style(dark):
        figure = empty_figure(WIDTH_INCHES, sum(heights) + 1.2, title)
        grid = figure.add_gridspec(len(rows), 1, height_ratios=heights)
        for row, (_, draws) in enumerate(rows):
            # directly in the grid, whose one column keeps the time axes aligned
            if len(draws) == 1:
                draws[0](ax=figure.add_subplot(grid[row]))
                continue
            pair = grid[row].subgridspec(1, 2, width_ratios=(2, 1))
            draws[0](ax=figure.add_subplot(pair[0]))
            draws[1](ax=figure.add_subplot(pair[1]))
        _make_room_for_square(figure.axes[-1], grid)
    return figure


def _make_room_for_square(ax: "Axes", grid: "GridSpec") -> None:
    """Makes the last row of a page as high as its axes are wide, and the page that much higher."""
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


def _rows_of_page(
    stages: Stages, segments: list
) -> Iterator[tuple[float, list[Callable[..., "Axes"]]]]:
    """Yields the rows of the overview: the height in inches, and the drawings side by side."""

    def drawn(*panels: Panel) -> list[Callable[..., "Axes"]]:
        return [partial(panel, stages) for panel in panels]

    if segments:
        yield 0.35, [partial(draw_segments, segments, stages.seconds)]
    yield 1.9, drawn(draw_waveform)
    yield 3.0, drawn(draw_stft_magnitude)
    yield 2.9, drawn(draw_mel_matrix, draw_mel_scale)
    yield 3.0, drawn(draw_log_mel)
    if stages.embedding is not None:
        yield 3.0, drawn(draw_embedding)
    if stages.quantized is not None:
        yield 3.0, drawn(draw_quantized)
    if stages.embedding is not None and len(stages.embedding) > 1:
        yield 5.0, drawn(draw_similarity)
