"""The command line, vggish-tf. Every heavy import is inside the command that needs it, so that --help is immediate.

A mistake by the user is one line on standard error and an exit status that tells the kind: 2 the command line, 3 audio,
4 weights, 5 parameters and everything else that vggish_tf refuses, 6 the operating system, 130 interrupted. `verify`
exits with 1 if the weights do not give the published figures.
"""

import argparse
import contextlib
import io
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import vggish_tf
from vggish_tf import cli_finetune
from vggish_tf.errors import AudioError, CheckpointError, ParamsError, VGGishError

STATUSES = ((AudioError, 3), (CheckpointError, 4), (VGGishError, 5), (OSError, 6))


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    args = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an arrow or a file name must not fail on a terminal without it
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return args.run(args) or 0
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:  # the reader of the output is gone, as with `| head`; so must be what is not yet written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (VGGishError, OSError) as error:
        return _fail(str(error), next(status for kind, status in STATUSES if isinstance(error, kind)))


def _show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"vggish-tf: warning: {message}", file=sys.stderr)


def _fail(message: str, status: int) -> int:
    print(f"vggish-tf: {' '.join(message.splitlines())}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vggish-tf", description="VGGish audio embeddings: sound in, AudioSet embeddings out."
    )
    parser.add_argument("--version", action="version", version=f"vggish-tf {vggish_tf.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (
        _add_embed, _add_inspect, _add_fetch, _add_verify, _add_demo, _add_export, _add_finetune, _add_classify
    ):  # fmt: skip
        add(commands)
    return parser


def _add_command(commands, name: str, run, text: str, **kwargs) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", **kwargs)
    parser.set_defaults(run=run)
    return parser


def _add_embed(commands):
    parser = _add_command(commands, "embed", _embed, "write the embeddings of audio files")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="audio of any rate and channel count")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help=(
        "an .npz file; for several FILEs a folder, which gets one .npz for each"))  # fmt: skip
    _add_weights(parser)
    _add_params(parser)
    parser.add_argument("--pad", choices=("never", "short", "always"), default="short", help=(
        "silence goes nowhere, to clips too short for one row (default), or to every clip's end"))  # fmt: skip
    parser.add_argument("--postprocess", choices=("pca", "quantized"), help="whiten, or also quantize to 8 bits")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="default: float32")


def _add_inspect(commands):
    parser = _add_command(commands, "inspect", _inspect, "take a recording apart and draw every stage")
    parser.add_argument("audio", type=Path, metavar="AUDIO", help="audio of any rate and channel count")
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), metavar="OUT", help=(
        "the report, one HTML file (default: report.html)"))  # fmt: skip
    parser.add_argument("--native-rate", action="store_true", help="resample nothing: sample_rate is that of the file")
    _add_weights(parser, default=None)
    _add_params(parser)


def _add_fetch(commands):
    parser = _add_command(commands, "fetch", _fetch, "download the published weights and PCA parameters into the cache")
    parser.epilog = "VGGISH_TF_CACHE chooses the folder; VGGISH_TF_OFFLINE=1 forbids the network."


def _add_verify(commands):
    parser = _add_command(commands, "verify", _verify, "run the official smoke test on a file of weights")
    parser.add_argument("weights", nargs="?", default="audioset", metavar="WEIGHTS", help=(
        '"audioset" (the default), or a TF1 checkpoint, .keras or .weights.h5 file'))  # fmt: skip


def _add_demo(commands):
    parser = _add_command(commands, "demo", _demo, "embed the clip that ships with the package and draw every stage")
    parser.add_argument("-o", "--output", type=Path, default=Path("vggish-demo"), metavar="FOLDER", help=(
        "where to write (default: vggish-demo)"))  # fmt: skip


def _add_export(commands):
    parser = _add_command(commands, "export", _export, "write a model for another runtime, and check it there")
    parser.add_argument("--format", required=True, metavar="FORMAT", help=(
        "saved_model, frozen_graph, onnx, tflite, openvino, keras, weights or tf1_checkpoint"))  # fmt: skip
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="PATH", help="beside it comes PATH.json")
    _add_weights(parser)
    parser.add_argument("--model", type=Path, metavar="FILE", help=(
        "a .keras file instead of --weights, a fine-tuned classifier too"))  # fmt: skip
    _add_params(parser)
    parser.add_argument(
        "--pad", choices=("never", "short", "always"), help="see embed; default: as the model, or never"
    )
    parser.add_argument("--postprocess", choices=("pca", "quantized"), help="whiten, or also quantize to 8 bits")
    parser.add_argument("--pca", default="audioset", metavar="NPZ", help=(
        'PCA parameters of --postprocess and the signature quantized; "none" leaves that out'))  # fmt: skip
    parser.add_argument("--input-rate", type=int, metavar="HZ", help="resample audio of this rate inside the model")
    parser.add_argument("--fixed-shape", type=float, metavar="SECONDS", help=(
        "tflite: one clip of this length at a time, as LiteRT.js needs it"))  # fmt: skip
    parser.add_argument("--precision", help="of the weights: float32, bfloat16, float16 or int8, as the format has it")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")


