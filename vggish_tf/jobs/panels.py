"""Stages, what a clip is at every stage, and draw_*(ax, stages), which draws one of them into one pair of axes.

jobs/pictures.py puts them on a page. Everything arrives as NumPy arrays, and nothing is computed here but what a
picture needs. Long clips are reduced to MOST_COLUMNS columns by their extremes: a click that lasts one sample shows.

Frame i is drawn from i to i + 1 STFT hops, example i from its timestamp to the next one's. So both start where their
first sample is, and what an example holds stands between its borders.
"""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vggish_tf.errors import VGGishError
from vggish_tf.jobs.axes import cosine_similarity, hertz_axis, hertz_label, image, note, pool, pool_signed, time_axis
from vggish_tf.params import MEL_BREAK_FREQUENCY_HERTZ, MEL_HIGH_FREQUENCY_Q, Params, hertz_to_mel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLUMNS = 2000  # of a picture; a page is hardly wider
MOST_BINS = 1024  # FFT bins in a picture, top to bottom
MOST_BORDERS = 100  # more example borders than this would hide what is between them
DECIBEL_RANGE, DECIBEL_FLOOR = 80.0, -120.0


class Stages(NamedTuple):
    """What every stage holds for one clip, as NumPy arrays; `embedding` and `quantized` may be None."""

    waveform: np.ndarray  # (num_samples,) float32, at params.sample_rate
    stft_magnitude: np.ndarray  # (frames, FFT bins)
    mel_matrix: np.ndarray  # (FFT bins, mel bins)
    log_mel: np.ndarray  # (frames, mel bins)
    examples: np.ndarray  # (n, 96, 64)
    embedding: np.ndarray | None  # (n, 128) float32
    quantized: np.ndarray | None  # (n, 128) uint8
    timestamps: np.ndarray  # (n,) the start of each example in seconds
    params: Params

    @property
    def seconds(self) -> float:
        """Where the time axes end: with the waveform, or with the last example where padding goes beyond it."""
        last_end = self.timestamps[-1] + self.params.example_window_seconds if len(self.timestamps) else 0.0
        return max(len(self.waveform) / self.params.sample_rate, float(last_end)) or 1.0

    @property
    def frame_seconds(self) -> float:
        """From one STFT frame to the next, as the whole number of samples that it is."""
        return self.params.hop_length / self.params.sample_rate

    @property
    def example_seconds(self) -> float:
        """From one example to the next, likewise."""
        return self.params.example_hop_frames * self.frame_seconds


def draw_segments(ax: "Axes", stages: Stages, segments: Iterable[tuple[str, float, float]]) -> None:
    """A row of names: one box for each (label, start, end)."""
    for i, (label, start, end) in enumerate(segments):
        ax.axvspan(start, end, color=("#cfd8e3", "#e8edf2")[i % 2], linewidth=0)
        ax.text((start + end) / 2, 0.5, label, ha="center", va="center", clip_on=True, parse_math=False)
    ax.set(xlim=(0, stages.seconds), ylim=(0, 1))
    ax.set_axis_off()


def draw_waveform(ax: "Axes", stages: Stages) -> None:
    """The samples over time; of a long clip the band from each column's lowest to its highest sample."""
    waveform, rate = stages.waveform, stages.params.sample_rate
    _over_time(ax, stages, f"Waveform: {len(waveform):,} samples at {rate:,} Hz = {len(waveform) / rate:,.2f} s")
    ax.set_ylabel("amplitude")
    limit = 1.05 * (float(np.abs(waveform).max(initial=0.0)) or 1.0)
    ax.set_ylim(-limit, limit)
    highest, block = pool(waveform, MOST_COLUMNS, np.maximum)
    lowest, _ = pool(waveform, MOST_COLUMNS, np.minimum)
    times = np.arange(len(highest)) * block / rate
    if not len(waveform):
        note(ax, "no samples")
    elif block == 1:
        ax.plot(times, waveform, linewidth=1)
    else:
        ax.fill_between(times, lowest, highest, step="post", linewidth=0.5, edgecolor="C0")


