"""Export to many formats: each file is loaded in its runtime and compared with the live model.

    catalogue     the formats by name: precisions, tolerances, requirements
    pipeline      the parts of the model that is exported
    classifiers   options that a fine-tuned classifier refuses
    writers/      a file for each format
    check         the comparison
    manifest      the description beside the file

Weights are rounded only if the precision says so. Nothing is trained here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vggish_tf.errors import VGGishError, check_word, reason_of, system_error_of
from vggish_tf.files import replacing_all
from vggish_tf.jobs.export import catalogue
from vggish_tf.progress import note

if TYPE_CHECKING:  # so that a mistake is reported before Keras and TensorFlow are imported
    import keras

    from vggish_tf.frontend.layers import Pad
    from vggish_tf.model import Postprocess, Weights
    from vggish_tf.params import Params

__all__ = ["export"]


def export(
    model: "Weights | keras.Model",
    path: str | os.PathLike[str],
    *,
    format: str = "saved_model",
    precision: str | None = None,
    params: "Params | None" = None,
    pad: "Pad | None" = None,
    postprocess: "Postprocess" = None,
    pca: "Weights | Literal['own']" = "own",
    input_rate: int | None = None,
    fixed_shape: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Exports a model, checks the file in its own runtime, and prints the largest difference.

    A manifest, `<path>.json`, is written beside the export: identity of the weights, params,
    signatures, versions, difference. "web" has it in the folder, as manifest.json, with the lowest
    cosines to the live model for a few sounds.

    The embedding of an example with a sample that is not finite (NaN, infinity, 1e39) is NaN; if
    quantized, it is 0, since bytes have no NaN. The scores of a whole clip are NaN if one of its
    examples is. No other row changes. With `input_rate`, the resampler's filter, 22 ms at 44.1 kHz,
    may spread NaN into the next example.

    Args:
        model: a model of VGGish() or finetune.classifier(), or "audioset", the path of a
            checkpoint, or None for untrained weights. An exported classifier gives `scores` instead
            of `embedding`; formats for the network alone need finetune.network(classifier).
        path: the file to write; for "saved_model" and "web", the folder.
        format: "saved_model", "frozen_graph", "onnx", "tflite", "openvino", "keras", "weights",
            "tf1_checkpoint" or "web", a page for browsers.
        precision: the precision of the weights: "float32", "bfloat16" (saved_model), "float16"
            (tflite, web), "int8" (tflite, web) or "int4" (web). None is float32, and int8 for web.
        params, pad, postprocess: replace those of the model; a classifier keeps its own.
        pca: PCA parameters for `postprocess` and for the signature `quantized` of a SavedModel:
            "own" for those of the model, or the published ones if it has none; "audioset"; the path
            of a file; or None, which leaves out that signature. A model with a postprocessor keeps
            its own.
        input_rate: the rate of the waveforms that the exported model takes, in Hz; it resamples
            them. None is params.sample_rate.
        fixed_shape: the length, in seconds, of the only clip in a batch; for "tflite", and for
            runtimes such as LiteRT.js that need fixed shapes. None is any batch and length.
        overwrite: whether an existing export may be replaced.

    Returns:
        path: the path of the export.

    Raises:
        UsageError: a word is unknown, the format does not support an option, or an option
            contradicts the model.
        VGGishError: an extra of the package is missing; the path exists or cannot be written; or
            the export differs from the model by more than its tolerance. No file is written.
        OSError: an error of the system, such as a full disk. No file is written.
        CheckpointError: the weights or the PCA parameters cannot be found or fetched, or do not
            fit.

    Example:
        >>> import tempfile, vggish_tf
        >>> model = vggish_tf.VGGish(None)
        >>> export(model, tempfile.mkdtemp() + "/vggish.keras", format="keras").name
        /...vggish.keras: keras, float32, UNTRAINED weights; largest difference ... allowed
        'vggish.keras'
    """
    path = Path(path)
    options = catalogue.Options(
        format, precision, params, pad, postprocess, pca, input_rate, fixed_shape, overwrite
    )
    precision, targets = catalogue.plan(path, options)

    from vggish_tf.frontend.framing import PADS
    from vggish_tf.jobs.export import check, manifest, pipeline
    from vggish_tf.model import POSTPROCESSES

    check_word("pad", pad, (*PADS, None))
    check_word("postprocess", postprocess, POSTPROCESSES)
    parts = pipeline.take_apart(model, options)
    chosen = catalogue.FORMATS[format]
    num_params = parts.network.count_params()
    catalogue.check_space(path, num_params, precision, chosen.more_bytes)
    module = chosen.load_module()
    with replacing_all(targets) as folder:
        written = folder / path.name
        with _naming(path, written):
            module.write(parts, written, precision)
        loaded = module.load(written, parts)
        comparison = check.compare(parts, loaded, chosen.tolerances[precision])
        about = {
            "format": format,
            "precision": precision,
            **manifest.describe(parts, loaded, comparison, chosen.needs),
            **loaded.about,
        }
        with _naming(path, written):
            manifest.write(catalogue.manifest_of(written, chosen.holds_manifest), about)
    marked = ", UNTRAINED weights" if parts.identity.untrained else ""
    said = f"{path}: {format}, {precision}{marked}; {comparison}"
    note(said, *loaded.lines, always=parts.identity.untrained)
    return path


@contextmanager
def _naming(path: Path, written: Path) -> Iterator[None]:
    """Turns the errors of a writer, such as a full disk, into those about `path`."""
    import tensorflow as tf

    try:
        yield
    except VGGishError as error:
        raise type(error)(str(error).replace(str(written), str(path))) from None
    except (OSError, tf.errors.OpError) as error:
        other = VGGishError(f"cannot write {path}: {reason_of(error)}. Nothing was written.")
        raise system_error_of(error, path) or other from None
