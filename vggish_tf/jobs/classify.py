"""Runs a saved classifier on audio files: scores of each clip, and of each example with its times.

Files of any length are embedded in bounded memory, example by example; only the head runs on the
whole clip.
"""

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from vggish_tf import audio
from vggish_tf.classifier import PAD, back, labels_of, network
from vggish_tf.embedding import Embedder
from vggish_tf.errors import AudioError, check_count, counted
from vggish_tf.files import check_target, replacing
from vggish_tf.model import load_model, parts_of
from vggish_tf.network import heads


class Classified(NamedTuple):
    """Scores of a clip and of its examples, each example scored as if it were the whole clip."""

    seconds: float  # of the clip
    scores: np.ndarray  # (classes,)
    example_scores: np.ndarray  # (n, classes)
    times: np.ndarray  # (n, 2), the start and end of each example in seconds


class Classifier:
    """A saved classifier for audio files.

    Args:
        model: a `.keras` file of `vggish-tf finetune`, or a model of finetune.classifier.

    Raises:
        CheckpointError: the file cannot be loaded.
        VGGishError: it is not a classifier.

    Example:
        >>> from vggish_tf.jobs import finetune
        >>> pets = Classifier(finetune.classifier(2, weights=None, labels=["cat", "dog"]))
        >>> pets.labels
        ['cat', 'dog']
    """

    def __init__(self, model: keras.Model | str | os.PathLike[str]):
        model = model if isinstance(model, keras.Model) else load_model(model)
        self.labels = labels_of(model)
        self.params = parts_of(model).params
        self._embedder = Embedder(network(model), params=self.params, pad=PAD)
        self._head = back(model, "embedding")

    def classify(self, path: str | os.PathLike[str]) -> Classified:
        """Scores a file of any rate, channel count and format.

        The scores of the clip are the model's for the whole waveform; if it scores only examples
        (pool=None), their mean.

        Raises:
            AudioError: the file is missing, not audio, cut short, empty or not finite.
        """
        embedding, starts, num_samples, sounding = self._embed(path)
        whole = self._score(embedding[np.newaxis, :sounding])
        each = self._score(embedding[:, np.newaxis])
        times = np.stack([starts, starts + self.params.example_window_seconds], axis=1)
        return Classified(num_samples / self.params.sample_rate, whole[0], each, times)

    def _embed(self, path):
        """Embeddings, their starts, the number of samples, and of examples without padding."""
        stream = self._embedder.stream(self.params.sample_rate, name=str(path))
        parts, num_samples, end = [], 0, 0
        for block in audio.read_blocks(path, self.params.sample_rate):
            parts.append(stream.push(block))
            if block.any():
                end = num_samples + int(np.flatnonzero(block)[-1]) + 1
            num_samples += len(block)
        embedding, starts = map(np.concatenate, zip(*parts, stream.finish(), strict=True))
        sounding = max(1, heads.count_clip_examples(end, self.params, PAD))
        return embedding, starts, num_samples, sounding

    def _score(self, embedding: np.ndarray) -> np.ndarray:
        """(clips, examples, 128) → (clips, classes)."""
        scores = self._head([embedding, np.ones(embedding.shape[:2], bool)], training=False)
        scores = np.asarray(keras.ops.convert_to_numpy(scores))
        return scores.mean(axis=1) if scores.ndim == 3 else scores


def classify_files(
    classifier: Classifier,
    files: Sequence[str | os.PathLike[str]],
    *,
    top: int = 3,
    whole: bool = False,
    output: str | os.PathLike[str] | None = None,
) -> None:
    """Prints the highest scores of files, clip by clip and example by example.

    Bad files are reported and left out.

    Args:
        top: number of scores in a line.
        whole: leave out the examples.
        output: a CSV for all scores, with the columns file, part ("clip" or "example"), start, end
            and the labels.

    Raises:
        AudioError: some files could not be read; the others were classified before.
        UsageError: `top` is under 1, or the output is not named .csv; nothing was done.
        VGGishError: the output cannot be written; nothing was done.
    """
    check_count("top", top)
    if output is not None:
        check_target(output, endings=(".csv",))
    rows, failures = [], 0
    with tqdm(files, unit="file", disable=None, leave=False) as bar:
        for path in bar:
            try:
                result = classifier.classify(path)
            except AudioError as error:
                failures += 1
                bar.write(str(error), file=sys.stderr)
                continue
            bar.write("\n".join(_lines(path, result, classifier.labels, top, whole)))
            rows += _rows(path, result)
    if output is not None:
        _write(Path(output), classifier.labels, rows)
    if failures:
        raise AudioError(f"{failures} of {counted(len(files), 'file')} could not be classified.")


def _lines(path, result: Classified, labels: Sequence[str], top: int, whole: bool):
    yield f"{path}  {result.seconds:.2f} s"
    yield f"  {'whole clip':>20}  {_best(result.scores, labels, top)}"
    for (start, end), scores in zip(result.times, result.example_scores, strict=True):
        if not whole:
            yield f"  {f'{start:.2f} - {end:.2f} s':>20}  {_best(scores, labels, top)}"


def _best(scores: np.ndarray, labels: Sequence[str], top: int) -> str:
    best = np.argsort(-scores, kind="stable")[:top]
    return "  ".join(f"{labels[place]} {scores[place]:.3f}" for place in best)


def _rows(path, result: Classified):
    yield [path, "clip", 0.0, round(result.seconds, 6), *result.scores]
    for times, scores in zip(result.times, result.example_scores, strict=True):
        yield [path, "example", *times.round(6), *scores]


def _write(output: Path, labels: Sequence[str], rows):
    with replacing(output) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "part", "start", "end", *labels])
        writer.writerows(rows)