def draw_stft_magnitude(ax: "Axes", stages: Stages) -> None:
    """Magnitudes over time and frequency, in dB under a full-scale sine (dBFS)."""
    params, magnitude, nyquist = stages.params, stages.stft_magnitude, stages.params.sample_rate / 2
    title = f"STFT magnitude {_shape(magnitude)}: window {params.window_length}, hop {params.hop_length} samples"
    _over_time(ax, stages, title)
    hertz_axis(ax.yaxis, nyquist)
    ax.set_ylim(0, nyquist)
    if not len(magnitude):
        return note(ax, _too_short("frame", params.window_length, stages))
    columns, block = pool(magnitude, MOST_COLUMNS)
    rows, bins = pool(columns.T, MOST_BINS)
    full_scale = (
        params.window_length / 4
    )  # the window's sum is half its length, and a sine puts half of it on each side
    decibels = 20 * np.log10(np.maximum(rows.T / full_scale, 10 ** (DECIBEL_FLOOR / 20)))
    loudest = max(float(decibels.max()), DECIBEL_FLOOR + DECIBEL_RANGE)  # silence is dark, not the loudest there is
    width = params.sample_rate / params.fft_length
    scale = {"bottom": -width / 2, "height": bins * width, "vmin": loudest - DECIBEL_RANGE, "vmax": loudest}
    image(ax, decibels, block * stages.frame_seconds, label="dBFS", cmap="magma", **scale)


def draw_mel_matrix(ax: "Axes", stages: Stages) -> None:
    """The filters as curves: the weight with which each mel bin takes up every frequency."""
    params, matrix = stages.params, stages.mel_matrix
    hertz = np.arange(len(matrix)) * params.sample_rate / params.fft_length
    for weights, colour in zip(matrix.T, _colours(matrix.shape[1]), strict=True):
        inside = np.flatnonzero(weights)
        around = slice(max(0, inside[0] - 1), inside[-1] + 2) if len(inside) else slice(0)
        ax.plot(hertz[around], weights[around], color=colour, linewidth=1)
    empty = f"; empty bins: {', '.join(map(str, params.empty_mel_bins))}" if params.empty_mel_bins else ""
    ax.set_title(textwrap.fill(f"Mel filters {_shape(matrix)}{empty}", 60))
    ax.set(xlim=(0, params.sample_rate / 2), ylim=(0, 1.05), ylabel="weight")
    hertz_axis(ax.xaxis, params.sample_rate / 2)


def draw_mel_scale(ax: "Axes", stages: Stages) -> None:
    """The curve from Hz to mel, and on it the peaks of the mel bins."""
    params, nyquist = stages.params, stages.params.sample_rate / 2
    hertz = np.linspace(0, nyquist, 500)
    ax.plot(hertz, hertz_to_mel(hertz), color="0.5")
    ax.scatter(_peak_hertz(params), params.mel_edges[1:-1], color=_colours(params.num_mel_bins), s=12, zorder=3)
    ax.set_title("Mel scale and filter peaks")
    ax.set(xlim=(0, nyquist), ylim=(0, None), ylabel="mel")
    hertz_axis(ax.xaxis, nyquist)
    ax.locator_params(axis="x", nbins=4)


def draw_log_mel(ax: "Axes", stages: Stages) -> None:
    """The log-mel spectrogram with a border where every example starts and ends; grey is in no example."""
    params, log_mel = stages.params, stages.log_mel
    _over_time(ax, stages, f"Log-mel {_shape(log_mel)}, cut into examples {_shape(stages.examples)}")
    ticks = np.linspace(0, params.num_mel_bins - 1, 5).round().astype(int)
    ax.set_yticks(ticks, [f"{tick} · {hertz_label(_peak_hertz(params)[tick])}" for tick in ticks])
    ax.set(ylim=(-0.5, params.num_mel_bins - 0.5), ylabel="mel bin · peak")
    if len(log_mel):
        columns, block = pool(log_mel, MOST_COLUMNS)
        label, vmin = f"ln(mel + {params.log_offset:g})", np.log(params.log_offset)
        vmax = max(float(columns.max()), vmin + 1.0)
        image(ax, columns, block * stages.frame_seconds, label=label, cmap="magma", vmin=vmin, vmax=vmax)
    if not len(stages.timestamps):
        return note(ax, _too_short("example", params.min_samples, stages))
    _draw_borders(ax, stages)


