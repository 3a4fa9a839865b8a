"""dataset(): labelled clips as tf.data pipelines, decoded and resampled in parallel off the
training thread.
"""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from tqdm import tqdm

from vggish_tf import audio
from vggish_tf.errors import (
    AudioError,
    VGGishError,
    check_argument,
    check_count,
    check_word,
    counted,
    hold_warnings,
    release_warnings,
)
from vggish_tf.jobs.finetune import clips as tables
from vggish_tf.jobs.finetune.clips import SPLITS, Clip, Split
from vggish_tf.params import Params

if TYPE_CHECKING:
    import tensorflow as tf

THREADS = os.cpu_count() or 1
LISTED = 10  # bad clips that a message names before it only counts them


class Features(Protocol):
    """Cached values in the place of clips: a function of a clip → (examples, *shape) float32."""

    shape: tuple[int, ...]

    def __call__(self, clip: Clip) -> np.ndarray: ...


@dataclass(frozen=True)
class Dataset:
    """Labelled clips in splits; `batches` is the tf.data.Dataset of one split.

    Args:
        clips: all that can be read.
        labels: in the order of the targets.
        multi_label: whether a clip has any number of labels.
        params: of the front end.
        batch_size: clips in a batch.
        seed: of the order of the training clips.
        weights: how much a clip of each label counts.
        skipped: the clips that cannot be read, and why.
        short: the clips under one example, which are filled with silence.
        ignored: the files of a folder that are no clips: not audio by their suffix, or in no class.
        features: the values in a clip's place, as `cache.cached` sets them; None: its waveform.
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
    failures: list[Exception] = field(default_factory=list, compare=False)

    def of(self, split: Split) -> list[Clip]:
        """The clips of a split, in the order of their files.

        Raises:
            UsageError: another split.
        """
        check_word("split", split, SPLITS)
        return [clip for clip in self.clips if clip.split == split]

    def order(self, split: Split, epoch: int | None) -> list[Clip]:
        """The clips of a split in the order of an epoch, which follows from seed and epoch alone;
        None: of files.
        """
        clips = self.of(split)
        if epoch is None:
            return clips
        return [
            clips[place]
            for place in np.random.default_rng([self.seed, epoch]).permutation(len(clips))
        ]

    def targets(self, clips: Iterable[Clip]) -> np.ndarray:
        """(clips, classes) float32, 1 where a clip has the label."""
        return np.array(
            [[label in clip.labels for label in self.labels] for clip in clips], np.float32
        )

    def batches(
        self, split: Split, epoch: int | Callable[[], int] | None = None
    ) -> "tf.data.Dataset":
        """Batches of (waveforms, targets, weights): (batch, num_samples), zero-filled; (batch,
        classes); (batch,).

        With cached features there is, instead of the waveforms, a pair: (batch, examples, …),
        zero-filled, and (batch, examples) bool, which of them count.

        Args:
            split: "train", "validation" or "test".
            epoch: None gives the order of the files; a number shuffles, and each pass over the
                result is one epoch further; a function is asked for the number at the start of each
                pass.

        Raises:
            UsageError: another split.
        """
        if isinstance(epoch, int):
            epoch = itertools.count(epoch).__next__
        elements = self._elements(lambda: self.order(split, epoch and epoch()), self.of(split))
        return elements.padded_batch(self.batch_size).prefetch(2)

    def waveforms(self, clips: Sequence[Clip]) -> Iterator[np.ndarray]:
        """The waveform of each clip, (num_samples,), decoded ahead in parallel."""
        plain = replace(self, features=None)
        return (
            waveform for waveform, *_ in plain._elements(lambda: clips, clips).as_numpy_iterator()
        )

    def _elements(
        self, order: Callable[[], Sequence[Clip]], clips: Sequence[Clip]
    ) -> "tf.data.Dataset":
        """Clip after clip; `order` is asked at the start of every pass for the order of `clips`."""
        import tensorflow as tf

        places = {clip: place for place, clip in enumerate(clips)}
        targets, weights = (
            self.targets(clips),
            np.array([self._weight(clip) for clip in clips], np.float32),
        )

        def pass_over(_):
            indices = tf.numpy_function(
                lambda: np.array([places[clip] for clip in order()], np.int32), [], tf.int32
            )
            return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(indices, (len(clips),)))

        def element(place):
            values = tf.numpy_function(
                lambda place: self._values(clips[place]), [place], tf.float32
            )
            values.set_shape((None,) if self.features is None else (None, *self.features.shape))
            inputs = (
                values
                if self.features is None
                else (values, tf.ones(tf.shape(values)[:1], tf.bool))
            )
            return inputs, tf.gather(targets, place), tf.gather(weights, place)

        indices = tf.data.Dataset.from_tensors(0).flat_map(pass_over)
        elements = indices.map(element, num_parallel_calls=THREADS, deterministic=True)
        return elements.apply(tf.data.experimental.assert_cardinality(len(clips)))

    def _values(self, clip: Clip) -> np.ndarray:
        """The values of a clip's element; an error is kept, since TensorFlow hands on no more than
        its text.
        """
        try:
            return (
                read_clip(clip, self.params.sample_rate)
                if self.features is None
                else self.features(clip)
            )
        except Exception as error:
            self.failures.append(error)
            raise

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
    """Finds labelled clips, decodes each once to see that it can be, and splits them by file.

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
        tables.split, validation=validation, test=test, seed=seed, multi_label=multi_label
    )
    names = tables.label_set(found, labels, multi_label=multi_label)
    deal(found)  # the same words before the long work as after it
    lengths = dict(zip(found, _lengths(found, params.sample_rate), strict=True))
    skipped = [(clip, length) for clip, length in lengths.items() if isinstance(length, AudioError)]
    _check_unreadable(skipped, len(found), max_unreadable)
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
        weights=tables.class_weights(train, names) if class_weight else dict.fromkeys(names, 1.0),
        skipped=skipped,
        short=[clip for clip, length in samples.items() if length < params.min_samples],
        ignored=tables.ignored(source, found),
    )


