"""`vggish-tf compare-profiles`: one clip by each published pipeline, and which step does it."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.cli import options

if TYPE_CHECKING:
    from vggish_tf.jobs.compare_profiles import Comparison, Distance

HELP = "say how far each profile is from the default on a clip, and which step does it"
EPILOG = (
    "cosine: between a row and the default's row that is nearest in time, the mean over the rows. "
    "difference: the size of the difference, of the size of the default's rows. Rows after PCA or "
    "in bytes are compared with the default's after the same."
)


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("clip", type=Path, metavar="CLIP", help="an audio file")
    parser.add_argument("profiles", nargs="*", metavar="PROFILE", help=(
        "show every step of these alone (default: all, with the step that does most)"))  # fmt: skip
    weights = parser.add_mutually_exclusive_group()
    options.add_weights(weights)
    weights.add_argument("--untrained", dest="weights", action="store_const", const=None, help=(
        "compare with untrained weights, as a trial: the distances mean nothing"))  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print a line of JSON a profile")


def run(args: argparse.Namespace):
    from vggish_tf.profiles import PROFILES, named

    wanted = [named(name) for name in args.profiles or PROFILES]
    options.check_audio([args.clip])
    options.prepare(args.weights)
    from vggish_tf.embedding import Embedder
    from vggish_tf.jobs.compare_profiles import compare

    embedder = Embedder(args.weights)
    if embedder.untrained and not args.json:
        print("UNTRAINED WEIGHTS (random): the distances mean nothing.")
    if not args.json:
        print(_line("profile", "rows", "cosine", "difference", "the step that does most"))
    for each in compare(args.clip, embedder, wanted):
        print(_as_json(each) if args.json else _as_text(each, bool(args.profiles)), flush=True)


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


def _as_json(each: "Comparison") -> str:
    named_distances = {
        step: None if found is None else found._asdict() for step, found in each.steps.items()
    }
    return json.dumps({
        "profile": each.profile.name,
        "num_rows": each.num_rows,
        "distance": each.distance and each.distance._asdict(),
        "steps": named_distances,
        "decisive": each.decisive,
        "refusal": each.refusal,
    })  # fmt: skip
