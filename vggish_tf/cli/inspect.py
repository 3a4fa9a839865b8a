"""`vggish-tf inspect`: an audio file → a description and an HTML page."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, output, process
from vggish_tf.files import check_target

HELP = "describe a recording at every stage, and draw it"
EXAMPLE = "vggish-tf inspect clip.wav -o clip.html"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "audio", type=Path, metavar="AUDIO", help="audio of any rate and channel count"
    )
    options.add_output(parser, "OUT", "the report, one HTML file", "report.html")
    parser.add_argument(
        "--native-rate",
        action="store_true",
        help="do not resample: sample_rate is that of the file",
    )
    options.add_weights(parser, None, "none, so no embeddings")
    options.add_params(parser)


def run(args: argparse.Namespace):
    check_target(args.output, endings=(".html", ".htm"))
    from vggish_tf import audio

    sample_rate = audio.audio_info(args.audio).sample_rate
    params = options.params_of(args, {"sample_rate": sample_rate} if args.native_rate else {})
    options.check_weights(args.weights)
    process.import_tensorflow()
    from vggish_tf.jobs.inspect import examine
    from vggish_tf.stages import describe

    report = examine(args.audio, params=params, weights=args.weights)
    stages = list(describe(report.stages))
    output.result({
        "audio": args.audio, "output": args.output, "untrained": report.stages.untrained,
        "facts": report.facts, "stages": stages,
    }, report)  # fmt: skip
    report.write(args.output)
