"""`vggish-tf classify`: a classifier and audio files → scores."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, process
from vggish_tf.files import check_target
from vggish_tf.weights import keras_files

HELP = "print the scores that a classifier gives to audio files"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a .keras file written by finetune"
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="audio of any rate and channel count"
    )
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
    keras_files.check(args.model)
    options.check_audio(args.files)
    process.import_tensorflow()
    from vggish_tf.jobs import classify

    classify.classify_files(
        classify.Classifier(args.model),
        args.files,
        top=args.top,
        whole=args.whole,
        output=args.output,
    )
