"""`vggish-tf profiles`: the published pipelines that --profile knows."""

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vggish_tf.cli import output

if TYPE_CHECKING:
    from vggish_tf.profiles import Profile

HELP = "list published programs and what each does to sound"
EXAMPLE = "vggish-tf profiles"


def add_arguments(parser: argparse.ArgumentParser):
    """It has no arguments of its own."""


def run(args: argparse.Namespace):
    from vggish_tf.profiles import PROFILES

    output.result(PROFILES, "\n".join(_paragraphs(PROFILES)))


def _paragraphs(profiles: "dict[str, Profile]") -> Iterator[str]:
    """The name of each, and beside it lines, on a terminal no wider than that."""
    width = max(map(len, profiles)) + 2
    columns = shutil.get_terminal_size().columns - width if sys.stdout.isatty() else sys.maxsize
    for name, profile in profiles.items():
        sound = " → ".join([*profile.decoded, profile.resampler, *profile.resampled])
        texts = [profile.program, sound, _rows(profile), *filter(None, [profile.remark])]
        lines = [line for text in texts for line in textwrap.wrap(text, max(columns, 30))]
        yield f"{name:{width}}" + f"\n{'':{width}}".join(lines)


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
