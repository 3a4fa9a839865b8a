"""Clips → splits, by file and class; and the weights of the classes in training."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.finetune.clips import Clip, quoted


def split(
    clips: list[Clip], *, validation: float, test: float, seed: int, multi_label: bool
) -> list[Clip]:
    """Returns the clips, each with a split, which is the same for all clips of a file.

    Splits from a CSV are kept. Without multi_label, each class is split separately, so that it is
    in every split.

    Raises:
        UsageError: `validation` and `test` are not shares of 1.
        VGGishError: a class has fewer files than there are splits, or is not in the training split.
    """
    if not (0 < validation < 1 and 0 <= test < 1 and validation + test < 1):
        raise UsageError(
            f"validation and test must be shares of 1; received {validation:g} and {test:g}."
        )
    if not clips[0].split:
        strata = _strata(clips, multi_label)
        needed = 3 if test else 2
        few = [f"{name!r} ({len(files)})" for name, files in strata.items() if len(files) < needed]
        if few:
            raise VGGishError(
                f"{needed} files of each class are needed, one for each split; too few: "
                f"{', '.join(few)}. Add files, remove these classes, or set the split of every "
                "clip in a CSV."
            )
        generator, splits = np.random.default_rng(seed), dict[str, str]()
        for files in strata.values():
            splits.update(_deal(files, validation, test, generator))
        clips = [replace(clip, split=splits[clip.file]) for clip in clips]
    _check_every_label_is_trained(clips)
    return clips


def _strata(clips: list[Clip], multi_label: bool) -> dict[str, list[str]]:
    """The files of each class, or with multi_label of all classes, in order, each file once."""
    strata: dict[str, dict[str, None]] = {}
    seen: set[str] = set()
    for clip in clips:
        if clip.file not in seen:  # a file with clips of several classes counts for its first
            strata.setdefault("all" if multi_label else clip.labels[0], {})[clip.file] = None
            seen.add(clip.file)
    return {name: list(files) for name, files in strata.items()}


def _deal(files: list[str], validation: float, test: float, generator) -> Iterator[tuple[str, str]]:
    counts = [max(1, round(share * len(files))) if share else 0 for share in (validation, test)]
    while sum(counts) >= len(files):  # one is left for training
        counts[counts.index(max(counts))] -= 1
    names = ["validation"] * counts[0] + ["test"] * counts[1]
    names += ["train"] * (len(files) - len(names))
    order = [files[place] for place in generator.permutation(len(files))]
    return zip(order, names, strict=True)


def _check_every_label_is_trained(clips: list[Clip]):
    trained = {label for clip in clips if clip.split == "train" for label in clip.labels}
    never = sorted({label for clip in clips for label in clip.labels} - trained)
    if never:
        advice = "Add some, or change the split or its seed."
        raise VGGishError(f"no training clip is labelled {quoted(never)}. {advice}")
    if all(clip.split != "validation" for clip in clips):
        missing = "no clip is in the split validation, which is needed to choose the best epoch"
        raise VGGishError(f"{missing}. Put some into it.")


def class_weights(clips: list[Clip], labels: Sequence[str]) -> dict[str, float]:
    """Weights that give all classes the same total: clips / (classes × clips of the class).

    Example:
        >>> from pathlib import Path
        >>> labels = ["cat", "cat", "dog"]
        >>> clips = [Clip(Path(f"{take}.wav"), (label,)) for take, label in enumerate(labels)]
        >>> class_weights(clips, ["cat", "dog"])
        {'cat': 0.75, 'dog': 1.5}
    """
    counts = Counter(label for clip in clips for label in clip.labels)
    total = counts.total()
    return {label: total / (len(labels) * counts[label]) for label in labels}
