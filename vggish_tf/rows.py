"""Embeddings: the rows of a clip and their times."""

from typing import NamedTuple

import numpy as np

from vggish_tf.errors import VGGishError


class _Rows(NamedTuple):
    embedding: np.ndarray
    timestamps: np.ndarray


class Embeddings(_Rows):
    """The rows of a clip, a tuple of two: `embedding` (n, 128) float32 (uint8 if quantized) and `timestamps` (n,)
    float64, the start of each example in seconds.

    Args:
        embedding, timestamps: as above.
        example_seconds: the length of an example, which `end_timestamps` needs; an Embedder says it.

    Example:
        >>> rows = Embeddings(np.zeros((2, 128), np.float32), np.array([0.0, 0.96]), example_seconds=0.96)
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
            VGGishError: the length of an example is not known, because nobody gave it.
        """
        if self.example_seconds is None:
            raise VGGishError("the length of an example is not known. Give it: Embeddings(…, example_seconds=0.96).")
        return self.timestamps + self.example_seconds

    def __repr__(self) -> str:
        timed = self.example_seconds is not None and len(self.timestamps)
        extent = f", {self.timestamps[0]:g} to {self.end_timestamps[-1]:g} s" if timed else ""
        return f"Embeddings({np.shape(self.embedding)} {np.asarray(self.embedding).dtype}{extent})"
