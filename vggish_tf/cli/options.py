"""Options of several commands, and checks made before TensorFlow is imported."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vggish_tf.cli import process
from vggish_tf.errors import AudioError, ParamsError, UsageError, counted

if TYPE_CHECKING:
    from vggish_tf.params import Params
    from vggish_tf.profiles import Profile


def add_weights(parser: argparse._ActionsContainer, default: str | None = "audioset"):
    parser.add_argument("--weights", default=default, metavar="WEIGHTS", help=(
        '"audioset", as published, or a file of weights of any format '
        f"(default: {default or 'none, so no embeddings'})"))  # fmt: skip


def add_params(parser: argparse.ArgumentParser):
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a parameter of the front end, as in --set example_hop_seconds=0.48; "
        "may be repeated",
    )


def add_profile(parser: argparse._ActionsContainer):
    parser.add_argument("--profile", metavar="NAME", help=(
        "embed as a published program does; `vggish-tf profiles` lists them"))  # fmt: skip


def profile_of(args: argparse.Namespace) -> "Profile":
    """The profile of --profile; without it, the default one."""
    from vggish_tf.profiles import DEFAULT, named

    return named(DEFAULT if args.profile is None else args.profile)


def params_of(
    args: argparse.Namespace,
    given: dict[str, Any] | None = None,
    base: "Params | None" = None,
) -> "Params":
    """Params with the fields of --set NAME=VALUE and of `given`; the others are those of `base`."""
    from dataclasses import fields, replace

    from vggish_tf.params import Params

    names = [field.name for field in fields(Params)]
    changes: dict[str, Any] = dict(given or {})
    for setting in args.set:
        name, _, value = setting.partition("=")
        if name not in names:
            raise ParamsError(
                f"--set {setting}: no parameter {name!r}. Choose from {', '.join(names)}."
            )
        if name in (given or {}):
            raise UsageError(f"--set {setting} contradicts --native-rate. Leave out one of them.")
        try:
            changes[name] = float(value)
        except ValueError:
            raise ParamsError(f"--set {setting}: {name} needs a number, as in {name}=1.") from None
    return replace(base or Params(), **changes)


def check_audio(files: Sequence[Path]):
    """Raises if none of the files can be opened; single ones are reported by the command."""
    from vggish_tf import audio

    failures = [error for error in map(audio.failure_of, files) if error]
    if len(failures) == len(files):
        none = f"none of {counted(len(files), 'file')}: {failures[0]}"
        raise failures[0] if len(files) == 1 else AudioError(none)


def check_weights(weights: str | None):
    """Starts to compute the digests of weights; raises if the file does not exist."""
    if weights is None:
        return
    from vggish_tf.weights import registry

    registry.digests_ahead(weights)
    _check_exists(weights)


def _check_exists(weights: str):
    from vggish_tf.weights import registry

    if weights not in registry.REGISTRY:
        registry.resolve(weights)


def add_average(parser: argparse.ArgumentParser):
    """--average, for the commands that read files of weights as such."""
    parser.add_argument("--average", default="", metavar="NAME", help=(
        "take the values of this moving average in a TF1 checkpoint: "
        "ExponentialMovingAverage"))  # fmt: skip


def prepare(weights: str | None):
    """Checks weights, then imports Keras for an Embedder, while a thread reads the weights;
    untrained ones are alike in each run.
    """
    if weights is not None:
        from vggish_tf.weights import arrays

        arrays.read_ahead(weights)
        _check_exists(weights)
    process.import_tensorflow()
    import keras

    keras.utils.set_random_seed(0)


def number(kind, low, high, expected: str):
    """A type for argparse: numbers with low <= number < high; `expected` is for the message."""

    def read(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value < high:
            raise argparse.ArgumentTypeError(f"must be {expected}; received {text!r}")
        return value

    return read


count = number(int, 1, math.inf, "a whole number from 1")
whole = number(int, 0, math.inf, "a whole number from 0")
