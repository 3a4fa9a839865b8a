"""Clips of classifiers: their embeddings with times, and their scores.

A file of any length is embedded in bounded memory, block by block.
"""

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from vggish_tf import audio
from vggish_tf.params import Params
from vggish_tf.progress import counted_blocks
from vggish_tf.rows import Embeddings

if TYPE_CHECKING:
    from vggish_tf.embedding import Embedder


class Classified(NamedTuple):
    """Scores of a clip and of its examples; each example is scored as if it were the whole clip."""

    seconds: float  # of the clip
    scores: np.ndarray  # (classes,)
    example_scores: np.ndarray  # (n, classes)
    times: np.ndarray  # (n, 2), the start and end of each example in seconds


class AudioClassifier(Protocol):
    """Interface of a classifier for audio files."""

    labels: list[str]
    params: Params
    untrained: bool

    def classify(self, path: str | os.PathLike[str]) -> Classified:
        """Scores a file of any rate, channel count and format."""


class EmbeddedClip(NamedTuple):
    """Embeddings of a clip, their times, and the lengths of the clip and of its sound."""

    embedding: np.ndarray  # (n, 128)
    times: np.ndarray  # (n, 2), as in Classified
    seconds: float  # of the clip
    num_sounding: int  # samples up to the last that is not zero


def embedded(embedder: "Embedder", path: str | os.PathLike[str]) -> EmbeddedClip:
    """Embeds a file; a SoundBar that is open counts its seconds.

    Raises:
        AudioError: as load_audio.
    """
    params = embedder.params
    stream = embedder.stream(params.sample_rate, name=str(path))
    blocks = audio.read_blocks(path, params.sample_rate)
    parts, num_samples, num_sounding = [], 0, 0
    for block in counted_blocks(blocks, params.sample_rate):
        parts.append(stream.push(block))
        if block.any():
            num_sounding = num_samples + int(np.flatnonzero(block)[-1]) + 1
        num_samples += len(block)
    parts.append(stream.finish())
    rows = Embeddings.of(np.concatenate([part.embedding for part in parts]), params)
    times = np.stack([rows.timestamps, rows.end_timestamps], axis=1)
    return EmbeddedClip(rows.embedding, times, num_samples / params.sample_rate, num_sounding)