def draw_embedding(ax: "Axes", stages: Stages) -> None:
    """The embeddings, a column for each example: red is positive, blue negative."""
    rows = _rows(stages.embedding)
    if _over_examples(ax, stages, rows, f"Embedding {_shape(rows)}"):
        columns, block = pool_signed(rows, MOST_COLUMNS)
        limit = float(np.abs(columns).max()) or 1.0
        _image_of_examples(ax, stages, columns, block, label="value", cmap="RdBu_r", vmin=-limit, vmax=limit)


def draw_quantized(ax: "Axes", stages: Stages) -> None:
    """The quantized embeddings, a column for each example."""
    rows = _rows(stages.quantized)
    if _over_examples(ax, stages, rows, f"Quantized embedding {_shape(rows)}: 8 bits"):
        columns, block = pool(rows, MOST_COLUMNS)
        _image_of_examples(ax, stages, columns, block, label="uint8", cmap="viridis", vmin=0, vmax=255)


def draw_similarity(ax: "Axes", stages: Stages) -> None:
    """The cosine between the embeddings of every two times; stretches that the network hears alike are bright."""
    rows = _rows(stages.embedding)
    if _over_examples(ax, stages, rows, f"Self-similarity ({len(rows)}, {len(rows)}): cosine between embeddings"):
        sums, block = pool(rows, MOST_COLUMNS // 2, np.add)
        similarity = cosine_similarity(sums)
        place = {"bottom": stages.timestamps[0], "height": block * stages.example_seconds}
        vmin = min(0.0, float(similarity.min()))
        _image_of_examples(ax, stages, similarity, block, label="cosine", cmap="viridis", vmin=vmin, vmax=1.0, **place)
    time_axis(ax.yaxis, stages.seconds)
    ax.set_ylim(0, stages.seconds)


def _over_time(ax: "Axes", stages: Stages, title: str) -> None:
    ax.set_title(title)
    ax.set_xlim(0, stages.seconds)
    time_axis(ax.xaxis, stages.seconds)


def _over_examples(ax: "Axes", stages: Stages, rows: np.ndarray, title: str) -> bool:
    """Prepares axes for one column an example; False, and a note instead, when there is none."""
    _over_time(ax, stages, title)
    ax.set(ylim=(-0.5, rows.shape[1] - 0.5), ylabel="dimension")
    if not len(rows):
        note(ax, _too_short("example", stages.params.min_samples, stages))
    return bool(len(rows))


def _image_of_examples(ax: "Axes", stages: Stages, columns: np.ndarray, block: int, **style) -> None:
    image(ax, columns, block * stages.example_seconds, left=stages.timestamps[0], **style)


def _draw_borders(ax: "Axes", stages: Stages) -> None:
    """Lines at the starts and the last end; greys what follows. Too many lines become a note in the title."""
    starts, last_end = stages.timestamps, stages.timestamps[-1] + stages.params.example_window_seconds
    ax.axvspan(last_end, max(stages.seconds, last_end), color="0.6", alpha=0.7, linewidth=0)
    if len(starts) > MOST_BORDERS:
        ax.set_title(f"{ax.get_title(loc='left')} (borders not drawn)")
        return
    for time in (*starts, last_end):
        ax.axvline(time, color="white", linewidth=0.8, alpha=0.9)


def _rows(rows: np.ndarray | None) -> np.ndarray:
    if rows is None:
        raise VGGishError("nothing to draw: these stages hold None here. Compute them with weights first.")
    return rows


def _too_short(what: str, num_samples: int, stages: Stages) -> str:
    needed = f"one needs {num_samples:,} samples ({num_samples / stages.params.sample_rate:g} s)"
    return f"no {what}: {needed}, the clip has {len(stages.waveform):,}"


def _shape(array: np.ndarray) -> str:
    return f"({', '.join(map(str, array.shape))})"


def _peak_hertz(params: Params) -> np.ndarray:
    """The peak of every mel bin in Hz: hertz_to_mel, the other way."""
    return MEL_BREAK_FREQUENCY_HERTZ * np.expm1(params.mel_edges[1:-1] / MEL_HIGH_FREQUENCY_Q)


def _colours(count: int) -> np.ndarray:
    """One colour for each mel bin, (count, 4), low to high."""
    import matplotlib

    return matplotlib.colormaps["viridis"](np.linspace(0, 0.95, count))
