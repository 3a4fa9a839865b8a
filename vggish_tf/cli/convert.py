"""`vggish-tf convert`: an archive in one format → another."""

import argparse
from pathlib import Path

from vggish_tf.cli import process

HELP = "convert embeddings from one format to another"
EPILOG = (
    "Suffixes of OUT: .parquet, .csv, .npz (one clip), .tfrecord. A name without one is a folder "
    "of Parquet shards, with --format npz a folder of one npz a clip, with --format memmap of "
    "NumPy arrays."
)


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "source", type=Path, metavar="IN", help="embeddings of any format, told by their content"
    )
    parser.add_argument("output", type=Path, metavar="OUT", help="a file or a folder")
    parser.add_argument("--format", help=(
        "of OUT: parquet, csv, npz, tfrecord (as AudioSet), youtube8m, or memmap (default: by its "
        "suffix)"))  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    parser.add_argument("--dequantize", choices=("edge", "youtube8m"), help=(
        "turn bytes into float32: the smallest that quantizes to the byte, or as YouTube-8M's "
        "readers do"))  # fmt: skip


def run(args: argparse.Namespace):
    from vggish_tf import formats
    from vggish_tf.jobs import convert

    format = convert.check(args.source, args.output, args.format, overwrite=args.overwrite)
    if {format, formats.format_of(args.source)} & formats.OF_TENSORFLOW:
        process.import_tensorflow()
    convert.convert(
        args.source,
        args.output,
        format,
        overwrite=args.overwrite,
        dequantize=args.dequantize,
    )
