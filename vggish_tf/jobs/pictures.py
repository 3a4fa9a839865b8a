"""Pictures of what every stage makes of a clip: overview() is one page of all of them, one() a single stage.

matplotlib is imported when something is drawn, and pyplot with its global state never: the caller's backend and open
figures stay as they are. The stages are drawn by jobs/panels.py, whose names are also this module's. No TensorFlow, and
nothing is computed from audio here; jobs/report.py does that.

Example:
    >>> from vggish_tf.jobs import pictures
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

from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing
from vggish_tf.jobs.panels import (
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

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
DOTS_PER_INCH = 110
TITLE: Any = {"fontsize": 16, "fontweight": "bold", "parse_math": False}
TITLE_CHARACTERS_PER_INCH = 4.5  # of TITLE, in wide letters
STYLE: Any = {"font.size": 11, "axes.titlesize": 12, "axes.titlelocation": "left"}
METADATA: dict[str, dict[str, None]] = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}


class Segment(NamedTuple):
    """A stretch of a clip that has a name; start and end in seconds."""

    label: str
    start: float
    end: float


def read_segments(path: str | os.PathLike[str]) -> list[Segment]:
    """Reads the table that scripts/make_demo_clip.py writes beside its clip: vggish_tf/data/demo.json."""
    table = json.loads(Path(path).read_text(encoding="utf-8"))
    return [Segment(row["label"], row["start"], row["end"]) for row in table["segments"]]


def overview(stages: Stages, *, title: str, segments: Iterable[tuple[str, float, float]] | None = None) -> "Figure":
    """One tall page of every stage, in the order of the data, the time axes aligned.

    Args:
        stages: where `embedding` or `quantized` is None, their panels are left out.
        title: stands on top in full, wrapped to the page; say here which weights these are.
        segments: (label, start, end) in seconds, named in a row over the waveform.

    Returns:
        A Figure of its own, which pyplot knows nothing of; hand it to save().
    """
    import matplotlib

    rows = list(_rows_of_page(stages, list(segments or ())))
    heights = [height for height, _ in rows]
    with matplotlib.rc_context(STYLE):
        figure = empty_figure(WIDTH_INCHES, sum(heights) + 1.2, title)
        grid = figure.add_gridspec(len(rows), 1, height_ratios=heights)
        for row, (_, draws) in enumerate(rows):
            if len(draws) == 1:  # straight into the grid, whose one column keeps the time axes aligned
                draws[0](figure.add_subplot(grid[row]))
                continue
            pair = grid[row].subgridspec(1, 2, width_ratios=(2, 1))
            draws[0](figure.add_subplot(pair[0]))
            draws[1](figure.add_subplot(pair[1]))
    return figure


def one(
    draw: Callable[["Axes", Stages], None], stages: Stages, *, title: str = "", size: tuple[float, float] = (8.0, 3.0)
) -> "Figure":
    """One stage on a page of `size` inches: one(draw_log_mel, stages)."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = empty_figure(*size, title)
        draw(figure.add_subplot(), stages)
    return figure


def empty_figure(width: float, height: float, title: str) -> "Figure":
    """A figure of so many inches with a title alone, each line of which is wrapped to the width: no end is cut off."""
    from matplotlib.figure import Figure

    characters = int(width * TITLE_CHARACTERS_PER_INCH)
    lines = [line for text in title.splitlines() for line in textwrap.wrap(text, characters) or [""]]
    figure = Figure(figsize=(width, height + 0.3 * len(lines)), layout="constrained")
    if lines:
        figure.suptitle("\n".join(lines), **TITLE)
    return figure


def save(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Writes a figure in the format that the suffix names, whole or not at all; the same figure gives the same bytes.

    Raises:
        VGGishError: a suffix other than .png, .svg and .pdf, or a folder that cannot be written to.
    """
    import matplotlib

    suffix = Path(path).suffix.lower()
    if suffix not in METADATA:
        raise VGGishError(f"cannot write a picture as {Path(path).name!r}. Name it {', '.join(METADATA)}.")
    with matplotlib.rc_context({"svg.hashsalt": "vggish_tf"}), replacing(path) as temporary:
        figure.savefig(temporary, format=suffix[1:], dpi=DOTS_PER_INCH, metadata=METADATA[suffix])


def png(figure: "Figure", dots_per_inch: float = DOTS_PER_INCH) -> bytes:
    """A figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata=METADATA[".png"])
    return buffer.getvalue()


def _rows_of_page(stages: Stages, segments: list) -> Iterator[tuple[float, list[Callable[["Axes"], Any]]]]:
    """The rows of the overview from top to bottom: height in inches, and what is drawn side by side."""
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
