"""`vggish-tf classify`: a classifier or prototypes, and audio files → scores."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.cli import options, process
from vggish_tf.errors import CheckpointError, UsageError
from vggish_tf.files import check_target
from vggish_tf.weights import keras_files

if TYPE_CHECKING:
    from vggish_tf.jobs.classify.clips import AudioClassifier

HELP = "print the scores that a classifier, or sounds taught by example, give to audio files"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("model", type=Path, metavar="MODEL", help=(
        "a .keras file written by finetune; or the .json of prototypes that the page of `export "
        "--format web` writes, whose scores are cosines"))  # fmt: skip
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="audio of any rate and channel count"
    )
    parser.add_argument("--weights", metavar="WEIGHTS", help=(
        "where the weights of prototypes are, if not where their file says"))  # fmt: skip
    parser.add_argument(
        "--top", type=options.count, default=3, metavar="N", help="scores per line (default: 3)"
    )
    parser.add_argument(
        "--whole", action="store_true", help="scores of the whole clip only, not of its examples"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="a .csv file for all scores"
    )


def run(args: argparse.Namespace):
    if args.output:
        check_target(args.output, endings=(".csv",))
    from vggish_tf.jobs import classify

    is_taught = classify.is_prototypes(args.model)
    classifier = _taught(args) if is_taught else _saved(args)
    classify.classify_files(
        classifier, args.files, top=args.top, whole=args.whole, output=args.output
    )


def _saved(args: argparse.Namespace) -> "AudioClassifier":
    keras_files.check(args.model)
    if args.weights is not None:
        raise UsageError(
            f"--weights {args.weights} is for prototypes; {args.model} has weights of its own. "
            "Leave it out."
        )
    options.check_audio(args.files)
    process.import_tensorflow()
    from vggish_tf.jobs import classify

    return classify.Classifier(args.model)


def _taught(args: argparse.Namespace) -> "AudioClassifier":
    from vggish_tf.jobs import classify

    prototypes = classify.Prototypes.read(args.model)
    options.check_audio(args.files)
    weights = classify.weights_of(prototypes) if args.weights is None else args.weights
    try:
        options.prepare(weights)
    except CheckpointError as error:
        if args.weights is not None:
            raise
        raise CheckpointError(
            f"{args.model}: {error} Or say with --weights where the weights of the prototypes are."
        ) from None
    return classify.NearestPrototype(prototypes, weights)
