"""`vggish-tf export`: weights or a model → a file for another runtime."""

import argparse
import json
from pathlib import Path

from vggish_tf.cli import options, output, process
from vggish_tf.weights import keras_files

HELP = "write a model for another runtime, and check it there"
EXAMPLE = "vggish-tf export --format onnx -o vggish.onnx"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "--format",
        required=True,
        metavar="FORMAT",
        help="saved_model, frozen_graph, onnx, tflite, openvino, keras, weights, tf1_checkpoint or "
        "web, a page that runs in a browser",
    )
    options.add_output(parser, "PATH", "beside it comes PATH.json; web: a new folder")
    weights = parser.add_mutually_exclusive_group()
    options.add_weights(weights)
    weights.add_argument("--model", type=Path, metavar="FILE", help=(
        "a .keras file instead of --weights, a fine-tuned classifier too"))  # fmt: skip
    options.add_params(parser)
    parser.add_argument(
        "--pad",
        choices=("never", "short", "always"),
        help="see embed; default: as the model, or never",
    )
    parser.add_argument(
        "--postprocess", choices=("pca", "quantized"), help="whiten, or also quantize to 8 bits"
    )
    parser.add_argument(
        "--pca",
        default="own",
        metavar="NPZ",
        help='PCA parameters of --postprocess and the signature quantized; "none" leaves that out',
    )
    parser.add_argument(
        "--input-rate", type=int, metavar="HZ", help="resample audio of this rate inside the model"
    )
    parser.add_argument("--fixed-shape", type=float, metavar="SECONDS", help=(
        "tflite: one clip of this length at a time, as LiteRT.js needs it"))  # fmt: skip
    parser.add_argument(
        "--precision",
        help="of the weights: float32, bfloat16, float16, int8 or int4, as the format has it",
    )
    options.add_overwrite(parser, "PATH")


def run(args: argparse.Namespace):
    params = options.params_of(args) if args.set else None
    from vggish_tf.jobs import export

    names = ("format", "precision", "pad", "postprocess", "input_rate", "fixed_shape", "overwrite")
    chosen = {name: getattr(args, name) for name in names}
    chosen |= {"params": params, "pca": None if args.pca == "none" else args.pca}
    export.catalogue.plan(args.output, export.catalogue.Options(**chosen))
    if args.model:
        keras_files.check(args.model)
    else:
        options.check_weights(args.weights)
    process.import_tensorflow()
    from vggish_tf.model import load_model

    export.export(load_model(args.model) if args.model else args.weights, args.output, **chosen)
    output.result(lambda: _as_json(args))


def _as_json(args: argparse.Namespace) -> dict:
    """The result: the path, and the manifest that was written with it."""
    from vggish_tf.jobs.export import catalogue

    holds_it = catalogue.FORMATS[args.format].holds_manifest
    about = json.loads(catalogue.manifest_of(args.output, holds_it).read_text(encoding="utf-8"))
    return {"output": args.output, "untrained": about["weights"]["untrained"], "manifest": about}
