"""`vggish-tf finetune`: labelled sounds → a classifier and a report."""

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.cli import options, process
from vggish_tf.errors import UsageError
from vggish_tf.files import check_source, check_target

Add = Callable[..., argparse.Action]

if TYPE_CHECKING:
    from vggish_tf.jobs.finetune import Options
    from vggish_tf.params import Params


HELP = "train a classifier on a folder of labelled sounds"
EPILOG = (
    "To continue a run that was stopped, repeat the command with --resume: the result is the same."
)


def add_arguments(parser: argparse.ArgumentParser):
    weights = parser.add_mutually_exclusive_group()
    _add_data(parser.add_argument)
    _add_model(parser.add_argument, weights)
    _add_training(parser.add_argument)
    _add_run(parser.add_argument)
    options.add_weights(weights)
    options.add_params(parser)


def _add_data(add: Add):
    add(
        "data",
        type=Path,
        metavar="DATA",
        help="a folder with one subfolder a class, or a CSV: path,label[,start,end,split]; "
        "a;b is two labels",
    )
    add(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="MODEL",
        help="a .keras file; the report goes beside it",
    )
    add(
        "--labels",
        type=lambda text: text.split(","),
        metavar="A,B",
        help="the labels and their order (default: all)",
    )
    add("--multi-label", action="store_true", help="a clip may have any number of labels")


def _add_model(add: Add, weights: argparse._ActionsContainer):
    add(
        "--trainable",
        choices=("head", "fc", "conv4", "all"),
        help="layers to train besides the new ones: none (default), dense layers, "
        "last convolutions, all",
    )
    weights.add_argument("--untrained", action="store_true", help=(
        "start from untrained weights instead; --trainable is then all"))  # fmt: skip
    add(
        "--hidden",
        type=options.count,
        nargs="*",
        default=[100],
        metavar="UNITS",
        help="new layers before the scores (100)",
    )
    add(
        "--pool",
        choices=("mean", "max", "attention"),
        default="mean",
        help="over the examples of a clip (mean)",
    )
    add("--dropout", type=_share, default=0.0, metavar="RATE", help="before the scores (0)")
    add("--pca", action="store_true", help="whiten the embeddings first")


def _add_training(add: Add):
    add(
        "--augment",
        nargs="+",
        default=[],
        choices=("gain", "shift", "noise", "mixup", "specaugment"),
        metavar="NAME",
        help="in training: gain, shift, noise, mixup, specaugment",
    )
    add("--epochs", type=options.count, default=50, help="at most (50)")
    add(
        "--patience",
        type=options.count,
        default=10,
        metavar="EPOCHS",
        help="without a lower validation loss, then stop (10)",
    )
    add("--batch-size", type=options.count, default=16, metavar="CLIPS", help="(16)")
    add(
        "--learning-rate", type=_rate, default=1e-4, metavar="RATE", help="of the new layers (1e-4)"
    )
    add(
        "--backbone-learning-rate",
        type=_rate,
        metavar="RATE",
        help="a tenth of that; all of it if untrained",
    )
    add("--seed", type=_seed, default=0, help="the same seed gives the same classifier (0)")


def _add_run(add: Add):
    add(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="keep log-mel or embeddings there for other runs",
    )
    add("--resume", action="store_true", help="continue a run that was stopped")
    add("--overwrite", action="store_true", help="replace MODEL, or an unfinished run")
    add("--tensorboard", action="store_true", help="also write TensorBoard logs")


_seed = options.number(int, 0, 2**32, "a whole number from 0, of 32 bits")
_share = options.number(float, 0, 1, "from 0 to under 1")
_rate = options.number(float, sys.float_info.min, math.inf, "more than 0")


def run(args: argparse.Namespace):
    params = options.params_of(args)
    _check(args)
    if not args.untrained:
        options.check_weights(args.weights)
    process.import_tensorflow()
    from vggish_tf.jobs import finetune

    finetune.run(args.data, args.output, _options(args, params))


def _check(args: argparse.Namespace):
    """Checks all that can be known before TensorFlow is imported.

    Raises:
        UsageError: the arguments contradict each other, or the output is named for something else.
        VGGishError: DATA does not exist, or MODEL cannot be written.
    """
    if args.untrained and args.trainable not in (None, "all"):
        raise UsageError(
            f"--untrained trains everything: --trainable {args.trainable} contradicts it. Leave "
            "out one."
        )
    check_target(args.output, overwrite=args.overwrite, endings=(".keras",))
    check_source(args.data, "Give a folder with a subfolder for each class, or a CSV.")


def _options(args: argparse.Namespace, params: "Params") -> "Options":
    from vggish_tf.jobs import finetune

    names = ("epochs", "patience", "seed", "augment", "cache", "resume", "overwrite", "tensorboard")
    return finetune.Options(
        **{name: getattr(args, name) for name in names},
        data_options={
            "labels": args.labels,
            "multi_label": args.multi_label,
            "batch_size": args.batch_size,
            "params": params,
        },
        model_options={
            "weights": None if args.untrained else args.weights,
            "trainable": "all" if args.untrained else args.trainable or "head",
            "hidden": args.hidden,
            "pool": args.pool,
            "dropout": args.dropout,
            "postprocess": "pca" if args.pca else None,
            "learning_rate": args.learning_rate,
            "backbone_learning_rate": args.backbone_learning_rate,
        },
    )
