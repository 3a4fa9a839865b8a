"""The command line, vggish-tf. Every heavy import is inside the command that needs it, so that --help is immediate.

A mistake by the user is one line on standard error and an exit status that tells the kind: 2 the
command line, 3 audio, 4 weights, 5 everything else that vggish_tf refuses, 6 the operating system,
130 interrupted, 143 terminated. `verify` exits with 1 if the weights do not give the published
figures. Whatever can be checked without TensorFlow is checked before it is imported.
"""

import argparse
import os
from pathlib import Path

import vggish_tf
from vggish_tf import cli_finetune, cli_options, cli_process, importing, keras_files
from vggish_tf.files import check_target, make_folder


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    with cli_process.standard_streams():
        return cli_process.run(_parser().parse_args(arguments))


class _Command(argparse.ArgumentParser):
    """A command's parser; it refuses an unknown option itself, so that its own usage is shown."""

    def parse_known_args(self, args=None, namespace=None):
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return namespace, unknown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vggish-tf", description="VGGish audio embeddings: sound in, AudioSet embeddings out."
    )
    parser.add_argument("--version", action="version", version=f"vggish-tf {vggish_tf.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Command)
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
    weights = parser.add_mutually_exclusive_group()
    cli_options.add_weights(weights)
    weights.add_argument("--untrained", dest="weights", action="store_const", const=None, help=(
        "untrained weights: shows how things go, and the embeddings mean nothing"))  # fmt: skip
    cli_options.add_params(parser)
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
    cli_options.add_weights(parser, default=None)
    cli_options.add_params(parser)


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
    weights = parser.add_mutually_exclusive_group()
    cli_options.add_weights(weights)
    weights.add_argument("--model", type=Path, metavar="FILE", help=(
        "a .keras file instead of --weights, a fine-tuned classifier too"))  # fmt: skip
    cli_options.add_params(parser)
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
    weights = parser.add_mutually_exclusive_group()
    cli_finetune.add_arguments(parser, weights)
    cli_options.add_weights(weights)
    cli_options.add_params(parser)


def _add_classify(commands):
    parser = _add_command(commands, "classify", _classify, "print the scores that a classifier gives to audio files")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .keras file that finetune wrote")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="audio of any rate and channel count")
    parser.add_argument("--top", type=cli_finetune.count, default=3, metavar="N", help="scores in a line (default: 3)")
    parser.add_argument("--whole", action="store_true", help="only the whole clip, not its examples one by one")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="a .csv for all the scores")


def _embed(args):
    params = cli_options.params_of(args)
    from vggish_tf.jobs import bulk

    def embedder():
        cli_options.check_weights(args.weights)
        _import_tensorflow()
        import keras

        from vggish_tf.embedding import Embedder

        keras.utils.set_random_seed(0)  # of untrained weights
        made = Embedder(
            args.weights, params=params, pad=args.pad, postprocess=args.postprocess, precision=args.precision
        )
        if made.untrained:
            print("UNTRAINED WEIGHTS (random): the pipeline is real, the embeddings mean nothing.")
        return made

    bulk.embed_archive(args.files, args.output, embedder)


def _inspect(args):
    check_target(args.output, endings=(".html", ".htm"))
    from vggish_tf import audio

    sample_rate = audio.audio_info(args.audio).sample_rate
    params = cli_options.params_of(args, {"sample_rate": sample_rate} if args.native_rate else {})
    cli_options.check_weights(args.weights)
    _import_tensorflow()
    from vggish_tf.jobs import report

    report.inspect(args.audio, params=params, weights=args.weights, output=args.output)


def _fetch(args):
    from vggish_tf import registry

    for name in registry.REGISTRY:
        path = registry.fetch(name)
        print(f"{path}\n  MD5      {registry.md5_of(path)}\n  SHA-256  {registry.sha256_of(path)}")


def _verify(args):
    cli_options.check_weights(args.weights)
    _import_tensorflow()
    from vggish_tf import checkpoints

    report = checkpoints.verify(args.weights)
    print(report)
    return 0 if report.passed else 1


def _demo(args):
    make_folder(args.output)
    _import_tensorflow()
    from vggish_tf.jobs import demo

    demo.run(args.output)


def _export(args):
    params = cli_options.params_of(args) if args.set else None
    from vggish_tf.jobs import export

    names = ("precision", "postprocess", "input_rate", "fixed_shape", "overwrite")
    options = {name: getattr(args, name) for name in names}
    export.formats.plan(args.output, args.format, **options)
    if args.model:
        keras_files.check(args.model)
    else:
        cli_options.check_weights(args.weights)
    _import_tensorflow()
    from vggish_tf.model import load_model

    model = load_model(args.model) if args.model else args.weights
    pca = None if args.pca == "none" else args.pca
    export.export(model, args.output, format=args.format, params=params, pad=args.pad, pca=pca, **options)


def _finetune(args):
    params = cli_options.params_of(args)
    cli_finetune.check(args)
    if not args.untrained:
        cli_options.check_weights(args.weights)
    _import_tensorflow()
    cli_finetune.run(args, params)


def _classify(args):
    if args.output:
        check_target(args.output, endings=(".csv",))
    keras_files.check(args.model)
    cli_options.check_audio(args.files)
    _import_tensorflow()
    from vggish_tf.jobs import classify

    classify.classify_files(
        classify.Classifier(args.model), args.files, top=args.top, whole=args.whole, output=args.output
    )


def _import_tensorflow():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    importing.keras()
