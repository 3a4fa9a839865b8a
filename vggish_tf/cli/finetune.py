"""`vggish-tf finetune`: labelled sounds → a classifier and a report."""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.cli import options, output, process
from vggish_tf.errors import UsageError
from vggish_tf.files import check_source, check_target

if TYPE_CHECKING:
    from vggish_tf.jobs.finetune import Options
    from vggish_tf.params import Params


HELP = "train a classifier on a folder of labelled sounds"
EPILOG = (
    "To continue a run that was stopped, repeat the command with --resume: the result is the same."
)
EXAMPLE = "vggish-tf finetune sounds -o model.keras --epochs 20"


def add_arguments(parser: argparse.ArgumentParser):
    _add_data(parser)
    options.add_output(parser, "MODEL", "a .keras file; the report goes beside it")
    weights = parser.add_mutually_exclusive_group()
    options.add_weights(weights)
    weights.add_argument("--untrained", action="store_true", help=(
        "start from untrained weights; --trainable is then all"))  # fmt: skip
    options.add_params(parser)
    _add_model(parser.add_argument_group("the classifier"))
    _add_training(parser.add_argument_group("training"))
    _add_run(parser.add_argument_group("the run"))


def _add_data(parser: argparse.ArgumentParser):
    parser.add_argument("data", type=Path, metavar="DATA", help=(
        "a folder with one subfolder a class, or a CSV: path,label[,start,end,split]; "
        "a;b is two labels"))  # fmt: skip
    parser.add_argument(
        "--labels",
        type=lambda text: text.split(","),
        metavar="A,B",
        help="the labels and their order (default: all)",
    )
    parser.add_argument(
        "--multi-label", action="store_true", help="a clip may have any number of labels"
    )


def _add_model(group: argparse._ActionsContainer):
    add = group.add_argument
    add("--trainable", choices=("head", "fc", "conv4", "all"), help=(
        "layers to train besides the new ones: none (default), dense layers, last convolutions, "
        "all"))  # fmt: skip
    add("--hidden", type=options.count, nargs="*", default=[100], metavar="UNITS", help=(
        "new layers before the scores (default: 100)"))  # fmt: skip
    add("--pool", choices=("mean", "max", "attention"), default="mean", help=(
        "over the examples of a clip (default: mean)"))  # fmt: skip
    add("--dropout", type=_share, default=0.0, metavar="RATE", help=(
        "before the scores (default: 0)"))  # fmt: skip
    add("--postprocess", choices=("pca",), help="PCA whitening of the embeddings")
    options.add_hidden(group, "--pca", dest="postprocess", action="store_const", const="pca")


def _add_training(group: argparse._ActionsContainer):
    add = group.add_argument
    names = ("gain", "shift", "noise", "mixup", "specaugment")
    add("--augment", nargs="+", default=[], choices=names, metavar="NAME", help=(
        f"change the clips in each epoch: {', '.join(names)}"))  # fmt: skip
    add("--epochs", type=options.count, default=50, metavar="N", help="at most (default: 50)")
    add("--patience", type=options.count, default=10, metavar="EPOCHS", help=(
        "without a lower validation loss, then stop (default: 10)"))  # fmt: skip
    add("--batch-size", type=options.count, default=16, metavar="CLIPS", help="(default: 16)")
    add("--learning-rate", type=_rate, default=1e-4, metavar="RATE", help=(
        "of the new layers (default: 1e-4)"))  # fmt: skip
    add("--backbone-learning-rate", type=_rate, metavar="RATE", help=(
        "of the other layers (default: a tenth of that; all of it if untrained)"))  # fmt: skip
    options.add_seed(group, "the same seed gives the same classifier")


def _add_run(group: argparse._ActionsContainer):
    add = group.add_argument
    add("--cache", type=Path, metavar="FOLDER", help=(
        "keep log-mel or embeddings there for other runs"))  # fmt: skip
    add("--resume", action="store_true", help="continue a run that was stopped")
    add("--overwrite", action="store_true", help="replace MODEL, or an unfinished run")
    add("--tensorboard", action="store_true", help="also write TensorBoard logs")


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
    output.result(lambda: _as_json(args.output))


def _as_json(model: Path) -> dict:
    """The result: the classifier, the folder of its run, and the report in it."""
    from vggish_tf.jobs.finetune.job import folder_of

    folder = folder_of(model)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    untrained = report["weights"]["untrained"]
    return {"output": model, "folder": folder, "untrained": untrained, "report": report}


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
            "postprocess": args.postprocess,
            "learning_rate": args.learning_rate,
            "backbone_learning_rate": args.backbone_learning_rate,
        },
    )
