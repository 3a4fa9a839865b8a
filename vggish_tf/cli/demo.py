"""`vggish-tf demo`: the package's own clip → npz and picture."""

import argparse
from pathlib import Path

from vggish_tf.cli import process
from vggish_tf.files import make_folder

HELP = "embed the clip that ships with the package and draw every stage"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("vggish-demo"),
        metavar="FOLDER",
        help="the output folder (default: vggish-demo)",
    )


def run(args: argparse.Namespace):
    make_folder(args.output)
    process.import_tensorflow()
    from vggish_tf.jobs import demo

    demo.run(args.output)
