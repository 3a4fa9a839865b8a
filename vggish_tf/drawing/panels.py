"""draw_*(clip): one stage of a clip in one pair of axes. pictures.py puts them on a page.

    draw_log_mel("clip.flac")                      # a picture of its own
    draw_log_mel(waveform, 16_000, ax=ax)          # in your own axes
    draw_embedding("clip.flac", embedder=embedder)
    draw_waveform(stages)                          # of vggish_tf.stages: computed once, drawn often

Each function returns its axes, whose unit of time is a second even if the labels are minutes. Long
clips are reduced to MOST_COLUMNS columns by their extremes, so that a click of one sample is
visible.

Frame i is drawn from i to i + 1 STFT hops, and example i from its timestamp to the next one. So
both start at their first sample, and the content of an example lies between its borders. The range
of the colours depends on the values: axes.color_range.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from vggish_tf.drawing import axes, pages
from vggish_tf.drawing.clip import panel
from vggish_tf.errors import UsageError
from vggish_tf.params import Params, hertz_to_mel, mel_to_hertz
from vggish_tf.rows import MEANINGLESS, Stages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLUMNS = 2000  # of a picture; few pages are wider in pixels
MOST_BINS = 1024  # FFT bins in a picture, top to bottom
MOST_BORDERS = 30  # examples; the ticks of more would run together
BORDER_HEIGHT = 0.03  # of the axes, above them
DECIBEL_RANGE, DECIBEL_FLOOR = 80.0, -200.0  # largest range shown; the level of silence
CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}


def draw_segments(
    segments: Iterable[tuple[str, float, float]], seconds: float, *, ax: "Axes | None" = None
) -> "Axes":
    """A row of names over a time axis.

    Args:
        segments: (label, start, end) of each box, in seconds.
        seconds: the end of the time axis.
        ax: the axes to draw in; None makes a picture.

    Returns:
        The axes.
    """
    if ax is None:
        return pages.own_axes(draw_segments, segments, seconds)
    for i, (label, start, end) in enumerate(segments):
        ax.axvspan(start, end, color=("#cfd8e3", "#e8edf2")[i % 2], linewidth=0)
        middle = (start + end) / 2
        ax.text(middle, 0.5, label, color="black", clip_on=True, parse_math=False, **CENTRED)
    ax.set(xlim=(0, seconds), ylim=(0, 1))
    ax.set_axis_off()
    return ax


@panel
def draw_waveform(ax: "Axes", stages: Stages) -> None:
    """The samples over time; for a long clip, the range of the samples in each column."""
    waveform, rate = stages.waveform, stages.params.sample_rate
    length = f"{len(waveform):,} samples at {rate:,} Hz = {len(waveform) / rate:,.2f} s"
    _over_time(ax, stages, f"Waveform: {length}")
    ax.set_ylabel("amplitude\n(full scale 1)")
    limit = 1.05 * (float(np.abs(waveform).max(initial=0.0)) or 1.0)
    ax.set_ylim(-limit, limit)
    highest, block = axes.pool(waveform, MOST_COLUMNS, np.maximum)
    lowest, _ = axes.pool(waveform, MOST_COLUMNS, np.minimum)
    times = np.arange(len(highest)) * block / rate
    if not len(waveform):
        axes.note(ax, "no samples")
    elif block == 1:
        ax.plot(times, waveform, linewidth=1)
    else:
        ax.fill_between(times, lowest, highest, step="post", linewidth=0.5, edgecolor="C0")


@panel
def draw_stft_magnitude(ax: "Axes", stages: Stages) -> None:
    """The magnitudes over time and frequency, in dB relative to a full-scale sine (dBFS)."""
    params, magnitude, nyquist = stages.params, stages.stft_magnitude, stages.params.sample_rate / 2
    lengths = f"window {params.window_length}, hop {params.hop_length} samples"
    _over_time(ax, stages, f"STFT magnitude {_shape(magnitude)}: {lengths}")
    axes.hertz_axis(ax.yaxis, nyquist)
    ax.set_ylim(0, nyquist)
    if not len(magnitude):
        return axes.note(ax, _too_short("frame", params.window_length, stages))
    columns, block = axes.pool(magnitude, MOST_COLUMNS)
    rows, bins = axes.pool(columns.T, MOST_BINS)
    decibels = full_scale_decibels(rows.T, params)
    limits = axes.color_range(decibels, 10.0, DECIBEL_RANGE, silence=DECIBEL_FLOOR)
    width = params.sample_rate / params.fft_length
    place: Any = {"bottom": -width / 2, "height": bins * width}
    axes.image(ax, decibels, block * stages.frame_seconds, label="dBFS", limits=limits, **place)


@panel
def draw_mel_matrix(ax: "Axes", stages: Stages) -> None:
    """The filters as curves: the weight of every frequency in each mel bin."""
    params, matrix = stages.params, stages.mel_matrix
    hertz = np.arange(len(matrix)) * params.sample_rate / params.fft_length
    for weights, colour in zip(matrix.T, _colours(ax, matrix.shape[1]), strict=True):
        inside = np.flatnonzero(weights)
        around = slice(max(0, inside[0] - 1), inside[-1] + 2) if len(inside) else slice(0)
        ax.plot(hertz[around], weights[around], color=colour, linewidth=1)
    empty = ", ".join(map(str, params.empty_mel_bins))
    axes.title(ax, f"Mel filters {_shape(matrix)}" + (f"; empty bins: {empty}" if empty else ""))
    ax.set(xlim=(0, params.sample_rate / 2), ylim=(0, 1.05), ylabel="weight")
    axes.hertz_axis(ax.xaxis, params.sample_rate / 2)


@panel
def draw_mel_scale(ax: "Axes", stages: Stages) -> None:
    """The curve from Hz to mel, with the peaks of the mel bins on it."""
    params, nyquist = stages.params, stages.params.sample_rate / 2
    hertz = np.linspace(0, nyquist, 500)
    ax.plot(hertz, hertz_to_mel(hertz), color="0.5")
    colours = _colours(ax, params.num_mel_bins)
    ax.scatter(peak_hertz(params), params.mel_edges[1:-1], color=colours, s=12, zorder=3)
    axes.title(ax, "Mel scale and filter peaks")
    ax.set(xlim=(0, nyquist), ylim=(0, None), ylabel="pitch (mel)")
    axes.hertz_axis(ax.xaxis, nyquist)
    ax.locator_params(axis="x", nbins=4)


@panel
def draw_log_mel(ax: "Axes", stages: Stages) -> None:
    """The log-mel spectrogram; ticks above it are borders of examples; grey frames are in none."""
    params, log_mel = stages.params, stages.log_mel
    shapes = f"{_shape(log_mel)}, cut into examples {_shape(stages.examples)}"
    many = len(stages.timestamps) > MOST_BORDERS
    _over_time(ax, stages, f"Log-mel {shapes}" + (" (borders not drawn)" if many else ""))
    ticks = np.linspace(0, params.num_mel_bins - 1, 5).round().astype(int)
    ax.set_yticks(ticks, [f"{tick} · {_kilo(peak_hertz(params)[tick])}" for tick in ticks])
    ax.set(ylim=(-0.5, params.num_mel_bins - 0.5), ylabel="mel bin · peak (kHz)")
    if len(log_mel):
        columns, block = axes.pool(log_mel, MOST_COLUMNS)
        label = f"ln(mel + {params.log_offset:g})"
        silence = float(np.float32(np.log(params.log_offset)))
        limits = axes.color_range(columns, least=1.0, silence=silence)
        axes.image(ax, columns, block * stages.frame_seconds, label=label, limits=limits)
    if not len(stages.timestamps):
        return axes.note(ax, _too_short("example", params.min_samples, stages))
    _draw_borders(ax, stages)


@panel
def draw_embedding(ax: "Axes", stages: Stages) -> None:
    """The embeddings, a column for each example: red is positive, blue negative."""
    rows = _rows(stages.embedding)
    if _over_examples(ax, stages, rows, f"Embedding {_shape(rows)}"):
        pooled = axes.pool_signed(rows, MOST_COLUMNS)
        limit = float(np.percentile(np.abs(pooled[0]), axes.PERCENTILES[1])) or 1.0
        _image_of_examples(ax, stages, pooled, "value", axes.signed_colors(ax), (-limit, limit))


@panel
def draw_quantized(ax: "Axes", stages: Stages) -> None:
    """The quantized embeddings, a column for each example."""
    rows = _rows(stages.quantized)
    if _over_examples(ax, stages, rows, f"Quantized embedding {_shape(rows)}: 8 bits"):
        pooled = axes.pool(rows, MOST_COLUMNS)
        limits = axes.color_range(pooled[0], least=1.0)
        _image_of_examples(ax, stages, pooled, "uint8", "viridis", limits)


@panel
def draw_similarity(ax: "Axes", stages: Stages) -> None:
    """The cosine of each pair of embeddings, by their times; similar times are bright."""
    rows = _rows(stages.embedding)
    title = f"Self-similarity ({len(rows)}, {len(rows)}): cosine between embeddings"
    if _over_examples(ax, stages, rows, title):
        sums, block = axes.pool(rows, MOST_COLUMNS // 2, np.add)
        similarity = axes.cosine_similarity(sums)
        limits = axes.color_range(axes.beside_diagonal(similarity), least=0.05)
        place: Any = {"bottom": stages.timestamps[0], "height": block * stages.example_hop_seconds}
        place["aspect"] = "equal"
        _image_of_examples(ax, stages, (similarity, block), "cosine", "viridis", limits, **place)
    axes.time_axis(ax.yaxis, stages.seconds)
    ax.set_ylim(0, stages.seconds)


def full_scale_decibels(magnitude: np.ndarray, params: Params) -> np.ndarray:
    """STFT magnitudes in dB relative to a full-scale sine (dBFS), at least DECIBEL_FLOOR."""
    full_scale = params.window_length / 4  # half the sum of the window, which is half its length
    return 20 * np.log10(np.maximum(magnitude / full_scale, 10 ** (DECIBEL_FLOOR / 20)))


def peak_hertz(params: Params) -> np.ndarray:
    """The peak of every mel bin, in Hz."""
    return mel_to_hertz(params.mel_edges[1:-1])


def _over_time(ax: "Axes", stages: Stages, title: str) -> None:
    axes.title(ax, title)
    ax.set_xlim(0, stages.seconds)
    axes.time_axis(ax.xaxis, stages.seconds)


def _over_examples(ax: "Axes", stages: Stages, rows: np.ndarray, title: str) -> bool:
    """Prepares axes for one column an example; False, and a note in the axes, without examples."""
    _over_time(ax, stages, title)
    if stages.untrained:
        axes.title(ax, title, warning=MEANINGLESS)
    ax.set(ylim=(-0.5, rows.shape[1] - 0.5), ylabel="dimension")
    if not len(rows):
        axes.note(ax, _too_short("example", stages.params.min_samples, stages))
    return bool(len(rows))


def _image_of_examples(ax: "Axes", stages: Stages, pooled, label, cmap, limits, **place) -> None:
    columns, block = pooled
    place["left"] = stages.timestamps[0]
    seconds = block * stages.example_hop_seconds
    axes.image(ax, columns, seconds, label=label, cmap=cmap, limits=limits, **place)


def _draw_borders(ax: "Axes", stages: Stages) -> None:
    """Draws ticks above the axes at the starts and the last end, if they are not too many.

    Frames after the last end are grey.
    """
    starts = stages.timestamps
    last_end = starts[-1] + stages.example_seconds
    ax.axvspan(last_end, max(stages.seconds, last_end), color="0.6", alpha=0.7, linewidth=0)
    if len(starts) > MOST_BORDERS:
        return
    for time in (*starts, last_end):
        colour = ax.title.get_color()
        ax.axvline(time, 1.0, 1.0 + BORDER_HEIGHT, color=colour, linewidth=1.0, clip_on=False)


def _rows(rows: np.ndarray | None) -> np.ndarray:
    if rows is None:
        raise UsageError(
            "nothing to draw: these stages have no such embeddings. Give a waveform or a file, and "
            'an embedder; one with postprocess="quantized" for quantized embeddings.'
        )
    return rows


def _too_short(unit: str, num_samples: int, stages: Stages) -> str:
    needed = f"one needs {num_samples:,} samples ({num_samples / stages.params.sample_rate:g} s)"
    return f"no {unit}: {needed}, the clip has {len(stages.waveform):,}"


def _kilo(hertz: float) -> str:
    return f"{hertz / 1000:.{2 if hertz < 9995 else 0}f}"


def _shape(array: np.ndarray) -> str:
    return f"({', '.join(map(str, array.shape))})"


def _colours(ax: "Axes", count: int) -> np.ndarray:
    """One colour for each mel bin, (count, 4), from low to high bins."""
    import matplotlib

    darkest, brightest = (0.25, 1.0) if axes.is_dark(ax) else (0.0, 0.95)
    return matplotlib.colormaps["viridis"](np.linspace(darkest, brightest, count))
