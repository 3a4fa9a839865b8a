"""run(): a folder of labelled sounds → a saved classifier and a report, as `vggish-tf finetune`."""

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from vggish_tf.classifier import classifier, is_untrained, network
from vggish_tf.drawing import pictures
from vggish_tf.errors import VGGishError, counted, listed
from vggish_tf.files import check_target, make_folder, replacing, replacing_text
from vggish_tf.jobs.finetune.cache import cached
from vggish_tf.jobs.finetune.clips import Split, ffmpeg_hint
from vggish_tf.jobs.finetune.data import Dataset, dataset
from vggish_tf.jobs.finetune.evaluation import Evaluation, draw, evaluate
from vggish_tf.jobs.finetune.options import Options
from vggish_tf.jobs.finetune.progress import Progress
from vggish_tf.jobs.finetune.reading import LISTED, describe_skipped
from vggish_tf.jobs.finetune.training import choose_stage, train
from vggish_tf.progress import note, show
from vggish_tf.weights import loading


def run(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: Options | None = None,
    **changes: Any,
) -> Evaluation:
    """Trains a classifier on a folder or CSV, prints its progress, and writes model and report.

    The classifier is written to `output`. A folder beside it, of the same name with the suffix
    `.run`, has `history.json`, `report.txt`, `report.json` and `report.png`; until the run is
    finished, also the training checkpoint that `resume` needs. The same seed gives the same
    classifier on the same machine.

    Args:
        source: as for `dataset`.
        output: a `.keras` path.
        options: Options; by default Options().
        changes: options by name, instead of those in `options`, for example epochs=10.

    Returns:
        Evaluation of the test clips, or, if there are none, of the validation clips.

    Raises:
        UsageError: a word is unknown, or a number is out of range.
        CheckpointError, VGGishError: as `dataset`, `classifier` and `train`.

    Example:
        >>> chosen = Options(epochs=10, model_options={"trainable": "fc"})
        >>> run("sounds", "model.keras", chosen)  # doctest: +SKIP
    """
    options = replace(options or Options(), **changes)
    output, folder = _check_output(output, options)
    data = dataset(source, seed=options.seed, **(options.data_options or {}))
    _describe_data(data)
    keras.utils.set_random_seed(options.seed)
    model = classifier(
        len(data.labels),
        labels=data.labels,
        multi_label=data.multi_label,
        params=data.params,
        **(options.model_options or {}),
    )
    stage = choose_stage(model, options.augment)
    make_folder(folder)
    kept = folder / "cache" if options.cache is None else Path(options.cache)
    values = data if stage == "waveform" else cached(data, model, stage, kept)
    progress = train(model, values, folder, options, stage=stage)
    evaluation = _evaluate(model, data)
    _write(model, evaluation, progress, output, folder)
    return evaluation


def folder_of(output: Path) -> Path:
    """The folder of a run, beside its classifier."""
    return output.with_suffix(".run")


def _check_output(output, options: Options) -> tuple[Path, Path]:
    """The paths of the model and of the run's folder, after a check that both may be written."""
    output = check_target(output, overwrite=options.overwrite, endings=(".keras",))
    folder = folder_of(output)
    unfinished = (folder / "checkpoint.npz").exists()
    if unfinished and not (options.resume or options.overwrite):
        raise VGGishError(
            f"{folder} holds a run that was not finished. Use --resume to continue it, or "
            "--overwrite to start again."
        )
    if unfinished and not options.resume:
        _forget(folder)
    return output, folder


def _describe_data(data: Dataset):
    counts = ", ".join(
        f"{len(data.of(split))} {split}" for split in ("train", "validation", "test")
    )
    clips, classes = counted(len(data.clips), "clip"), counted(len(data.labels), "class", "classes")
    note(f"{clips} of {classes} ({', '.join(data.labels)}): {counts}")
    if data.skipped:
        note(f"left out, not readable: {counted(len(data.skipped), 'clip')}")
        note(describe_skipped(data.skipped))
    if data.short:
        note(
            f"shorter than one example, filled with silence: {counted(len(data.short), 'clip')}: "
            f"{listed([*map(str, data.short)], LISTED)}"
        )
    if data.ignored:
        files = counted(len(data.ignored), "file")
        names = listed([*map(str, data.ignored)], LISTED)
        note(
            f"ignored, not audio by their names or in no class: {files}: {names}"
            + ffmpeg_hint(data.ignored)
        )


def _evaluate(model: keras.Model, data: Dataset) -> Evaluation:
    split: Split = "test" if data.of("test") else "validation"
    scores = np.concatenate(
        [model.predict_on_batch(waveforms) for waveforms, *_ in data.batches(split)]
    )
    what = (
        f"{split} clips, UNTRAINED network under the head"
        if is_untrained(model)
        else f"{split} clips"
    )
    return evaluate(
        data.targets(data.of(split)), scores, data.labels, multi_label=data.multi_label, what=what
    )


def _write(
    model: keras.Model,
    evaluation: Evaluation,
    progress: Progress,
    output: Path,
    folder: Path,
):
    """Writes the report, then the model; then removes the training checkpoint and the cache."""
    show(str(evaluation), sys.stdout)
    with replacing_text(folder / "report.txt") as file:
        file.write(f"{evaluation}\n")
    with replacing_text(folder / "report.json") as file:
        json.dump(evaluation.as_json() | _identities(model), file, indent=1)
    title = f"{output.name}: {evaluation.what}, accuracy {evaluation.accuracy:.3f}"
    pictures.save(draw(evaluation, title, progress), folder / "report.png")
    # not compiled: Adam's state is twice as large as the weights, and not needed to predict
    with replacing(output) as temporary:
        keras.Model(model.input, model.output, name=model.name).save(temporary)
    _forget(folder)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    note(f"wrote {output}, and {folder}: history.json, report.txt, report.json, report.png")


def _identities(model: keras.Model) -> dict:
    """Identities of the network in the classifier, and of the weights that training began with."""
    trained = loading.identify(network(model))
    return {"weights": trained.as_json(), "started_from": model.identity.as_json()}


def _forget(folder: Path):
    """Removes the training checkpoint and the weights of the best epoch."""
    for name in ("checkpoint.npz", "best.npz"):
        (folder / name).unlink(missing_ok=True)
