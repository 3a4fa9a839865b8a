"""Results for one clip, as NumPy arrays: Embeddings, and Stages, the clip at every stage.

How rows are pooled and dequantized is here too. No Keras here.
"""

from collections.abc import Iterable
from functools import cache
from typing import Literal, NamedTuple, get_args

import numpy as np

from vggish_tf import notebooks
from vggish_tf.errors import VGGishError
from vggish_tf.params import (
    QUANTIZE_MAX_VAL,
    QUANTIZE_MIN_VAL,
    QUANTIZE_SCALE,
    Params,
)

Convention = Literal["edge", "youtube8m"]
Pool = Literal["mean", "max", "mean+std"]
Rounding = Literal["float16", "bytes"] | None
UNTRAINED = (
    "these weights are untrained: the embeddings show that the pipeline runs, "
    "and mean nothing else."
)
MEANINGLESS = "UNTRAINED WEIGHTS: these embeddings mean nothing."
POOLS = {
    "mean": lambda rows: rows.mean(axis=0),
    "max": lambda rows: rows.max(axis=0),
    "mean+std": lambda rows: np.concatenate([rows.mean(axis=0), rows.std(axis=0)]),
}
assert set(POOLS) == set(get_args(Pool))


class _Rows(NamedTuple):
    embedding: np.ndarray
    timestamps: np.ndarray


class Embeddings(_Rows):
    """Embeddings of a clip and their times: a tuple of two arrays, one row an example.

    Args:
        embedding: (n, 128) float32, or uint8 if quantized.
        timestamps: (n,) float64, the start of each example in seconds.
        example_seconds: the length of an example, for `end_timestamps`; an Embedder sets it.
        untrained: whether the weights were untrained; an Embedder sets it.

    Example:
        >>> embedding = np.zeros((2, 128), np.float32)
        >>> rows = Embeddings(embedding, np.array([0.0, 0.96]), example_seconds=0.96)
        >>> rows
        Embeddings((2, 128) float32, 0 to 1.92 s, one every 0.96 s)
        >>> embedding, timestamps = rows
        >>> rows.end_timestamps
        array([0.96, 1.92])
    """

    example_seconds: float | None = None
    untrained = False

    def __new__(
        cls, embedding, timestamps, example_seconds: float | None = None, untrained: bool = False
    ):
        rows = super().__new__(cls, embedding, timestamps)
        rows.example_seconds, rows.untrained = example_seconds, untrained
        return rows

    @classmethod
    def of(
        cls, embedding: np.ndarray, params: Params, first: int = 0, *, untrained: bool = False
    ) -> "Embeddings":
        """Embeddings of consecutive examples of a clip; `first` is the number of the first one."""
        starts = first + np.arange(len(embedding))
        hop = params.example_hop_samples / params.sample_rate
        length = params.example_samples / params.sample_rate
        return cls(embedding, starts * hop, length, untrained)

    def _replace(self, **arrays) -> "Embeddings":
        """A copy with other arrays; the method of NamedTuple would lose the other attributes."""
        return Embeddings(*super()._replace(**arrays), self.example_seconds, self.untrained)

    @property
    def end_timestamps(self) -> np.ndarray:
        """The end of each example in seconds, (n,) float64.

        Raises:
            VGGishError: `example_seconds` was not given.
        """
        if self.example_seconds is None:
            raise VGGishError(
                "the length of an example is not known. Give it: Embeddings(…, "
                "example_seconds=0.96)."
            )
        return self.timestamps + self.example_seconds

    @property
    def _facts(self) -> dict[str, str]:
        facts = {"rows": _shape(self.embedding)}
        starts = np.ravel([] if self.timestamps is None else self.timestamps)
        if len(starts):
            ends = None if self.example_seconds is None else starts + self.example_seconds
            facts["time"] = _extent(starts, ends)
        hops = np.diff(starts)
        if len(hops) and np.allclose(hops, hops[0]):
            facts["hop"] = f"one every {hops[0]:g} s"
        return facts

    def __repr__(self) -> str:
        facts = [*self._facts.values(), *(["UNTRAINED"] if self.untrained else [])]
        return f"Embeddings({', '.join(facts)})"

    def _repr_html_(self) -> str:
        return notebooks.table("Embeddings", self._facts, MEANINGLESS if self.untrained else "")


class ClipRows(NamedTuple):
    """The rows of one clip in an archive: its path, and the start and end of each row."""

    path: str
    start: np.ndarray  # (n,) float64, seconds
    end: np.ndarray  # (n,) float64, seconds
    embedding: np.ndarray  # (n, size) float32 or uint8
    labels: np.ndarray | None = None  # (k,) int64, of a clip from a labelled dataset

    @classmethod
    def of(cls, path: str, embeddings: Embeddings, offset: float = 0.0) -> "ClipRows":
        """The rows that an Embedder returned for a clip that starts at `offset` seconds."""
        starts, ends = embeddings.timestamps, embeddings.end_timestamps
        return cls(path, starts + offset, ends + offset, embeddings.embedding)

    def pooled(self, pool: Pool | None) -> "ClipRows":
        """The clip as one float32 row; unchanged if `pool` is None or there are no rows."""
        if pool is None or not len(self.start):
            return self
        row = POOLS[pool](self.embedding)[np.newaxis].astype(np.float32)
        return self._replace(start=self.start[:1], end=self.end[-1:], embedding=row)

    def __repr__(self) -> str:
        times = f", {_extent(self.start, self.end)}" if len(self.start) else ""
        return f"ClipRows({self.path!r}, {_shape(self.embedding)}{times})"


