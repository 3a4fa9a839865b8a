"""dataset(): labelled clips in splits, as tf.data pipelines of waveforms or of cached values.

Clips are decoded and resampled in parallel, off the training thread.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from vggish_tf.errors import AudioError, check_argument, check_count, check_word
from vggish_tf.jobs.finetune import clips as tables
from vggish_tf.jobs.finetune import splits
from vggish_tf.jobs.finetune.clips import SPLITS, Clip, Split
from vggish_tf.jobs.finetune.reading import (
    THREADS,
    check_unreadable,
    in_parallel,
    lengths_of,
    read_clip,
)
from vggish_tf.params import Params

if TYPE_CHECKING:
    import tensorflow as tf


class Features(Protocol):
    """Cached values instead of waveforms: a function of a clip → (examples, *shape) float32."""

    shape: tuple[int, ...]

    def __call__(self, clip: Clip) -> np.ndarray: ...


@dataclass(frozen=True)
class Dataset:
    """Labelled clips in splits; `batches` is the tf.data.Dataset of one split.

    Args:
        clips: the clips that can be read.
        labels: the labels, in the order of the targets.
        multi_label: whether a clip may have any number of labels.
        params: front-end parameters.
        batch_size: clips in a batch.
        seed: the seed of the order of the training clips.
        weights: the weight of a clip of each label.
        skipped: the clips that cannot be read, each with its error.
        short: the clips too short for one example, which are filled with silence.
        ignored: the files of a folder that are no clips: not audio by their suffix, or in no class.
        features: a function to the cached values of a clip, from `cache.cached`; None is waveforms.
    """

    clips: Sequence[Clip]
    labels: Sequence[str]
    multi_label: bool
    params: Params
    batch_size: int
    seed: int
    weights: dict[str, float]
    skipped: Sequence[tuple[Clip, AudioError]] = ()
    short: Sequence[Clip] = ()
    ignored: Sequence[Path] = ()
    features: "Features | None" = None

    def of(self, split: Split) -> list[Clip]:
        """The clips of a split, in the order of their files.

        Raises:
            UsageError: the split is unknown.
        """
        check_word("split", split, SPLITS)
        return [clip for clip in self.clips if clip.split == split]

    def order(self, split: Split, epoch: int | None) -> list[Clip]:
        """The clips of a split, shuffled by the seed and the epoch; with None, in file order."""
        clips = self.of(split)
        return clips if epoch is None else [clips[place] for place in self._places(clips, epoch)]

    def _places(self, clips: Sequence[Clip], epoch: int) -> np.ndarray:
        """The shuffled order of the clips in an epoch."""
        return np.random.default_rng([self.seed, epoch]).permutation(len(clips))

    def targets(self, clips: Iterable[Clip]) -> np.ndarray:
        """Targets of clips, (clips, classes) float32: 1 if a clip has the label, otherwise 0."""
        return np.array(
            [[label in clip.labels for label in self.labels] for clip in clips], np.float32
        )

    def batches(self, split: Split, epoch: int | None = None) -> "tf.data.Dataset":
        """Batches of a split: waveforms, targets and weights.

        Their shapes are (batch, num_samples), (batch, classes) and (batch,). Shorter clips are
        filled with zeros. With cached features, a pair replaces the waveforms: the features
        (batch, examples, …), and a mask (batch, examples) bool, False for padding.

        Args:
            split: "train", "validation" or "test".
            epoch: the number of the first pass over the batches, which determines the order of the
                clips; each further pass is the next epoch. None is the order of the files.

        Raises:
            UsageError: the split is unknown, or the epoch is not a whole number from 0.
        """
        if epoch is None:
            return self.pipeline(split, self.values)
        check_count("epoch", epoch, least=0)
        return self.pipeline(split, self.values, itertools.count(epoch))

    def pipeline(
        self, split: Split, read: Callable[[Clip], np.ndarray], epochs: Iterator[int] | None = None
    ) -> "tf.data.Dataset":
        """Batches of a split, read by a function.

        Args:
            split: as for `batches`.
            read: `values`, or a ClipReader of it.
            epochs: numbers of epochs; each pass over the batches takes the next number, and has the
                order of that epoch. None is the order of the files.
        """
        import tensorflow as tf

        clips = self.of(split)
        targets = self.targets(clips)
        weights = np.array([self._weight(clip) for clip in clips], np.float32)

        def element(place):
            values = tf.numpy_function(lambda place: read(clips[place]), [place], tf.float32)
            if self.features is None:
                inputs = tf.ensure_shape(values, (None,))
            else:
                values = tf.ensure_shape(values, (None, *self.features.shape))
                inputs = values, tf.ones(tf.shape(values)[:1], tf.bool)
            return inputs, tf.gather(targets, place), tf.gather(weights, place)

        places = self._passes(clips, epochs)
        elements = places.map(element, num_parallel_calls=THREADS, deterministic=True)
        return elements.padded_batch(self.batch_size).prefetch(2)

    def _passes(self, clips: Sequence[Clip], epochs: Iterator[int] | None) -> "tf.data.Dataset":
        """Places of the clips; each pass has the order of the next epoch."""
        import tensorflow as tf

        if epochs is None:
            return tf.data.Dataset.range(len(clips))

        def one_pass(_):
            places = tf.numpy_function(lambda: self._places(clips, next(epochs)), [], tf.int64)
            return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(places, (len(clips),)))

        places = tf.data.Dataset.from_tensors(0).flat_map(one_pass)
        return places.apply(tf.data.experimental.assert_cardinality(len(clips)))

    def values(self, clip: Clip) -> np.ndarray:
        """The cached values of a clip, or its waveform if there is no cache."""
        if self.features is not None:
            return self.features(clip)
        return read_clip(clip, self.params.sample_rate)

    def waveforms(self, clips: Iterable[Clip]) -> Iterator[np.ndarray]:
        """The waveform of each clip, (num_samples,); threads decode the next ones.

        Raises:
            AudioError: a file can no longer be read.
        """
        return in_parallel(partial(read_clip, sample_rate=self.params.sample_rate), clips)

    def _weight(self, clip: Clip) -> float:
        return (
            float(np.mean([self.weights[label] for label in clip.labels])) if clip.labels else 1.0
        )


def dataset(
    source: str | os.PathLike[str],
    *,
    labels: Sequence[str] | None = None,
    multi_label: bool = False,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    batch_size: int = 16,
    class_weight: Literal["balanced"] | None = "balanced",
    params: Params | None = None,
    max_unreadable: float = 0.1,
) -> Dataset:
    """Finds labelled clips, decodes each once to check it, and splits them by file.

    Args:
        source: a folder with a subfolder for each class, or a CSV with the columns path, label and,
            optionally, start, end (seconds) and split ("train", "validation", "test"). Paths are
            relative to the CSV; "a;b" is two labels.
        labels: all labels, in the order of the targets; None takes the labels of the clips, sorted.
        multi_label: whether clips may have any number of labels.
        validation, test: the shares of these splits, if the CSV does not give the splits. test=0
            makes no test split.
        seed: the seed of the splits and of the training order.
        batch_size: clips in a batch.
        class_weight: "balanced" gives all classes the same total weight; None gives all clips the
            same weight.
        params: front-end parameters; None is the published ones.
        max_unreadable: the share of clips that may be unreadable; they are left out and listed in
            `skipped`.

    Raises:
        UsageError: a word is unknown, or a number is out of range.
        VGGishError: there are no clips, a class has too few files, a label is outside the set, or
            too many clips are unreadable.

    Example:
        >>> import pathlib, soundfile, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cat", "dog"):
        ...     (folder / name).mkdir()
        ...     for take in range(3):
        ...         soundfile.write(folder / name / f"{take}.wav", np.full(16_000, 0.1), 16_000)
        >>> data = dataset(folder, batch_size=2)
        >>> data.labels, [len(data.of(split)) for split in ("train", "validation", "test")]
        (['cat', 'dog'], [2, 2, 2])
        >>> waveforms, targets, weights = next(iter(data.batches("train", epoch=0)))
        >>> waveforms.shape, targets.shape
        (TensorShape([2, 16000]), TensorShape([2, 2]))
    """
    check_word("class_weight", class_weight, ("balanced", None))
    check_count("batch_size", batch_size)
    check_count("seed", seed, least=0)
    check_argument("max_unreadable", max_unreadable, 0 <= max_unreadable <= 1, "from 0 to 1")
    params = params or Params()
    found = tables.find(source)
    deal = partial(
        splits.split, validation=validation, test=test, seed=seed, multi_label=multi_label
    )
    names = tables.label_set(found, labels, multi_label=multi_label)
    deal(found)  # so that errors are raised before the long work
    lengths = dict(zip(found, lengths_of(found, params.sample_rate), strict=True))
    skipped = [(clip, length) for clip, length in lengths.items() if isinstance(length, AudioError)]
    check_unreadable(skipped, len(found), max_unreadable)
    samples = {
        clip: length for clip, length in lengths.items() if not isinstance(length, AudioError)
    }
    split = deal([clip for clip in found if clip in samples])
    train = [clip for clip in split if clip.split == "train"]
    return Dataset(
        clips=split,
        labels=names,
        multi_label=multi_label,
        params=params,
        batch_size=batch_size,
        seed=seed,
        weights=splits.class_weights(train, names) if class_weight else dict.fromkeys(names, 1.0),
        skipped=skipped,
        short=[clip for clip, length in samples.items() if length < params.min_samples],
        ignored=tables.ignored(source, found),
    )
