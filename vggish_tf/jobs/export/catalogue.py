"""The table of export formats: writer, capabilities, tolerances and requirements of each.

This module imports neither TensorFlow nor any runtime, so that user errors are reported at once.
"""

import importlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from vggish_tf.errors import UsageError, VGGishError, check_word, how_to_install
from vggish_tf.files import check_target

if TYPE_CHECKING:
    from vggish_tf.frontend.framing import Pad
    from vggish_tf.model import Postprocess, Weights
    from vggish_tf.params import Params

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "int4": 0.5}  # of one weight

# {"inputs": {name: {"dtype": …, "shape": …}}, "outputs": …}
Signatures = dict[str, dict[str, dict]]


class Loaded(NamedTuple):
    """An exported file in its own runtime."""

    run: Callable[[np.ndarray], np.ndarray]  # (batch, num_samples) → embeddings or scores
    signatures: dict[str, Signatures]
    about: dict[str, Any] = {}  # noqa: RUF012, further entries of the manifest
    lines: Sequence[str] = ()  # to be printed


@dataclass(frozen=True)
class Options:
    """Options of an export, as for vggish_tf.jobs.export.export; None takes those of the model."""

    format: str = "saved_model"
    precision: str | None = None
    params: "Params | None" = None
    pad: "Pad | None" = None
    postprocess: "Postprocess" = None
    pca: "Weights | Literal['own']" = "own"
    input_rate: int | None = None
    fixed_shape: float | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Format:
    """An export format.

    Args:
        module: the module in `writers`, with write(pipeline, path, precision) and load(path,
            pipeline) → Loaded.
        tolerances: precision → the largest allowed difference to the live model, as a fraction of
            the largest number in the embeddings; the first precision is the default.
        whole: whether the format holds the whole pipeline; otherwise it holds the network alone,
            without front end, resampler and postprocessor.
        extra, needs: the extra of the package and the modules that it installs; empty if none.
        fixes_shape: whether the format can hold a model for one clip of a fixed length.
        suffixes: the suffixes of further files.
        ending: the required end of the file name, if the runtime depends on it.
        mark: for a folder, the file in it that identifies the format.
        holds_manifest: whether the manifest is in the folder; otherwise it is beside the export.
        beforehand: the module in `writers` whose fetch() gets further files, if any.
        more_bytes: the size of further files, and of layers with more bits than the precision.
    """

    module: str
    tolerances: dict[str, float]
    whole: bool = True
    extra: str = ""
    needs: tuple[str, ...] = ()
    fixes_shape: bool = False
    suffixes: tuple[str, ...] = ()
    ending: str = ""
    mark: str = ""
    holds_manifest: bool = False
    beforehand: str = ""
    more_bytes: int = 0

    def load_module(self) -> ModuleType:
        return _writer(self.module)

    def fetch(self) -> None:
        """Fetches the further files of the format, if they are not on this machine."""
        if self.beforehand:
            _writer(self.beforehand).fetch()


def _writer(module: str) -> ModuleType:
    return importlib.import_module(f"vggish_tf.jobs.export.writers.{module}")


# Tolerances, relative to the largest number in the embeddings (to 1 for scores). Each has its
# reason, and the largest difference seen over the signals of the check.
# float32 on both sides, another order of summation in nine layers of up to 12,288 products: 3e-6
FLOAT32 = 5e-5
# the same after a resampler in another runtime, whose rounding changes the log-mel of the silent
# bins beside a full-scale tone: 9e-5 on the smoke signal at 32 kHz; 3e-6 without a resampler
FLOAT32_RESAMPLED = 3e-4
# weights of 11 bits, in nine layers: 4e-3
FLOAT16 = 1e-2
# weights of 8 bits, and 8 bits between the layers too: 4e-2
BFLOAT16 = 1e-1
# weights of 127 steps in each channel, and inputs of 127 steps in each layer: 0.12, cosine 0.987
INT8 = 0.2
# weights of 8 bits in the three dense layers, the rest float32: 0.024
INT8_DENSE = 0.06
# weights of 4 bits in the two wide layers, the rest float32: 0.18, cosine 0.982
INT4_DENSE = 0.35

