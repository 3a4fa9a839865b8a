"""`vggish-tf classify`: a classifier or prototypes, and audio files → scores."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.cli import options, output, process
from vggish_tf.errors import AudioError, CheckpointError, UsageError
from vggish_tf.files import check_target
from vggish_tf.weights import keras_files

if TYPE_CHECKING:
    from vggish_tf.jobs.classify.clips import AudioClassifier, Classified

HELP = "print the scores of a classifier for audio files"
EXAMPLE = "vggish-tf classify model.keras clip.wav --top 5"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("model", type=Path, metavar="MODEL", help=(
        "a .keras file written by finetune; or the .json of prototypes that the page of `export "
        "--format web` writes, whose scores are cosines"))  # fmt: skip
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="AUDIO", help="audio of any rate and channel count"
    )
    parser.add_argument("--weights", metavar="WEIGHTS", help=(
        "where the weights of prototypes are, if not where their file says"))  # fmt: skip
    parser.add_argument(
        "--top", type=options.count, default=3, metavar="N", help="scores per line (default: 3)"
    )
    parser.add_argument(
        "--whole", action="store_true", help="scores of the whole clip only, not of its examples"
    )
    options.add_csv(parser, "write all scores", "-o", "--output")


def run(args: argparse.Namespace):
    if args.csv:
        check_target(args.csv, endings=(".csv",))
    from vggish_tf.jobs import classify

    is_taught = classify.is_prototypes(args.model)
    classifier = _taught(args) if is_taught else _saved(args)
    found: list[tuple[str, Classified | AudioError]] = []
    try:
        classify.classify_files(
            classifier, args.files, top=args.top, whole=args.whole, output=args.csv,
            report=lambda path, result: found.append((path, result)),
        )  # fmt: skip
    finally:
        if len(found) == len(args.files):
            files = [_as_json(classifier.labels, args.whole, *each) for each in found]
            output.result({"untrained": classifier.untrained, "files": files})


def _as_json(
    labels: Sequence[str], whole: bool, path: str, result: "Classified | AudioError"
) -> dict:
    if isinstance(result, AudioError):
        return {"path": path, "error": str(result)}
    examples = [
        {"start": start, "end": end, "scores": dict(zip(labels, scores, strict=True))}
        for (start, end), scores in zip(result.times, result.example_scores, strict=True)
    ]
    scores = dict(zip(labels, result.scores, strict=True))
    every = {} if whole else {"examples": examples}
    return {"path": path, "seconds": result.seconds, "scores": scores, **every}


def _saved(args: argparse.Namespace) -> "AudioClassifier":
    keras_files.check(args.model)
    if args.weights is not None:
        raise UsageError(
            f"--weights {args.weights} is for prototypes; {args.model} has weights of its own. "
            "Leave it out."
        )
    options.check_audio(args.files)
    process.import_tensorflow()
    from vggish_tf.jobs import classify

    return classify.Classifier(args.model)


def _taught(args: argparse.Namespace) -> "AudioClassifier":
    from vggish_tf.jobs import classify

    prototypes = classify.Prototypes.read(args.model)
    options.check_audio(args.files)
    weights = classify.weights_of(prototypes) if args.weights is None else args.weights
    try:
        options.prepare(weights)
    except CheckpointError as error:
        if args.weights is not None:
            raise
        raise CheckpointError(
            f"{args.model}: {error} Or say with --weights where the weights of the prototypes are."
        ) from None
    return classify.NearestPrototype(prototypes, weights)
