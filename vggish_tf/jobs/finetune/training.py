"""train(): epochs, training checkpoints, early stopping.

A training that was stopped and resumed gives the same weights as one that was not. Everything
random in an epoch is determined by the seed and the number of the epoch, so no other state has to
be saved.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from vggish_tf.classifier import STAGES, Stage
from vggish_tf.errors import UsageError, VGGishError, check_word
from vggish_tf.files import make_folder, replacing_text
from vggish_tf.jobs.finetune import training_checkpoint
from vggish_tf.jobs.finetune.augment import MixUp, SpecAugment
from vggish_tf.jobs.finetune.data import Dataset
from vggish_tf.jobs.finetune.options import TrainingOptions
from vggish_tf.jobs.finetune.progress import Progress, describe_epoch, describe_limit
from vggish_tf.jobs.finetune.reading import ClipReader
from vggish_tf.jobs.finetune.tensorboard import Logs
from vggish_tf.jobs.finetune.trainee import reseed, trainee_of
from vggish_tf.network.backbone import LAYER_NAMES
from vggish_tf.progress import bar, note


def choose_stage(model: keras.Model, augment: Sequence[keras.layers.Layer]) -> Stage:
    """The last stage that neither training nor augmentation changes: it can be cached."""
    if any(not isinstance(layer, SpecAugment) for layer in augment):
        return "waveform"
    frozen = not any(model.get_layer(name).trainable for name in LAYER_NAMES)
    return "embedding" if frozen and not augment else "examples"


def train(
    model: keras.Model,
    data: Dataset,
    folder: Path,
    options: TrainingOptions | None = None,
    *,
    stage: Stage = "waveform",
    **changes: Any,
) -> Progress:
    """Trains a classifier in place, and restores the epoch with the lowest validation loss.

    Args:
        model: a compiled classifier that pools. To resume, one that was made in the same way from
            the same seed.
        data: a dataset of waveforms, or of values cached at `stage`.
        folder: the folder for `checkpoint.npz` and `history.json`, written after every epoch,
            `best.npz`, written after the best one, and TensorBoard logs, in `tensorboard`.
        options: TrainingOptions; by default TrainingOptions().
        stage: the stage of `data`.
        changes: TrainingOptions by name, instead of those in `options`, for example epochs=10.

    Returns:
        The history of the training, and its best epoch.

    Raises:
        UsageError: a word is unknown, a number is out of range, or the classifier has pool=None.
        VGGishError: the training checkpoint is of another run, or a loss is not finite. The last
            good training checkpoint is kept.
    """
    check_word("stage", stage, STAGES)
    options = replace(options or TrainingOptions(), **changes)
    if len(model.output_shape) != 2:
        raise UsageError(
            "a classifier with pool=None scores every example, and clips are labelled as a whole. "
            "Choose another pool, or call fit() with targets (batch, examples, classes)."
        )
    make_folder(folder)
    runner = _Runner(model, data, folder, stage, options)
    if options.resume:
        runner.resume()
    log = Logs(folder / "tensorboard") if options.tensorboard else None
    while runner.progress.epoch < options.epochs and runner.waited < options.patience:
        runner.run_epoch()
        if log:
            log.write(runner.progress)
    runner.finish()
    return runner.progress


class _Runner:
    """A training in progress."""

    def __init__(self, model, data: Dataset, folder: Path, stage: Stage, options: TrainingOptions):
        self.data, self.folder, self.options = data, folder, options
        self.mix_up = [layer for layer in options.augment if isinstance(layer, MixUp)]
        others = [layer for layer in options.augment if layer not in self.mix_up]
        self.trainee = trainee_of(model, stage, others)
        self.fingerprint = training_checkpoint.fingerprint(
            model, data, stage, options.augment, options.seed
        )
        self.reader = ClipReader(data.values)
        self.progress = Progress()

    @property
    def waited(self) -> int:
        """Epochs since the best one."""
        return self.progress.epoch - self.progress.best_epoch

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.npz"

    @property
    def best(self) -> Path:
        return self.folder / "best.npz"

    def resume(self):
        if not self.checkpoint.exists():
            return
        # a check, before the training, that its end can restore the best epoch
        self._restore(self.best, training_checkpoint.weights_of(self.trainee))
        self.progress = self._restore(
            self.checkpoint, training_checkpoint.variables_of(self.trainee)
        )
        note(f"resuming after epoch {self.progress.epoch}")

    def _restore(self, path: Path, variables: dict[str, keras.Variable]) -> Progress:
        """Restores variables from a file of this training, and returns its progress."""
        found = training_checkpoint.read(path)
        training_checkpoint.check(path, found.fingerprint, self.fingerprint)
        training_checkpoint.restore(path, found.arrays, variables)
        return found.progress

    def run_epoch(self):
        number, started = self.progress.epoch + 1, time.perf_counter()
        reseed([self.trainee, *self.mix_up], self.options.seed, number)
        desc = f"epoch {number}/{self.options.epochs}"
        with bar(total=len(self.batches), desc=desc, unit="batch") as shown:
            row = self._fit(number, shown)
        row |= {f"val_{name}": value for name, value in self._evaluate().items()}
        row["seconds"] = time.perf_counter() - started
        self._save(row, number)

    @cached_property
    def batches(self):
        """The training batches. Every pass has the order of the current epoch.

        Keras may begin more than one pass in an epoch.
        """
        batches = self.data.pipeline("train", self.reader, self._epochs())
        if not self.mix_up:
            return batches
        return batches.map(lambda x, y, w: (*self.mix_up[0]([x, y], training=True), w))

    def _epochs(self) -> Iterator[int]:
        while True:
            yield self.progress.epoch + 1

    @cached_property
    def validation(self):
        return self.data.pipeline("validation", self.reader)

    def _fit(self, number: int, bar) -> dict[str, float]:
        watch = _Watch(lambda batch: self._describe_failure(number, batch), bar)
        with self.reader.errors():
            result = self.trainee.fit(self.batches, verbose=0, callbacks=[watch], shuffle=False)
        return {name: float(values[0]) for name, values in result.history.items()}

    def _evaluate(self) -> dict[str, float]:
        with self.reader.errors():
            values = self.trainee.evaluate(self.validation, verbose=0, return_dict=True)
        return {name: float(value) for name, value in values.items()}

    def _save(self, row: dict[str, float], number: int):
        if not np.isfinite([row["loss"], row["val_loss"]]).all():
            raise VGGishError(
                self._describe_failure(number, None, f"the validation loss is {row['val_loss']}")
            )
        try:
            arrays = training_checkpoint.state_of(self.trainee)
        except VGGishError as error:
            raise VGGishError(self._describe_failure(number, None, str(error))) from None
        is_best = self.progress.add(row)
        about = {"fingerprint": self.fingerprint, "progress": vars(self.progress)}
        if is_best:  # before the checkpoint, which refers to it
            training_checkpoint.write(self.best, training_checkpoint.weights_only(arrays), about)
        training_checkpoint.write(self.checkpoint, arrays, about)
        with replacing_text(self.folder / "history.json") as file:
            json.dump(self.progress.history, file, indent=1)
        line = describe_epoch(row, number, self.options.epochs)
        note(line + ("  best" if is_best else ""))

    def finish(self):
        """Restores the best epoch; prints a line if the limit of epochs ended the training."""
        if self.progress.epoch:
            self._restore(self.best, training_checkpoint.weights_of(self.trainee))
        if self.waited < self.options.patience:
            note(describe_limit(self.progress, self.options.epochs))

    def _describe_failure(
        self, number: int, batch: int | None, what: str = "the loss is not finite"
    ) -> str:
        where, clips_meant = f"epoch {number}", "the clips"
        if batch is not None:
            size = self.data.batch_size
            clips = self.data.order("train", number)[batch * size : (batch + 1) * size]
            named = ", ".join(map(str, clips[:4])) + (" …" if len(clips) > 4 else "")
            where, clips_meant = f"{where}, batch {batch + 1} ({named})", "these clips"
        kept = (
            f"{self.checkpoint} holds epoch {number - 1}"
            if self.checkpoint.exists()
            else "no epoch was finished"
        )
        advice = f"Lower the learning rate, or check {clips_meant}."
        return f"{where}: {what}. Training stopped; {kept}. {advice}"


class _Watch(keras.callbacks.Callback):
    """Advances the bar, and stops at the first batch whose loss is not finite."""

    def __init__(self, describe, bar):
        super().__init__()
        self.describe, self.bar = describe, bar

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()
        self.bar.set_postfix(loss=f"{logs['loss']:.3f}", refresh=False)
        if not np.isfinite(logs["loss"]):
            raise VGGishError(self.describe(batch))
