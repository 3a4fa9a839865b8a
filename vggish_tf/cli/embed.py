"""`vggish-tf embed`: audio → embeddings, one file or a whole archive."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, process
from vggish_tf.errors import AudioError, UsageError, counted

HELP = "write the embeddings of audio files, folders, lists and tables"
EPILOG = "A run that was stopped goes on with the same command, and ends with the same rows."


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help=(
        "a file, a folder, a glob, @list.txt or - for a list, a CSV or Parquet table "
        "path[,start,end], a .tar shard"))  # fmt: skip
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help=(
        "an .npz file for one FILE, a folder for all else"))  # fmt: skip
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
    _add_archive(parser.add_argument_group("archives"))


def _add_archive(group):
    group.add_argument("--format", choices=("npz", "parquet"), help=(
        "one .npz for each file (default for FILEs), or one table of Parquet shards, which can be "
        "resumed (default for all else)"))  # fmt: skip
    group.add_argument(
        "--pool",
        choices=("mean", "max", "mean+std"),
        help="one row a clip instead of one an example",
    )
    group.add_argument(
        "--max-failures", type=options.whole, metavar="N", help="stop after more bad clips than N"
    )
    group.add_argument(
        "--json", action="store_true", help="a line of JSON an event instead of a progress bar"
    )
    group.add_argument("--quiet", action="store_true", help="no progress bar, no lines")


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
        if made.untrained and not (args.json or args.quiet):
            print("UNTRAINED WEIGHTS (random): the pipeline is real, the embeddings mean nothing.")
        return made

    format = args.format or ("npz" if embed.are_files(args.inputs) else "parquet")
    if format == "parquet":
        _embed_archive(args, embedder)
        return
    if args.pool or args.max_failures is not None or args.json or args.quiet:
        raise UsageError("--pool, --max-failures, --json and --quiet are for --format parquet.")
    embed.embed_each([Path(path) for path in args.inputs], args.output, embedder)


def _embed_archive(args: argparse.Namespace, embedder):
    from vggish_tf.jobs.embed import embed_archive, progress

    said = progress.Json() if args.json else progress.Progress() if args.quiet else progress.Bar()
    try:
        failures = embed_archive(
            args.inputs,
            args.output,
            embedder,
            pool=args.pool,
            max_failures=args.max_failures,
            progress=said,
        )
    except KeyboardInterrupt:
        print(f"{args.output} keeps what is done. The same command goes on.")
        raise
    if failures:
        table = args.output / "_failures.csv"
        failed = counted(len(failures), "clip")
        raise AudioError(f"{failed} could not be embedded; the rest was written. See {table}.")
