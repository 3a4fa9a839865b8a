"""What a killed run goes on from, as one npz: the numbers that moved, the optimizer's, and where it was.

What does not move is not in it: the run is set up again from the same arguments, and `check` sees to it that they are.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing
from vggish_tf.jobs.finetune.data import Dataset

Arrays = dict[str, np.ndarray]


def state_of(trainee: keras.Model) -> Arrays:
    """Copies of the variables that move, and of the optimizer's.

    Raises:
        VGGishError: one holds a number that is not finite.
    """
    arrays = {name: np.array(keras.ops.convert_to_numpy(variable)) for name, variable in _variables(trainee).items()}
    bad = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if bad:
        raise VGGishError(f"{bad[0]} is no longer finite")
    return arrays


def restore(trainee: keras.Model, arrays: Arrays):
    """Puts back what `state_of` returned, or the part of it that is given."""
    variables = _variables(trainee)
    for name, array in arrays.items():
        variables[name].assign(array)


def weights_only(arrays: Arrays) -> Arrays:
    """Without the optimizer's."""
    return {name: array for name, array in arrays.items() if name.startswith("model/")}


def write(path: Path, arrays: Arrays, about: dict[str, Any]):
    """Writes arrays and what JSON can hold about them."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays, about=np.array(json.dumps(about)))  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """What `write` wrote.

    Raises:
        VGGishError: the file is missing or damaged.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise VGGishError(f"cannot read the checkpoint {path}: {error}. Start again with --overwrite.") from None
    return arrays, json.loads(str(arrays.pop("about")))


def check(path: Path, found: dict[str, str], expected: dict[str, str]):
    """Raises unless a checkpoint is of the same run.

    Raises:
        VGGishError: the data, the model or the training differ, by name.
    """
    different = [name for name, value in expected.items() if found.get(name) != value]
    if different:
        raise VGGishError(
            f"{path} is of another run: {', '.join(different)} differ. "
            "Give the arguments of that run, or start again with --overwrite."
        )


def fingerprint(
    model: keras.Model, data: Dataset, stage: str, augment: Sequence[keras.layers.Layer], seed: int
) -> dict[str, str]:
    """Digests of all that the result of a run depends on."""
    clips = [(clip.path.name, clip.labels, clip.start, clip.end, clip.split) for clip in data.clips]
    configs = [keras.saving.serialize_keras_object(layer) for layer in augment]
    weights = hashlib.blake2b()
    for variable in model.weights:
        weights.update(keras.ops.convert_to_numpy(variable).tobytes())
    parts: dict[str, Any] = {
        "the clips": (clips, data.labels, data.batch_size, data.seed, data.weights),
        "the model": (model.get_config(), weights.hexdigest()),
        "the training": (stage, configs, seed, _without_names(model.get_compile_config())),
    }
    return {name: hashlib.blake2b(repr(part).encode()).hexdigest() for name, part in parts.items()}


def _without_names(config):
    """A config without the names that Keras numbers as objects come and go."""
    if isinstance(config, dict):
        return {key: _without_names(value) for key, value in config.items() if key != "name"}
    return config


def _variables(trainee: keras.Model) -> dict[str, keras.Variable]:
    moving = {f"model/{variable.path}": variable for variable in trainee.trainable_variables}
    return moving | {f"optimizer/{number}": variable for number, variable in enumerate(trainee.optimizer.variables)}
