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
    """Cached values in the place of clips: a function of a clip → (examples, *shape) float32."""

    shape: tuple[int, ...]

    def __call__(self, clip: Clip) -> np.ndarray: ...


@dataclass(frozen=True)
class Dataset:
    """Labelled clips in splits; `batches` is the tf.data.Dataset of one split.

    Args:
        clips: the clips that can be read.
        labels: in the order of the targets.
        multi_label: whether a clip has any number of labels.
        params: of the front end.
        batch_size: clips in a batch.
        seed: of the order of the training clips.
        weights: how much a clip of each label counts.
        skipped: the clips that cannot be read, and why.
        short: the clips under one example, which are filled with silence.
        ignored: the files of a folder that are no clips: not audio by their suffix, or in no class.
        features: the cached values of a clip, as `cache.cached` sets them; None for waveforms.
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
            UsageError: another split.
        """
        check_word("split", split, SPLITS)
        return [clip for clip in self.clips if clip.split == split]

    def order(self, split: Split, epoch: int | None) -> list[Clip]:
        """The clips of a split, shuffled by seed and epoch alone, or with None in file order."""
        clips = self.of(split)
        return clips if epoch is None else [clips[place] for place in self._places(clips, epoch)]

    def _places(self, clips: Sequence[Clip], epoch: int) -> np.ndarray:
        """Places of the clips as shuffled in an epoch."""
        return np.random.default_rng([self.seed, epoch]).permutation(len(clips))

    def targets(self, clips: Iterable[Clip]) -> np.ndarray:
        """Targets of clips, (clips, classes) float32: 1 where a clip has the label."""
        return np.array(
            [[label in clip.labels for label in self.labels] for clip in clips], np.float32
        )

    def batches(self, split: Split, epoch: int | None = None) -> "tf.data.Dataset":
        """Batches of a split: waveforms (batch, num_samples), targets (batch, classes) and weights
        (batch,).

        Shorter clips are filled with zeros. With cached features a pair takes the place of the
        waveforms: the features (batch, examples, …), and (batch, examples) bool, False for filling.

        Args:
            split: "train", "validation" or "test".
            epoch: number of the first pass over the batches, which shuffles the clips; each pass
                after it is one epoch further. None for the order of the files.

        Raises:
            UsageError: another split, or an epoch that is no whole number from 0.
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
            epochs: numbers of epochs; each pass over the batches takes the next one and has its
                order. None for the order of the files.
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
        """Places of the clips, shuffled at each pass as in the next epoch."""
        import tensorflow as tf

        if epochs is None:
            return tf.data.Dataset.range(len(clips))

        def one_pass(_):
            places = tf.numpy_function(lambda: self._places(clips, next(epochs)), [], tf.int64)
            return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(places, (len(clips),)))

        places = tf.data.Dataset.from_tensors(0).flat_map(one_pass)
        return places.apply(tf.data.experimental.assert_cardinality(len(clips)))

    def values(self, clip: Clip) -> np.ndarray:
        """Cached values of a clip, or else its waveform."""
        if self.features is not None:
            return self.features(clip)
        return read_clip(clip, self.params.sample_rate)

    def waveforms(self, clips: Iterable[Clip]) -> Iterator[np.ndarray]:
        """Waveform of each clip, (num_samples,), decoded ahead in parallel.

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
        source: a folder with one subfolder a class, or a CSV with the columns path, label and, if
            wanted, start, end (seconds) and split ("train", "validation", "test"). Paths are
            relative to the CSV; "a;b" is two labels.
        labels: all the labels, in the order of the targets; None takes those that are there,
            sorted.
        multi_label: clips may have any number of labels.
        validation, test: the shares of these splits, if no CSV says them. test=0 makes none.
        seed: of the splits and of the training order.
        batch_size: clips in a batch.
        class_weight: "balanced" makes all classes count the same, whatever their number of clips;
            None all clips.
        params: of the front end, instead of the published ones.
        max_unreadable: the share of clips that may be unreadable; they are left out and listed in
            `skipped`.

    Raises:
        UsageError: an unknown word, or a number that is out of range.
        VGGishError: no clips, a class with too few files, a label outside the set, too many
            unreadable clips.

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
    deal(found)  # the same words before the long work as after it
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
