"""`vggish-tf profiles`: the published pipelines that --profile knows."""

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vggish_tf.profiles import Profile

HELP = "list the profiles: what each published program does to sound"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--json", action="store_true", help="print one JSON object, no table")


def run(args: argparse.Namespace):
    from dataclasses import asdict

    from vggish_tf.profiles import PROFILES

    if args.json:
        print(json.dumps({name: asdict(profile) for name, profile in PROFILES.items()}))
        return
    width = max(map(len, PROFILES)) + 2
    for name, profile in PROFILES.items():
        sound = " → ".join([*profile.decoded, profile.resampler, *profile.resampled])
        lines = [profile.program, sound, _rows(profile), *filter(None, [profile.remark])]
        print(f"{name:{width}}" + f"\n{'':{width}}".join(lines))


def _rows(profile: "Profile") -> str:
    """The rows of a clip, in words."""
    params = profile.params
    said = [
        f"a row every {params.example_hop_seconds:g} s",
        {"never": "", "short": "short clips padded", "always": "ends padded"}[profile.pad],
        f"log of mel + {params.log_offset:g}" if params.log_offset != 0.01 else "",
        "mel triangles over Hz" if profile.triangles == "hertz" else "",
        "after a ReLU" if profile.activation else "before the ReLU",
        {None: "", "pca": "PCA", "quantized": "PCA, 8 bits"}[profile.postprocess],
        {None: "", "float16": "float16", "bytes": "8 bits to the nearest"}[profile.rounding],
        "their mean" if profile.pool else "",
    ]
    return ", ".join(filter(None, said))
