"""The arguments of `vggish-tf finetune`, and what they become; the command itself is in cli.py. No heavy import."""

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.errors import UsageError
from vggish_tf.files import check_source, check_target

if TYPE_CHECKING:
    from vggish_tf.params import Params


def add_arguments(parser: argparse.ArgumentParser, weights: argparse._ActionsContainer):
    """All but those that other commands have too.

    Args:
        parser: of the command.
        weights: the group of what excludes --weights.
    """
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help=(
        "a folder with one subfolder a class, or a CSV: path,label[,start,end,split]; a;b is two labels"))  # fmt: skip
    add("-o", "--output", required=True, type=Path, metavar="MODEL", help="a .keras file; the report goes beside it")
    add("--trainable", choices=("head", "fc", "conv4", "all"), help=(
        "what moves besides the new layers: nothing (default), dense layers, last convolutions, all"))  # fmt: skip
    weights.add_argument("--untrained", action="store_true", help=(
        "start from untrained weights instead; --trainable is then all"))  # fmt: skip
    add("--multi-label", action="store_true", help="a clip may have any number of labels")
    add("--labels", type=lambda text: text.split(","), metavar="A,B", help="the labels and their order (default: all)")
    add("--hidden", type=count, nargs="*", default=[100], metavar="UNITS", help="new layers before the scores (100)")
    add("--pool", choices=("mean", "max", "attention"), default="mean", help="over the examples of a clip (mean)")
    add("--dropout", type=_share, default=0.0, metavar="RATE", help="before the scores (0)")
    add("--pca", action="store_true", help="whiten the embeddings first")
    add("--augment", nargs="+", default=[], choices=("gain", "shift", "noise", "mixup", "specaugment"), metavar="NAME",
        help="in training: gain, shift, noise, mixup, specaugment")  # fmt: skip
    add("--epochs", type=count, default=50, help="at most (50)")
    add("--patience", type=count, default=10, metavar="EPOCHS", help="without a lower validation loss, then stop (10)")
    add("--batch-size", type=count, default=16, metavar="CLIPS", help="(16)")
    add("--learning-rate", type=_rate, default=1e-4, metavar="RATE", help="of the new layers (1e-4)")
    add("--backbone-learning-rate", type=_rate, metavar="RATE", help="a tenth of that; all of it if untrained")
    add("--seed", type=_seed, default=0, help="the same seed gives the same classifier (0)")
    add("--cache", type=Path, metavar="FOLDER", help="keep log-mel or embeddings there for other runs")
    add("--resume", action="store_true", help="go on with a run that was killed")
    add("--overwrite", action="store_true", help="replace MODEL, or a run that was not finished")
    add("--tensorboard", action="store_true", help="also write TensorBoard logs")


def _number(kind, low, high, expected: str):
    """A type for argparse: numbers from `low` up to but not at `high`; what else comes is told what was expected."""

    def read(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value < high:
            raise argparse.ArgumentTypeError(f"must be {expected}; received {text!r}")
        return value

    return read


count = _number(int, 1, math.inf, "a whole number from 1")
_seed = _number(int, 0, 2**32, "a whole number from 0, of 32 bits")
_share = _number(float, 0, 1, "from 0 to under 1")
_rate = _number(float, sys.float_info.min, math.inf, "more than 0")


def check(args: argparse.Namespace):
    """What can be known of the arguments before TensorFlow is imported.

    Raises:
        UsageError: they contradict each other, or the output is named for something else.
        VGGishError: DATA does not exist, or MODEL cannot be written.
    """
    if args.untrained and args.trainable not in (None, "all"):
        raise UsageError(f"--untrained trains everything: --trainable {args.trainable} contradicts it. Leave out one.")
    check_target(args.output, overwrite=args.overwrite, endings=(".keras",))
    check_source(args.data, "Give a folder with a subfolder for each class, or a CSV.")


def run(args: argparse.Namespace, params: "Params"):
    """Trains a classifier as the arguments say; TensorFlow has been imported."""
    from vggish_tf.jobs import finetune

    data_options = {"labels": args.labels, "multi_label": args.multi_label, "batch_size": args.batch_size}
    data_options["params"] = params
    model_options = {
        "weights": None if args.untrained else args.weights,
        "trainable": "all" if args.untrained else args.trainable or "head",
        "hidden": args.hidden,
        "pool": args.pool,
        "dropout": args.dropout,
        "postprocess": "pca" if args.pca else None,
        "learning_rate": args.learning_rate,
        "backbone_learning_rate": args.backbone_learning_rate,
    }
    names = ("epochs", "patience", "seed", "augment", "cache", "resume", "overwrite", "tensorboard")
    options = {name: getattr(args, name) for name in names}
    finetune.run(args.data, args.output, **options, data_options=data_options, model_options=model_options)
