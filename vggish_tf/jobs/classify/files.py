"""The scores of many files: printed, the highest first, and all of them as a CSV."""

import csv
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vggish_tf import audio
from vggish_tf.errors import AudioError, check_count, counted
from vggish_tf.files import check_target, replacing_text
from vggish_tf.jobs.classify.clips import AudioClassifier, Classified
from vggish_tf.progress import SoundBar, show


def classify_files(
    classifier: AudioClassifier,
    files: Sequence[str | os.PathLike[str]],
    *,
    top: int = 3,
    whole: bool = False,
    output: str | os.PathLike[str] | None = None,
    report: Callable[[str, Classified | AudioError], object] = lambda path, result: None,
) -> None:
    """Prints the highest scores of files, clip by clip and example by example.

    Bad files are reported and left out.

    Args:
        classifier: a Classifier, a NearestPrototype, or one of your own.
        files: audio files of any rate, channel count and format.
        top: the number of scores in a line.
        whole: whether to print the scores of whole clips only.
        output: a CSV for all scores, with the columns file, part ("clip" or "example"), start, end
            and the labels.
        report: called with each file and its scores, or the error that it has instead.

    Raises:
        AudioError: some files could not be read; all others were classified.
        UsageError: `top` is under 1, or the output is not named .csv; nothing was done.
        VGGishError: the output cannot be written; nothing was done.
    """
    check_count("top", top)
    if output is not None:
        check_target(output, endings=(".csv",))
    rows, failures = [], 0
    with SoundBar(lambda: audio.total_seconds([(path, 0.0, None) for path in files])):
        for path in files:
            result = _classified(classifier, path)
            report(os.fspath(path), result)
            if isinstance(result, AudioError):
                failures += 1
                show(str(result), sys.stderr)
                continue
            show("\n".join(_lines(path, result, classifier.labels, top, whole)), sys.stdout)
            rows += _rows(path, result)
    if output is not None:
        _write(Path(output), classifier.labels, rows)
    if failures:
        raise AudioError(f"{failures} of {counted(len(files), 'file')} could not be classified.")


def _classified(classifier: AudioClassifier, path) -> Classified | AudioError:
    try:
        return classifier.classify(path)
    except AudioError as error:
        return error


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
    with replacing_text(output) as file:
        writer = csv.writer(file)
        writer.writerow(["file", "part", "start", "end", *labels])
        writer.writerows(rows)