def _lengths(clips: Sequence[Clip], sample_rate: float) -> Iterator[int | AudioError]:
    """The number of samples of each clip, or why it cannot be read."""

    def length(clip):
        try:
            return len(read_clip(clip, sample_rate))
        except AudioError as error:
            return error

    held = deque[str]()
    with ThreadPoolExecutor(THREADS, initializer=hold_warnings, initargs=(held,)) as pool:
        yield from tqdm(
            pool.map(length, clips),
            total=len(clips),
            desc="reading",
            unit="clip",
            disable=None,
            leave=False,
        )
    release_warnings(held)


def _check_unreadable(skipped: Sequence[tuple[Clip, AudioError]], count: int, most: float):
    if len(skipped) > most * count:
        raise VGGishError(
            f"{len(skipped)} of {counted(count, 'clip')} cannot be read, "
            f"more than the {most:.0%} that may be left out:\n{describe_skipped(skipped)}"
        )


def describe_skipped(skipped: Sequence[tuple[Clip, AudioError]]) -> str:
    """The first bad clips and what is wrong with each, a line each."""
    lines = [f"  {error}" for _, error in skipped[:LISTED]]
    return "\n".join(
        lines + ([f"  and {len(skipped) - LISTED} more"] if len(skipped) > LISTED else [])
    )


def read_clip(clip: Clip, sample_rate: float) -> np.ndarray:
    """The waveform of a clip, (num_samples,) float32, mono at sample_rate; reads no further than
    the clip's end.

    Raises:
        AudioError: the file cannot be read, or ends before the clip starts.
    """
    first, last = (
        round(clip.start * sample_rate),
        None if clip.end is None else round(clip.end * sample_rate),
    )
    blocks, count = [], 0
    for block in audio.read_blocks(clip.path, sample_rate):
        blocks.append(block)
        count += len(block)
        if last is not None and count >= last:
            break
    waveform = np.concatenate(blocks)[first:last]
    if not len(waveform):
        raise AudioError(f"{clip} has no samples: the file ends after {count / sample_rate:g} s.")
    return waveform
