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


def add_weights(
    parser: argparse._ActionsContainer, default: str | None = "audioset", without: str = ""
):
    """--weights; `without` is the default in words, if it is no name."""
    parser.add_argument("--weights", default=default, metavar="WEIGHTS", help=(
        '"audioset", as published, or a file of weights of any format '
        f"(default: {without or default})"))  # fmt: skip


def add_untrained(parser: argparse._ActionsContainer, meaningless: str):
    """--untrained, for a group that excludes --weights."""
    parser.add_argument("--untrained", action="store_true", help=(
        f"take untrained weights, as a trial: {meaningless} mean nothing"))  # fmt: skip


def add_output(parser: argparse._ActionsContainer, metavar: str, help: str, default: str = ""):
    """--output; it must be given if there is no default."""
    ending = f" (default: {default})" if default else ""
    parser.add_argument(
        "-o", "--output", type=Path, metavar=metavar, help=help + ending, required=not default,
        default=Path(default) if default else None,
    )  # fmt: skip


def add_csv(parser: argparse._ActionsContainer, help: str, *before: str):
    """--csv; `before` are names that it had, which are not shown."""
    parser.add_argument("--csv", type=Path, metavar="OUT", help=f"{help}, a .csv")
    add_hidden(parser, *before, dest="csv", type=Path)


def add_hidden(parser: argparse._ActionsContainer, *names: str, **how: Any):
    """Names of before, which scripts may use."""
    if names:
        parser.add_argument(*names, help=argparse.SUPPRESS, default=argparse.SUPPRESS, **how)


def add_overwrite(parser: argparse._ActionsContainer, what: str):
    """--overwrite."""
    parser.add_argument("--overwrite", action="store_true", help=f"replace {what} if it exists")


def add_seed(parser: argparse._ActionsContainer, what: str):
    """--seed."""
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help=f"{what} (default: 0)")


def add_params(parser: argparse._ActionsContainer):
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


def add_average(parser: argparse._ActionsContainer):
    """--average, for the commands that read files of weights as such."""
    parser.add_argument("--average", default="", metavar="NAME", help=(
        "take the values of this moving average in a TF1 checkpoint: "
        "ExponentialMovingAverage"))  # fmt: skip


def prepare(weights: str | None):
    """Checks weights, and imports Keras while a thread reads them.

    Untrained weights are the same in each run.
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
seed = number(int, 0, 2**32, "a whole number from 0, of 32 bits")
