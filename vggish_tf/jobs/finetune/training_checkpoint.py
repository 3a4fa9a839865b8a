"""Training checkpoint as one npz: trainable weights, optimizer state, progress.

The other weights are not in it: a resumed run is built again from the same arguments, and `check`
checks that they are the same.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing
from vggish_tf.jobs.finetune.data import Dataset
from vggish_tf.jobs.finetune.progress import Progress
from vggish_tf.weights.identity import digest_of

Arrays = dict[str, np.ndarray]

# Modules of the classes in a config: their present names, and those in the first release.
_MODULES_BEFORE = {
    "vggish_tf.frontend.layers": "vggish_tf.frontend",
    "vggish_tf.network.backbone": "vggish_tf.backbone",
    "vggish_tf.network.heads": "vggish_tf.heads",
    "vggish_tf.network.postprocess": "vggish_tf.postprocess",
}
AGAIN = "Give the arguments of that run, or start again with --overwrite."


class TrainingCheckpoint(NamedTuple):
    """Contents of a training checkpoint: variables by name, fingerprint and progress of the run."""

    arrays: Arrays
    fingerprint: dict[str, str]
    progress: Progress


def state_of(trainee: keras.Model) -> Arrays:
    """Copies of the trainable weights and of the optimizer's variables, by name.

    Raises:
        VGGishError: one of them is not finite.
    """
    arrays = {
        name: np.array(keras.ops.convert_to_numpy(variable))
        for name, variable in variables_of(trainee).items()
    }
    bad = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if bad:
        raise VGGishError(f"{bad[0]} is no longer finite")
    return arrays


def restore(path: Path, arrays: Arrays, variables: Mapping[str, keras.Variable]):
    """Assigns arrays to the variables of the same names: to all of them, or to none.

    Raises:
        VGGishError: a variable has no array, an array has no variable, or a shape differs.
    """
    wrong = [f"no {name}" for name in variables if name not in arrays]
    wrong += [f"{name}, which the model lacks" for name in arrays if name not in variables]
    wrong += [
        f"{name} {arrays[name].dtype} {arrays[name].shape} instead of {tuple(variable.shape)}"
        for name, variable in variables.items()
        if name in arrays
        and (arrays[name].shape != tuple(variable.shape) or arrays[name].dtype.kind not in "fiu")
    ]
    if wrong:
        raise VGGishError(f"{path} does not fit the model: it has {'; '.join(wrong[:3])}. {AGAIN}")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def weights_only(arrays: Arrays) -> Arrays:
    """Trainable weights alone, without the optimizer's variables."""
    return {name: array for name, array in arrays.items() if name.startswith("model/")}


def write(path: Path, arrays: Arrays, about: dict[str, Any]):
    """Writes arrays, and a dictionary about them as JSON."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays, about=np.array(json.dumps(about)))  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> TrainingCheckpoint:
    """Reads a training checkpoint.

    Raises:
        VGGishError: the file is missing or damaged, or is not a training checkpoint.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("about")))
        return TrainingCheckpoint(arrays, dict(about["fingerprint"]), Progress(**about["progress"]))
    # zipfile, zlib and NumPy raise many kinds of errors for damaged files
    except Exception as error:
        reason = f"{type(error).__name__} {error}".splitlines()[0].rstrip(". ")
        raise VGGishError(
            f"cannot read the training checkpoint {path}: {reason}. Start again with --overwrite."
        ) from None


def check(path: Path, found: dict[str, str], expected: dict[str, str]):
    """Raises if a training checkpoint belongs to another run.

    Raises:
        VGGishError: the clips, the model or the training differ; the message says which.
    """
    different = [name for name, value in expected.items() if found.get(name) != value]
    if different:
        raise VGGishError(
            f"{path} is of another run, with differences in {', '.join(different)}. {AGAIN}"
        )


def fingerprint(
    model: keras.Model, data: Dataset, stage: str, augment: Sequence[keras.layers.Layer], seed: int
) -> dict[str, str]:
    """Digests of everything that the result of a run depends on, in three parts."""
    clips = [(clip.path.name, clip.labels, clip.start, clip.end, clip.split) for clip in data.clips]
    configs = [keras.saving.serialize_keras_object(layer) for layer in augment]
    weights = digest_of(map(keras.ops.convert_to_numpy, model.weights), "blake2b")
    parts: dict[str, Any] = {
        "the clips": (clips, data.labels, data.batch_size, data.seed, data.weights),
        "the model": (model.get_config(), weights),
        "the training": (stage, configs, seed, _without_names(model.get_compile_config())),
    }
    return {
        name: hashlib.blake2b(_text_of(part).encode()).hexdigest() for name, part in parts.items()
    }


def _text_of(part) -> str:
    """A part as text, with the first names of modules, so that old runs can be resumed."""
    text = repr(part)
    for now, before in _MODULES_BEFORE.items():
        text = text.replace(repr(now), repr(before))
    return text


def _without_names(config):
    """A config without names, since Keras numbers them by the objects that it has made."""
    if isinstance(config, dict):
        return {key: _without_names(value) for key, value in config.items() if key != "name"}
    return config


def weights_of(trainee: keras.Model) -> dict[str, keras.Variable]:
    """Trainable weights by name."""
    return {f"model/{variable.path}": variable for variable in trainee.trainable_variables}


def variables_of(trainee: keras.Model) -> dict[str, keras.Variable]:
    """Trainable weights and the optimizer's variables by name."""
    optimizer = {
        f"optimizer/{number}": variable
        for number, variable in enumerate(trainee.optimizer.variables)
    }
    return weights_of(trainee) | optimizer
