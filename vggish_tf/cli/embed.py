"""`vggish-tf embed`: files → npz."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, process

HELP = "write the embeddings of audio files"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="audio of any rate and channel count"
    )
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help=(
        "an .npz file; for several FILEs a folder, with one .npz for each"))  # fmt: skip
    weights = parser.add_mutually_exclusive_group()
    options.add_weights(weights)
    weights.add_argument("--untrained", dest="weights", action="store_const", const=None, help=(
        "run with untrained weights, as a trial: the embeddings mean nothing"))  # fmt: skip
    options.add_params(parser)
    parser.add_argument(
        "--pad",
        choices=("never", "short", "always"),
        default="short",
        help="zero-pad no clip, clips too short for one row (default), or the end of every clip",
    )
    parser.add_argument(
        "--postprocess", choices=("pca", "quantized"), help="PCA whitening, or also 8 bits"
    )
    parser.add_argument(
        "--precision", choices=("float32", "bfloat16"), default="float32", help="default: float32"
    )


def run(args: argparse.Namespace):
    params = options.params_of(args)
    from vggish_tf.jobs import embed

    def embedder():
        options.check_weights(args.weights)
        process.import_tensorflow()
        import keras

        from vggish_tf.embedding import Embedder

        keras.utils.set_random_seed(0)  # of untrained weights
        made = Embedder(
            args.weights,
            params=params,
            pad=args.pad,
            postprocess=args.postprocess,
            precision=args.precision,
        )
        if made.untrained:
            print("UNTRAINED WEIGHTS (random): the pipeline is real, the embeddings mean nothing.")
        return made

    embed.embed_archive(args.files, args.output, embedder)
