"""`vggish-tf verify`: a file of weights → a report."""

import argparse

from vggish_tf.cli import options, output, process

HELP = "run Google's smoke test on a file of weights"
EXAMPLE = "vggish-tf verify vggish_model.ckpt"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("weights", nargs="?", default="audioset", metavar="WEIGHTS", help=(
        '"audioset" (the default), or a file of weights of any format'))  # fmt: skip
    options.add_average(parser)


def run(args: argparse.Namespace):
    options.check_weights(args.weights)
    process.import_tensorflow()
    from vggish_tf.jobs.verify import verify

    report = verify(args.weights, average=args.average)
    verdict = {"passed": report.passed, "verdict": report.verdict}
    output.result({**verdict, **vars(report)}, report)
    return 0 if report.passed else 1
