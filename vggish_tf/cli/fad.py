"""`vggish-tf fad`: sets of sounds or embeddings → their distances from a reference."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, output
from vggish_tf.errors import AudioError, UsageError, counted
from vggish_tf.files import check_target

HELP = "compare sets of sounds: Fréchet and kernel distance"
EPILOG = (
    "A SET is sounds (a folder, a file, @list.txt, a table path[,start,end]), an archive that "
    "embed wrote, or saved statistics: an .npz of --save-stats or of fadtk, a folder with mu.npy "
    "and cov.npy. Embeddings of sounds are kept in SET.embeddings, and used again."
)
EXAMPLE = "vggish-tf fad real made --csv distances.csv"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("reference", metavar="REFERENCE", help="the set to compare with")
    parser.add_argument("candidates", nargs="*", metavar="CANDIDATE", help="sets to compare")
    _add_sounds(parser.add_argument_group("sounds"))
    _add_measures(parser.add_argument_group("measures"))
    _add_outputs(parser.add_argument_group("files"))


def _add_sounds(group):
    weights = group.add_mutually_exclusive_group()
    options.add_weights(weights, None, "those of embeddings given, else audioset")
    options.add_untrained(weights, "the distances")
    options.add_profile(group)
    group.add_argument("--cache", type=Path, metavar="FOLDER", help=(
        "keep embeddings of sounds there, and not beside them"))  # fmt: skip


def _add_measures(group):
    group.add_argument("--kad", action="store_true", help="the kernel distance too")
    group.add_argument(
        "--kernel",
        choices=("gaussian", "iq", "imq", "cubic"),
        default="gaussian",
        help="of --kad (default: gaussian; cubic is KID's)",
    )
    group.add_argument("--bandwidth", choices=("reference", "kadtk"), default="reference", help=(
        "of --kad: the median distance within the reference (default), or, as kadtk 1 has it, "
        "within the candidate"))  # fmt: skip
    group.add_argument(
        "--inf", action="store_true", help="FAD∞ too: the distance that unlimited rows would have"
    )
    group.add_argument(
        "--fadtk", action="store_true", help="draw the samples of --inf with replacement, as fadtk"
    )
    group.add_argument("--bootstrap", type=options.count, metavar="N", help=(
        "the 95 %% interval of FAD, from N draws of its files, as in 1000"))  # fmt: skip
    group.add_argument("--permute", type=options.count, metavar="N", help=(
        "the p-value of the difference of two CANDIDATEs, from N draws"))  # fmt: skip
    options.add_seed(group, "of what is drawn")


def _add_outputs(group):
    options.add_csv(group, "write the table")
    group.add_argument("--picture", type=Path, metavar="OUT", help=(
        "draw bars, intervals and the lines of --inf, a .png, .svg or .pdf"))  # fmt: skip
    group.add_argument("--csv-per-file", type=Path, metavar="OUT", help=(
        "write the distance of each file of a CANDIDATE, a .csv, the farthest first"))  # fmt: skip
    options.add_hidden(group, "--per-file", dest="csv_per_file", type=Path)
    group.add_argument(
        "--save-stats", type=Path, metavar="OUT", help="write the reference's statistics, an .npz"
    )


def run(args: argparse.Namespace):
    _check(args)
    from vggish_tf.cli import sets
    from vggish_tf.jobs import fad

    (reference, *candidates), failures = sets.read(args)
    reference.gaussian.warn_of_few(reference.name)
    found = [*fad.compare_each(
        reference, candidates, kernel=args.kernel if args.kad else None, bandwidth=args.bandwidth,
        infinity=args.inf, bootstrap=args.bootstrap or 0, seed=args.seed, replace=args.fadtk,
    )]  # fmt: skip
    p_value = (
        fad.p_value(reference, *candidates, times=args.permute, seed=args.seed)
        if args.permute
        else None
    )
    text = fad.as_text(reference, found, p_value) if found else ""
    output.result(lambda: {**fad.as_json(reference, found, p_value), "failures": failures}, text)
    _write(args, reference, candidates, found)
    if failures:
        failed = counted(len(failures), "clip")
        raise AudioError(
            f"{failed} could not be embedded, and did not count: {failures[0].message}"
        )


def _check(args: argparse.Namespace):
    pictures = (".png", ".svg", ".pdf")
    targets = (
        (args.csv, (".csv",)),
        (args.csv_per_file, (".csv",)),
        (args.save_stats, (".npz",)),
        (args.picture, pictures),
    )
    for target, endings in targets:
        if target:
            check_target(target, endings=endings)
    if not (args.candidates or args.save_stats):
        raise UsageError("there is nothing to compare. Give a CANDIDATE, or --save-stats.")
    if args.csv_per_file and len(args.candidates) != 1:
        raise UsageError("--csv-per-file is for one CANDIDATE.")
    if args.permute and len(args.candidates) != 2:
        raise UsageError("--permute is for two CANDIDATEs.")


def _write(args: argparse.Namespace, reference, candidates, found):
    from vggish_tf.jobs import fad

    if args.csv:
        fad.write_csv(args.csv, found)
    if args.picture and found:
        from vggish_tf.drawing import pictures

        pictures.save(fad.draw(reference, found), args.picture)
    if args.csv_per_file:
        fad.write_by_file(args.csv_per_file, fad.by_file(reference, candidates[0]))
    if args.save_stats:
        fad.save(args.save_stats, reference)
