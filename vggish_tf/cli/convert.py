"""`vggish-tf convert`: an archive in one format → another."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, output, process

HELP = "convert embeddings from one format to another"
EPILOG = (
    "Suffixes of OUT: .parquet, .csv, .npz (one clip), .tfrecord. A name without one is a folder "
    "of Parquet shards, with --format npz a folder of one npz a clip, with --format memmap of "
    "NumPy arrays."
)
EXAMPLE = "vggish-tf convert rows rows.csv"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "source", type=Path, metavar="IN", help="embeddings of any format, told by their content"
    )
    parser.add_argument("output", type=Path, metavar="OUT", help="a file or a folder")
    parser.add_argument("--format", metavar="FORMAT", help=(
        "of OUT: parquet, csv, npz, tfrecord (as AudioSet), youtube8m, or memmap (default: by its "
        "suffix)"))  # fmt: skip
    options.add_overwrite(parser, "OUT")
    parser.add_argument("--dequantize", choices=("edge", "youtube8m"), help=(
        "turn bytes into float32: the smallest that quantizes to the byte, or as YouTube-8M's "
        "readers do"))  # fmt: skip


def run(args: argparse.Namespace):
    from vggish_tf import formats
    from vggish_tf.jobs import convert
    from vggish_tf.weights.identity import recorded_untrained

    format = convert.check(args.source, args.output, args.format, overwrite=args.overwrite)
    if {format, formats.format_of(args.source)} & formats.OF_TENSORFLOW:
        process.import_tensorflow()
    num_rows, num_clips = convert.convert(
        args.source,
        args.output,
        format,
        overwrite=args.overwrite,
        dequantize=args.dequantize,
    )
    output.result(lambda: {
        "output": args.output, "format": format, "rows": num_rows, "clips": num_clips,
        "untrained": recorded_untrained(formats.read(args.source).provenance),
    })  # fmt: skip