class Archive(NamedTuple):
    """Embeddings of many clips, read one clip after the other, and their provenance."""

    clips: Iterable[ClipRows]
    provenance: dict


@cache
def byte_values(convention: Convention) -> np.ndarray:
    """The float32 value of each byte of quantized rows, (256,); dequantize() explains both.

    Example:
        >>> [float(byte_values("edge")[byte]) for byte in (0, 255)]
        [-2.0, 2.0]
    """
    edges = (np.arange(256) / QUANTIZE_SCALE + QUANTIZE_MIN_VAL).astype(np.float32)
    if convention == "youtube8m":
        offset = (QUANTIZE_MAX_VAL - QUANTIZE_MIN_VAL) / 512
        return (np.arange(256) / QUANTIZE_SCALE + offset + QUANTIZE_MIN_VAL).astype(np.float32)
    # float32 rounds some edges down; these would be quantized to the byte before
    again = ((edges.astype(np.float64) - QUANTIZE_MIN_VAL) * QUANTIZE_SCALE).astype(np.uint8)
    return np.where(again < np.arange(256), np.nextafter(edges, np.float32(np.inf)), edges)


def rounded(rows: np.ndarray, rounding: Rounding) -> np.ndarray:
    """Rows as another program would round them; dtype and shape are kept.

    Args:
        rows: (n, size) float32.
        rounding: None; "float16"; or "bytes": whitened rows as whole numbers from 0 to 255, to the
            nearest, where the published post-processing truncates.

    Example:
        >>> rounded(np.array([[-3.0, 0.0, 0.1]], np.float32), "bytes")
        array([[  0., 128., 134.]], dtype=float32)
    """
    if rounding == "float16":
        return rows.astype(np.float16).astype(np.float32)
    if rounding == "bytes":
        clipped = np.clip(rows, QUANTIZE_MIN_VAL, QUANTIZE_MAX_VAL)
        return np.round((clipped - QUANTIZE_MIN_VAL) * QUANTIZE_SCALE).astype(np.float32)
    return rows


class Stages(NamedTuple):
    """One clip at every stage, as NumPy arrays; `embedding` and `quantized` may be None."""

    waveform: np.ndarray  # (num_samples,) float32, at params.sample_rate
    stft_magnitude: np.ndarray  # (frames, FFT bins)
    mel_matrix: np.ndarray  # (FFT bins, mel bins)
    log_mel: np.ndarray  # (frames, mel bins)
    examples: np.ndarray  # (n, 96, 64)
    embedding: np.ndarray | None  # (n, 128) float32
    quantized: np.ndarray | None  # (n, 128) uint8
    timestamps: np.ndarray  # (n,) the start of each example in seconds
    params: Params
    untrained: bool = False  # the weights behind `embedding` and `quantized`: they mean nothing

    @property
    def seconds(self) -> float:
        """The end of the time axes: of the waveform, or of the last example if that is later.

        An empty clip has one second.
        """
        ends = self.timestamps[-1:] + self.example_seconds
        return max(len(self.waveform) / self.params.sample_rate, *map(float, ends), 0.0) or 1.0

    @property
    def frame_seconds(self) -> float:
        """Time from one STFT frame to the next: a whole number of samples, in seconds."""
        return self.params.hop_length / self.params.sample_rate

    @property
    def example_seconds(self) -> float:
        """Time from the start of an example to its end: a whole number of frames, in seconds."""
        return self.params.example_samples / self.params.sample_rate

    @property
    def example_hop_seconds(self) -> float:
        """Time from one example to the next: a whole number of frames, in seconds."""
        return self.params.example_hop_frames * self.frame_seconds

    def __repr__(self) -> str:
        arrays = ((name, each) for name, each in self._asdict().items() if np.ndim(each))
        facts = [f"{name} {np.shape(each)}" for name, each in arrays]
        return f"Stages({', '.join(facts + ['UNTRAINED'] * self.untrained)})"


def _shape(array: np.ndarray) -> str:
    return f"{np.shape(array)} {np.asarray(array).dtype}"


def _extent(starts: np.ndarray, ends: np.ndarray | None) -> str:
    """The seconds that rows cover; without `ends`, the seconds at which they start."""
    if ends is None:
        return f"starts from {starts[0]:g} to {starts[-1]:g} s"
    return f"{starts[0]:g} to {ends[-1]:g} s"