def _add_finetune(commands):
    parser = _add_command(commands, "finetune", _finetune, "train a classifier on a folder of labelled sounds")
    parser.epilog = "A run that was killed goes on with the same command and --resume, and ends as it would have."
    cli_finetune.add_arguments(parser)
    _add_weights(parser)
    _add_params(parser)


def _add_classify(commands):
    parser = _add_command(commands, "classify", _classify, "print the scores that a classifier gives to audio files")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .keras file that finetune wrote")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="audio of any rate and channel count")
    parser.add_argument("--top", type=int, default=3, metavar="N", help="scores in a line (default: 3)")
    parser.add_argument("--whole", action="store_true", help="only the whole clip, not its examples one by one")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="a .csv for all the scores")


def _add_weights(parser: argparse.ArgumentParser, default: str | None = "audioset"):
    parser.add_argument("--weights", default=default, metavar="WEIGHTS", help=(
        '"audioset", as published, or a TF1 checkpoint, .keras or .weights.h5 file '
        f"(default: {default or 'none, so no embeddings'})"))  # fmt: skip


def _add_params(parser: argparse.ArgumentParser):
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=(
        "change a parameter of the front end, as in --set example_hop_seconds=0.48; may be repeated"))  # fmt: skip


def _embed(args):
    params = _params(args)
    from vggish_tf import registry

    registry.md5_ahead(args.weights)
    _import_tensorflow()
    from vggish_tf.embedding import Embedder
    from vggish_tf.jobs import bulk

    bulk.plan(args.files, args.output)
    embedder = Embedder(
        args.weights, params=params, pad=args.pad, postprocess=args.postprocess, precision=args.precision
    )
    bulk.embed_archive(args.files, args.output, embedder)


def _inspect(args):
    from vggish_tf import audio

    file = {"sample_rate": audio.audio_info(args.audio).sample_rate} if args.native_rate else {}
    params = _params(args, file)
    _import_tensorflow()
    from vggish_tf.jobs import report

    report.inspect(args.audio, params=params, weights=args.weights, output=args.output)


def _params(args, given=None):
    """Params with what --set NAME=VALUE asks for, and what is `given`."""
    from dataclasses import fields

    from vggish_tf.params import Params

    names = [field.name for field in fields(Params)]
    changes: dict[str, Any] = dict(given or {})
    for setting in args.set:
        name, _, value = setting.partition("=")
        if name not in names:
            raise ParamsError(f"--set {setting}: no parameter {name!r}. Choose from {', '.join(names)}.")
        if name in (given or {}):
            raise ParamsError(f"--set {setting} contradicts --native-rate. Leave out one of them.")
        try:
            changes[name] = float(value)
        except ValueError:
            raise ParamsError(f"--set {setting}: {name} needs a number, as in {name}=1.") from None
    return Params(**changes)


def _fetch(args):
    from vggish_tf import registry

    for name in registry.REGISTRY:
        print(registry.fetch(name))


def _verify(args):
    _import_tensorflow()
    from vggish_tf import checkpoints

    report = checkpoints.verify(args.weights)
    print(report)
    return 0 if report.passed else 1


def _demo(args):
    _import_tensorflow()
    from vggish_tf.jobs import demo

    demo.run(args.output)


def _export(args):
    params = _params(args) if args.set else None
    from vggish_tf.jobs import export

    names = ("precision", "postprocess", "input_rate", "fixed_shape", "overwrite")
    options = {name: getattr(args, name) for name in names}
    export.formats.plan(args.output, args.format, **options)
    _import_tensorflow()
    from vggish_tf.jobs.export.pipeline import read_model

    model = read_model(args.model) if args.model else args.weights
    pca = None if args.pca == "none" else args.pca
    export.export(model, args.output, format=args.format, params=params, pad=args.pad, pca=pca, **options)


def _finetune(args):
    params = _params(args)
    _import_tensorflow()
    cli_finetune.run(args, params)


def _classify(args):
    _import_tensorflow()
    from vggish_tf.jobs import classify

    classify.classify_files(
        classify.Classifier(args.model), args.files, top=args.top, whole=args.whole, output=args.output
    )


def _import_tensorflow():
    """Imports TensorFlow without the messages that it writes before its own log level counts; a failure shows them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as captured, contextlib.ExitStack() as undo:
        undo.callback(os.close, stderr)
        undo.callback(os.dup2, stderr, 2)
        os.dup2(captured.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()  # looks for a GPU, and says at length that there is none
        except BaseException:
            captured.seek(0)
            os.write(stderr, captured.read())
            raise
