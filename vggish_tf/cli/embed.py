"""`vggish-tf embed`: audio → embeddings, one file or a whole archive."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.cli import options, output
from vggish_tf.errors import AudioError, VGGishError, counted, how_to_install

if TYPE_CHECKING:
    from vggish_tf.jobs.embed.progress import Progress

HELP = "embed audio files, folders, lists and tables"
EPILOG = "A run that was stopped goes on with the same command, and ends with the same rows."
EXAMPLE = "vggish-tf embed sounds -o rows"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help=(
        "a file, a folder, a glob, @list.txt or - for a list, a CSV or Parquet table "
        "path[,start,end], a .tar shard"))  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=(
        "a folder; or a file: .npz for one clip; .parquet, .csv or .tfrecord for all"))  # fmt: skip
    weights = parser.add_mutually_exclusive_group()
    options.add_weights(weights)
    options.add_untrained(weights, "the embeddings")
    options.add_profile(parser)
    options.add_params(parser)
    parser.add_argument("--pad", choices=("never", "short", "always"), help=(
        "zero-pad no clip, clips too short for one row, or the end of every clip (default: the "
        "profile's, which is short without one)"))  # fmt: skip
    parser.add_argument(
        "--postprocess", choices=("pca", "quantized"), help="PCA whitening, or also 8 bits"
    )
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help=(
        "bfloat16 is faster where the processor has it (default: float32)"))  # fmt: skip
    parser.add_argument("--engine", choices=("keras", "openvino", "onnxruntime"), default="keras",
        help="what computes the network (default: keras)")  # fmt: skip
    _add_archive(parser.add_argument_group("archives"))


def _add_archive(group: argparse._ActionsContainer):
    group.add_argument("--format", metavar="FORMAT", help=(
        "of OUT: parquet (default for a folder), csv, npz (a file a clip), tfrecord (as AudioSet), "
        "youtube8m, memmap; default: by its suffix"))  # fmt: skip
    group.add_argument(
        "--overwrite", action="store_true", help="replace OUT, if it is not a folder of Parquet"
    )
    group.add_argument(
        "--prune", action="store_true", help="remove the rows of clips that are no INPUT any more"
    )
    group.add_argument(
        "--pool",
        choices=("mean", "max", "mean+std"),
        help="one row a clip instead of one an example",
    )
    group.add_argument(
        "--max-failures", type=options.whole, metavar="N", help="stop after more bad clips than N"
    )
    group.add_argument("--events", type=Path, metavar="FILE", help=(
        "write a line of JSON there for each clip as it is done, for other programs"))  # fmt: skip
    group.add_argument("--beam", nargs=argparse.REMAINDER, metavar="OPTION", help=(
        "run as an Apache Beam pipeline; all that follows is passed on to Beam, as in "
        "--beam --runner=FlinkRunner --flink_master=…"))  # fmt: skip


def run(args: argparse.Namespace):
    from vggish_tf import formats
    from vggish_tf.jobs import embed
    from vggish_tf.weights import identity

    asked = options.profile_of(args)
    params = options.params_of(args, base=asked.params)
    profile = asked.given(params=params, pad=args.pad, postprocess=args.postprocess)
    weights = None if args.untrained else args.weights
    how = {"precision": args.precision, "engine": args.engine}

    def embedder():
        options.prepare(weights)
        from vggish_tf.embedding import Embedder
        from vggish_tf.progress import note

        made = Embedder(weights, profile=profile, **how)
        if made.untrained:
            note("UNTRAINED WEIGHTS (random): the pipeline is real, the embeddings mean nothing.")
        return made

    files = embed.local_files(args.inputs)
    if _is_one_npz(args, files) and not profile.pool:
        embed.embed_each(files, args.output, embedder, overwrite=args.overwrite)
        output.result(lambda: _as_json(args.output, 1, [], formats.read(args.output).provenance))
        return
    if files:
        options.check_audio(files)
    others = {"pool": args.pool or profile.pool, "precision": args.precision}
    known = {**profile.provenance, **others}
    _embed_archive(args, embedder, lambda: {**known, "weights": identity.known_of(weights)})


def _is_one_npz(args: argparse.Namespace, files: list[Path]) -> bool:
    """Whether OUT is the npz of one FILE, and nothing else is asked for."""
    others = (args.pool, args.max_failures, args.beam, args.events)
    to_npz = args.output.endswith(".npz") and args.format in (None, "npz")
    return len(files) == 1 and to_npz and all(option is None for option in others)


def _embed_archive(args: argparse.Namespace, embedder, settings):
    from vggish_tf.jobs.embed import embed_archive, table_of_failures, work_here
    from vggish_tf.progress import show

    with _progress(args.events) as said:
        try:
            failures = embed_archive(
                args.inputs,
                args.output,
                embedder,
                format=args.format,
                overwrite=args.overwrite,
                prune=args.prune,
                pool=args.pool,
                max_failures=args.max_failures,
                progress=said,
                runner=work_here if args.beam is None else _beam(args.beam),
                settings=settings,
            )
        except KeyboardInterrupt:
            show("What is done is kept. The same command goes on.", sys.stderr)
            raise
    output.result(lambda: _as_json(args.output, said.num_clips, failures, said.provenance))
    if failures:
        failed = counted(len(failures), "clip")
        table = table_of_failures(args.output, args.format)
        raise AudioError(f"{failed} could not be embedded; the rest was written. See {table}.")


@contextmanager
def _progress(events: Path | None) -> "Iterator[Progress]":
    from vggish_tf.jobs.embed import progress

    if events is None:
        yield progress.Bar()
        return
    with open(events, "w", encoding="utf-8") as file:
        yield progress.Json(file)


def _as_json(path: str, num_clips: int, failures: list, provenance: dict) -> dict:
    """The result: the output, how many clips it has, and what its rows were made with."""
    return {
        "output": path,
        "clips": num_clips,
        "embedded": num_clips - len(failures),
        "failures": failures,
        "untrained": provenance.get("weights", {}).get("untrained"),
        "provenance": provenance,
    }


def _beam(flags: list[str]):
    """The function that runs the units on Beam."""
    try:
        from vggish_tf.integrations import beam
    except ImportError:
        raise VGGishError(f"--beam needs Apache Beam. {how_to_install('beam')}") from None

    return beam.runner(flags)
