"""`vggish-tf map`: an archive → one page on which each segment is a point."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, output, process
from vggish_tf.files import check_source, check_target

HELP = "draw an archive as a map of its sounds, an HTML page"
EXAMPLE = "vggish-tf map rows -o map.html"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "archive", type=Path, metavar="ARCHIVE", help="an archive that embed wrote, of any format"
    )
    options.add_output(parser, "OUT", "the page, one HTML file", "map.html")
    parser.add_argument("--projection", choices=("pca", "umap"), default="pca", help=(
        "how rows become points (default: pca; umap keeps near sounds together, takes longer, and "
        "needs the extra umap)"))  # fmt: skip
    options.add_seed(parser, "of umap")
    parser.add_argument(
        "--neighbours", type=options.whole, default=10, metavar="N",
        help="nearest segments that are listed for each one (default: 10; 0 is fastest)",
    )  # fmt: skip
    parser.add_argument("--labels-from", type=Path, metavar="CSV", help=(
        "colour by these labels: a table with the columns path,label"))  # fmt: skip
    options.add_hidden(parser, "--labels", dest="labels_from", type=Path)
    _add_sounds(parser.add_argument_group("sounds", "the page plays the files where they are"))


def _add_sounds(group):
    group.add_argument("--audio", type=Path, metavar="FOLDER", help=(
        "look for the files below this folder, not by the paths of the archive"))  # fmt: skip
    group.add_argument(
        "--log-mel", action="store_true", help="keep the log-mel of each segment in the page"
    )
    group.add_argument("--embed-audio", action="store_true", help=(
        "keep the sounds and the log-mels in the page, for at most 20 minutes"))  # fmt: skip


def run(args: argparse.Namespace):
    check_target(args.output, endings=(".html", ".htm"))
    check_source(args.archive, "Give an archive that embed wrote.")
    from vggish_tf import formats
    from vggish_tf.jobs import map
    from vggish_tf.progress import note
    from vggish_tf.weights.identity import recorded_untrained

    if args.projection == "umap":
        process.import_tensorflow()  # umap-learn imports it, with its log lines
    map.write(
        args.archive, args.output, projection=args.projection, seed=args.seed,
        neighbours=args.neighbours, labels=args.labels_from, audio=args.audio,
        log_mel=args.log_mel, embed_audio=args.embed_audio, said=note,
    )  # fmt: skip
    output.result(lambda: {
        "output": args.output,
        "bytes": args.output.stat().st_size,
        "untrained": recorded_untrained(formats.read(args.archive).provenance),
    })  # fmt: skip
