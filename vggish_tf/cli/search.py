"""`vggish-tf search`: an archive and a query → the nearest segments."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.cli import options, output, sets
from vggish_tf.files import check_source, check_target

if TYPE_CHECKING:
    from vggish_tf.jobs.search import Index

HELP = "find the segments of an archive that sound like a query"
EXAMPLE = "vggish-tf search rows query.wav --top 5 --per-file"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "archive", type=Path, metavar="ARCHIVE", help="a folder of .parquet shards, or one file"
    )
    parser.add_argument("query", type=Path, metavar="QUERY", help=(
        "audio, which is embedded as the archive was; or an .npz or archive, whose rows are taken"
    ))  # fmt: skip
    parser.add_argument(
        "--top", type=options.count, default=20, metavar="N", help="hits at most (default: 20)"
    )
    parser.add_argument(
        "--per-file", action="store_true", help="only the best segment of each audio file"
    )
    parser.add_argument(
        "--like-none-of", nargs="+", type=Path, default=[], metavar="FILE", help=(
        "leave out the segments that are nearer to one of these than to QUERY"))  # fmt: skip
    parser.add_argument("--index", action="store_true", help=(
        "search an approximate index, which is built beside the archive and built again once the "
        "archive has changed; print which part of the nearest 10 it finds"))  # fmt: skip
    options.add_weights(parser, None, "those of ARCHIVE")
    options.add_csv(parser, "write the hits")
    parser.add_argument("--audacity", type=Path, metavar="FOLDER", help=(
        "write a label track for each audio file that has hits"))  # fmt: skip
    parser.add_argument("--raven", type=Path, metavar="OUT", help=(
        "write a Raven selection table of all hits, a .txt"))  # fmt: skip


def run(args: argparse.Namespace):
    for target, ending in ((args.csv, ".csv"), (args.raven, ".txt")):
        if target:
            check_target(target, endings=(ending,))
    check_source(args.archive, "Give an archive that embed wrote.")
    from vggish_tf.jobs import search
    from vggish_tf.weights.identity import recorded_untrained

    for path in (args.query, *args.like_none_of):
        if not search.holds_rows(path):
            options.check_audio([path])
    archive = search.read(args.archive)
    with contextlib.redirect_stdout(sys.stderr):  # for notes: the hits are to be alone
        index = _index(args)
        hits = search.nearest(
            archive, args.query, top=args.top, per_file=args.per_file, unlike=args.like_none_of,
            index=index,
            embedder=lambda provenance: sets.embedder_like(provenance, args.weights),
        )  # fmt: skip
    data = {
        "archive": args.archive, "query": args.query, "index": index and str(index),
        "untrained": recorded_untrained(archive.provenance),
        "weights": archive.provenance.get("weights"), "hits": hits,
    }  # fmt: skip
    output.result(data, search.as_text(hits))
    _write(args, hits, archive.provenance)


def _index(args: argparse.Namespace) -> "Index | None":
    from vggish_tf.jobs import search
    from vggish_tf.progress import note

    if not args.index:
        return None
    index = search.open_index(args.archive, note)
    note(f"index: {index}")
    return index


def _write(args: argparse.Namespace, hits, provenance: dict):
    from vggish_tf.jobs import search

    if args.csv is not None:
        search.write_csv(args.csv, hits)
    if args.audacity is not None:
        search.write_audacity(args.audacity, hits)
    if args.raven is not None:
        search.write_raven(args.raven, hits, provenance)
