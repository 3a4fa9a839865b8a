"""`vggish-tf demo`: the package's own clip → npz and picture."""

import argparse

from vggish_tf.cli import options, output, process
from vggish_tf.files import make_folder

HELP = "embed the package's own clip, and draw every stage"
EXAMPLE = "vggish-tf demo -o pictures"


def add_arguments(parser: argparse.ArgumentParser):
    options.add_output(parser, "FOLDER", "the output folder", "vggish-demo")


def run(args: argparse.Namespace):
    make_folder(args.output)
    process.import_tensorflow()
    from vggish_tf.formats import npz
    from vggish_tf.jobs import demo

    embeddings, picture = demo.run(args.output)
    weights = npz.read(embeddings)[2]["weights"]
    output.result({
        "embeddings": embeddings, "picture": picture, "untrained": weights["untrained"],
        "weights": weights,
    })  # fmt: skip
