"""Clips as classifiers take and give them: embeddings with their times, and scores.

A file of any length is embedded in bounded memory, block by block.
"""

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from vggish_tf import audio
from vggish_tf.params import Params

if TYPE_CHECKING:
    from vggish_tf.embedding import Embedder


class Classified(NamedTuple):
    """Scores of a clip and of its examples, each example scored as if it were the whole clip."""

    seconds: float  # of the clip
    scores: np.ndarray  # (classes,)
    example_scores: np.ndarray  # (n, classes)
    times: np.ndarray  # (n, 2), the start and end of each example in seconds


class AudioClassifier(Protocol):
    """Interface of a classifier for audio files."""

    labels: list[str]
    params: Params

    def classify(self, path: str | os.PathLike[str]) -> Classified:
        """Scores a file of any rate, channel count and format."""


class Heard(NamedTuple):
    """Embeddings of a clip, their times, and how long it and its sound are."""

    embedding: np.ndarray  # (n, 128)
    times: np.ndarray  # (n, 2), as in Classified
    seconds: float  # of the clip
    num_sounding: int  # samples up to the last that is not zero


def hear(embedder: "Embedder", path: str | os.PathLike[str]) -> Heard:
    """Embeds a file.

    Raises:
        AudioError: the file is missing, not audio, cut short, empty or not finite.
    """
    params = embedder.params
    stream = embedder.stream(params.sample_rate, name=str(path))
    parts, num_samples, num_sounding = [], 0, 0
    for block in audio.read_blocks(path, params.sample_rate):
        parts.append(stream.push(block))
        if block.any():
            num_sounding = num_samples + int(np.flatnonzero(block)[-1]) + 1
        num_samples += len(block)
    embedding, starts = map(np.concatenate, zip(*parts, stream.finish(), strict=True))
    times = np.stack([starts, starts + params.example_window_seconds], axis=1)
    return Heard(embedding, times, num_samples / params.sample_rate, num_sounding)
