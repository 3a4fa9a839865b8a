"""Results for one clip, as NumPy arrays: Embeddings, and Stages, the clip at every stage.

No Keras here.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from vggish_tf.errors import VGGishError
from vggish_tf.params import Params


class _Rows(NamedTuple):
    embedding: np.ndarray
    timestamps: np.ndarray


class Embeddings(_Rows):
    """Embeddings of a clip and their times: a tuple of two arrays, one row an example.

    Args:
        embedding: (n, 128) float32, or uint8 if quantized.
        timestamps: (n,) float64, the start of each example in seconds.
        example_seconds: the length of an example, for `end_timestamps`; set by an Embedder.

    Example:
        >>> embedding = np.zeros((2, 128), np.float32)
        >>> rows = Embeddings(embedding, np.array([0.0, 0.96]), example_seconds=0.96)
        >>> rows
        Embeddings((2, 128) float32, 0 to 1.92 s)
        >>> embedding, timestamps = rows
        >>> rows.end_timestamps
        array([0.96, 1.92])
    """

    example_seconds: float | None = None

    def __new__(cls, embedding, timestamps, example_seconds: float | None = None):
        rows = super().__new__(cls, embedding, timestamps)
        rows.example_seconds = example_seconds
        return rows

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

    def __repr__(self) -> str:
        timed = self.example_seconds is not None and len(self.timestamps)
        extent = f", {self.timestamps[0]:g} to {self.end_timestamps[-1]:g} s" if timed else ""
        return f"Embeddings({np.shape(self.embedding)} {np.asarray(self.embedding).dtype}{extent})"


class ClipRows(NamedTuple):
    """The rows of one clip in an archive: where it came from, where each row starts and ends."""

    path: str
    start: np.ndarray  # (n,) float64, seconds
    end: np.ndarray  # (n,) float64, seconds
    embedding: np.ndarray  # (n, size) float32 or uint8

    @classmethod
    def of(cls, path: str, embeddings: Embeddings, offset: float = 0.0) -> "ClipRows":
        """The rows of what an Embedder returned for a clip that starts at `offset` seconds."""
        starts, ends = embeddings.timestamps, embeddings.end_timestamps
        return cls(path, starts + offset, ends + offset, embeddings.embedding)


class Archive(NamedTuple):
    """Embeddings of many clips, read one clip after the other, and their provenance."""

    clips: Iterable[ClipRows]
    provenance: dict


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

    @property
    def seconds(self) -> float:
        """The end of the time axes: that of the waveform, or of the last example if later."""
        ends = self.timestamps[-1:] + self.params.example_window_seconds
        return max(len(self.waveform) / self.params.sample_rate, *map(float, ends), 0.0) or 1.0

    @property
    def frame_seconds(self) -> float:
        """Time from one STFT frame to the next, from the whole number of samples."""
        return self.params.hop_length / self.params.sample_rate

    @property
    def example_seconds(self) -> float:
        """Time from one example to the next, likewise."""
        return self.params.example_hop_frames * self.frame_seconds
