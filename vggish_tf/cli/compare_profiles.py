"""`vggish-tf compare-profiles`: one clip by each published pipeline, and which step does it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.cli import options, output

if TYPE_CHECKING:
    from vggish_tf.jobs.compare_profiles import Comparison, Distance

HELP = "compare profiles with the default one on a clip"
EPILOG = (
    "cosine: between a row and the default's row that is nearest in time, the mean over the rows. "
    "difference: the size of the difference, divided by the size of the default's rows. Rows "
    "after PCA or in bytes are compared with the default's after the same."
)
EXAMPLE = "vggish-tf compare-profiles clip.wav fadtk"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("clip", type=Path, metavar="AUDIO", help="an audio file")
    parser.add_argument("profiles", nargs="*", metavar="PROFILE", help=(
        "show every step of these alone (default: all, with the step that does most)"))  # fmt: skip
    weights = parser.add_mutually_exclusive_group()
    options.add_weights(weights)
    options.add_untrained(weights, "the distances")


def run(args: argparse.Namespace):
    from vggish_tf.profiles import PROFILES, named

    wanted = [named(name) for name in args.profiles or PROFILES]
    options.check_audio([args.clip])
    weights = None if args.untrained else args.weights
    options.prepare(weights)
    from vggish_tf.embedding import Embedder
    from vggish_tf.jobs.compare_profiles import compare
    from vggish_tf.progress import bar, note

    embedder = Embedder(weights)
    if embedder.untrained:
        note("UNTRAINED WEIGHTS (random): the distances mean nothing.")
    shown = bar(compare(args.clip, embedder, wanted), total=len(wanted), unit="profile")
    found = list(shown)
    table = [_line("profile", "rows", "cosine", "difference", "the step that does most")]
    table += [_as_text(each, bool(args.profiles)) for each in found]
    about = {"untrained": embedder.untrained, "weights": embedder.identity}
    data = {"clip": args.clip, **about, "profiles": [_as_json(each) for each in found]}
    output.result(data, "\n".join(table))


def _as_text(each: "Comparison", every_step: bool) -> str:
    if each.refusal:
        return _line(each.profile.name, "none", "", "", each.refusal)
    first = _line(each.profile.name, each.num_rows, *_numbers(each.distance), each.decisive)
    steps = each.steps.items() if every_step else ()
    return "\n".join([first, *(_line("", "", *_numbers(found), step) for step, found in steps)])


def _line(*cells) -> str:
    name, rows, cosine, difference, step = map(str, cells)
    return f"{name:15} {rows:>6} {cosine:>9} {difference:>11}  {step}".rstrip()


def _numbers(found: "Distance | None") -> tuple[str, str]:
    return ("", "") if found is None else (f"{found.cosine:.6f}", f"{found.difference:.2e}")


def _as_json(each: "Comparison") -> dict:
    return {
        "profile": each.profile.name,
        "num_rows": each.num_rows,
        "distance": each.distance,
        "steps": each.steps,
        "decisive": each.decisive,
        "refusal": each.refusal,
    }