FORMATS: dict[str, Format] = {
    "saved_model": Format(
        "saved_model", {"float32": FLOAT32, "bfloat16": BFLOAT16}, mark="saved_model.pb"
    ),
    "frozen_graph": Format("frozen_graph", {"float32": FLOAT32}, whole=False),
    "onnx": Format(
        "onnx",
        {"float32": FLOAT32_RESAMPLED},
        extra="onnx",
        needs=("tf2onnx", "onnx", "onnxruntime"),
    ),
    "tflite": Format(
        "tflite",
        {"float32": FLOAT32_RESAMPLED, "float16": FLOAT16, "int8": INT8},
        extra="tflite",
        fixes_shape=True,
        needs=("ai_edge_litert", "ai_edge_quantizer"),
    ),
    "openvino": Format(
        "openvino",
        {"float32": FLOAT32_RESAMPLED},
        extra="openvino",
        needs=("openvino",),
        suffixes=(".bin",),
        ending=".xml",
    ),
    "keras": Format("keras_model", {"float32": FLOAT32}, ending=".keras"),
    "weights": Format("weights", {"float32": FLOAT32}, whole=False, ending=".weights.h5"),
    "tf1_checkpoint": Format("tf1_checkpoint", {"float32": FLOAT32}, whole=False),
    "web": Format(
        "web.site",
        {"int8": INT8_DENSE, "int4": INT4_DENSE, "float16": FLOAT16, "float32": FLOAT32},
        whole=False,
        extra="onnx",
        needs=("onnx", "onnxruntime"),
        mark="front_end.json",
        holds_manifest=True,
        beforehand="web.runtime",
        more_bytes=65_000_000,
    ),
}


def find(name: str) -> Format:
    """Returns the format of a name, after a check that its requirements are installed.

    Raises:
        UsageError: there is no such format.
        VGGishError: an extra of the package is missing.
    """
    check_word("format", name, tuple(FORMATS))
    chosen = FORMATS[name]
    missing = [module for module in chosen.needs if find_spec(module) is None]
    if missing:
        raise VGGishError(
            f"the format {name!r} needs {', '.join(missing)}, which is not installed. "
            f"{how_to_install(chosen.extra)}"
        )
    return chosen


def plan(path: str | os.PathLike[str], options: Options) -> tuple[str, list[Path]]:
    """Returns the precision, and the files that will be written, `path` last.

    All checks that need no TensorFlow are made here, before long work starts.

    Raises:
        UsageError, VGGishError: as vggish_tf.jobs.export.export.
    """
    name, chosen, path = options.format, find(options.format), Path(path)
    precision = options.precision or next(iter(chosen.tolerances))
    advice = f"The format {name!r} has no other."
    check_word("precision", precision, tuple(chosen.tolerances), advice)
    check_options(name, postprocess=options.postprocess, input_rate=options.input_rate)
    if options.fixed_shape is not None and not chosen.fixes_shape:
        raise UsageError(
            f"the format {name!r} takes any batch and length: fixed_shape={options.fixed_shape!r} "
            "does not apply to it. Leave it out, or choose the format 'tflite'."
        )
    _check_target(path, options.overwrite, chosen, ends=True)
    beside = [] if chosen.holds_manifest else [manifest_of(path)]
    targets = [*(path.with_suffix(suffix) for suffix in chosen.suffixes), *beside, path]
    for target in reversed(targets[:-1]):
        _check_target(target, options.overwrite, chosen, ends=False)
    chosen.fetch()
    return precision, targets


def _check_target(target: Path, overwrite: bool, chosen: Format, *, ends: bool):
    """Raises if `target` must not be replaced; a folder of an earlier export may be."""
    if target.name in ("", ".."):
        raise VGGishError(f"cannot write {target}: it has no name. Give the name of a new folder.")
    if ends and chosen.mark and overwrite and target.is_file():
        raise VGGishError(f"cannot write {target}: it is a file. Give the name of a folder.")
    if not (overwrite and chosen.mark and (target / chosen.mark).is_file()):
        endings = [chosen.ending] if ends and chosen.ending else []
        check_target(target, overwrite=overwrite, endings=endings)


def check_options(name: str, **options):
    """Raises for options that need the whole pipeline, if the format holds the network alone.

    Raises:
        UsageError: an option is given; the message names it.
    """
    for option, value in options.items():
        if value is not None and not FORMATS[name].whole:
            raise UsageError(
                f"the format {name!r} holds the network alone, examples to embedding: "
                f"{option}={value!r} does not apply to it. Leave it out, or choose another format."
            )


def check_space(path: Path, num_params: int, precision: str, more_bytes: int = 0):
    """Raises if the weights and `more_bytes` do not fit on the disk.

    Raises:
        VGGishError: they do not fit; the message gives the space needed and the space free.
    """
    needed = num_params * BYTES[precision] + more_bytes
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise VGGishError(
            f"cannot write {path}: it needs {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are "
            "free on that disk. Make room, or choose another folder."
        )


def manifest_of(path: Path, inside: bool = False) -> Path:
    """The path of the manifest of an export, beside it or inside."""
    return path / "manifest.json" if inside else path.with_name(path.name + ".json")
