"""`vggish-tf convert-weights`: a file of weights in one format → another."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, output, process

HELP = "convert a file of weights from one format to another"
EPILOG = (
    "The content of IN says its format. Suffixes of OUT: .safetensors, .ckpt (TF1 V1), .keras, "
    ".weights.h5, .pth (torchvggish's state_dict); --format v2 writes a TF1 V2 checkpoint."
)
EXAMPLE = "vggish-tf convert-weights audioset vggish.safetensors"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("source", metavar="IN", help='"audioset", or a file of weights')
    parser.add_argument("output", type=Path, metavar="OUT", help="a file")
    parser.add_argument("--format", metavar="FORMAT", help=(
        "of OUT: safetensors, v1, v2, keras, h5 or torch (default: by its suffix)"))  # fmt: skip
    options.add_overwrite(parser, "OUT")
    options.add_average(parser)


def run(args: argparse.Namespace):
    from vggish_tf.weights import writers
    from vggish_tf.weights.paths import expanded

    asked = {"format": args.format, "overwrite": args.overwrite}
    writers.check_output(args.source, expanded(args.output), **asked)
    options.check_weights(args.source)
    process.import_tensorflow()
    from vggish_tf.jobs.convert_weights import convert_weights
    from vggish_tf.progress import note

    identity = convert_weights(args.source, args.output, **asked, average=args.average)
    note(f"{args.output}: {identity}", always=identity.untrained)
    output.result({"output": args.output, "untrained": identity.untrained, "weights": identity})
