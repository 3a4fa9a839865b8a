"""`vggish-tf fad`: sets of embeddings → their distances from a reference."""

import argparse
from pathlib import Path

from vggish_tf.cli import options
from vggish_tf.errors import UsageError
from vggish_tf.files import check_target

HELP = "compare sets of embeddings: Fréchet distance (FAD), kernel distance (KAD)"
EPILOG = (
    "A set is an archive that embed wrote, or saved statistics: an .npz of --save-stats or of "
    "fadtk, a folder with mu.npy and cov.npy."
)


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("reference", metavar="REFERENCE", help="the set to compare with")
    parser.add_argument("candidates", nargs="*", metavar="CANDIDATE", help="sets to compare")
    parser.add_argument("--kad", action="store_true", help="the kernel distance too")
    parser.add_argument(
        "--kernel",
        choices=("gaussian", "iq", "imq", "cubic"),
        default="gaussian",
        help="of --kad (default: gaussian; cubic is KID's)",
    )
    parser.add_argument("--bandwidth", choices=("reference", "kadtk"), default="reference", help=(
        "of --kad: the median distance within the reference (default), or, as kadtk 1 has it, "
        "within the candidate"))  # fmt: skip
    parser.add_argument(
        "--inf", action="store_true", help="FAD∞ too: the distance that unlimited rows would have"
    )
    parser.add_argument(
        "--fadtk", action="store_true", help="draw the samples of --inf with replacement, as fadtk"
    )
    parser.add_argument(
        "--seed", type=options.whole, default=0, metavar="N", help="of --inf (default: 0)"
    )
    parser.add_argument(
        "--per-file", type=Path, metavar="OUT", help="write the distance of each file, a .csv"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, no table")
    parser.add_argument("--csv", type=Path, metavar="OUT", help="write the table, a .csv")
    parser.add_argument(
        "--save-stats", type=Path, metavar="OUT", help="write the reference's statistics, an .npz"
    )


def run(args: argparse.Namespace):
    targets = ((args.csv, ".csv"), (args.per_file, ".csv"), (args.save_stats, ".npz"))
    for target, ending in targets:
        if target:
            check_target(target, endings=(ending,))
    if not (args.candidates or args.save_stats):
        raise UsageError("there is nothing to compare. Give a CANDIDATE, or --save-stats.")
    if args.per_file and len(args.candidates) != 1:
        raise UsageError("--per-file is for one CANDIDATE.")
    from vggish_tf.jobs import fad

    reference = fad.read(args.reference)
    reference.gaussian.warn_of_few(reference.name)
    candidates = [fad.read(candidate) for candidate in args.candidates]
    found = [
        fad.compare(
            reference,
            candidate,
            kernel=args.kernel if args.kad else None,
            bandwidth=args.bandwidth,
            infinity=args.inf,
            seed=args.seed,
            replace=args.fadtk,
        )
        for candidate in candidates
    ]
    if found:
        print((fad.as_json if args.json else fad.as_text)(reference, found))
    if args.csv:
        fad.write_csv(args.csv, found)
    if args.per_file:
        fad.write_by_file(args.per_file, fad.by_file(reference, candidates[0]))
    if args.save_stats:
        fad.save(args.save_stats, reference)
