"""`vggish-tf inspect`: an audio file → a description and an HTML page."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, process
from vggish_tf.files import check_target

HELP = "describe a recording at every stage of the pipeline, and draw it"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "audio", type=Path, metavar="AUDIO", help="audio of any rate and channel count"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("report.html"),
        metavar="OUT",
        help="the report, one HTML file (default: report.html)",
    )
    parser.add_argument(
        "--native-rate",
        action="store_true",
        help="do not resample: sample_rate is that of the file",
    )
    options.add_weights(parser, default=None)
    options.add_params(parser)


def run(args: argparse.Namespace):
    check_target(args.output, endings=(".html", ".htm"))
    from vggish_tf import audio

    sample_rate = audio.audio_info(args.audio).sample_rate
    params = options.params_of(args, {"sample_rate": sample_rate} if args.native_rate else {})
    options.check_weights(args.weights)
    process.import_tensorflow()
    from vggish_tf.jobs import inspect

    inspect.inspect(args.audio, params=params, weights=args.weights, output=args.output)
