"""One model, every runtime: each export is loaded back in the runtime it is for, and compared with
the live model.

    catalogue     the formats by name: precisions, tolerances, what they need
    pipeline      what is exported, in pieces
    classifiers   what is refused of a fine-tuned classifier
    writers/      a file a format
    check         the comparison
    manifest      what is written beside the file

Nothing is quantized or cut down unless a precision asks for it, and nothing is trained here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vggish_tf.errors import VGGishError, check_word, reason_of
from vggish_tf.files import replacing_all
from vggish_tf.jobs.export import catalogue

if TYPE_CHECKING:  # so that a mistake is answered before Keras and TensorFlow have been imported
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
    """Exports a model, checks the result in its own runtime, and prints the largest difference to
    the live model.

    Beside the export comes a manifest, `<path>.json`: identity of the weights, params, signatures,
    versions, difference. "web" has it inside, manifest.json, with the lowest cosines to the live
    model over a few sounds.

    The embedding of an example that holds a sample which is not finite (NaN, infinity, 1e39) is
    NaN, and bytes, which have no NaN, are 0; scores of a whole clip are NaN if one of its examples
    is. No other row changes. With input_rate
    that goes for what the resampler makes: its window, 22 ms at 44.1 kHz, may carry NaN into an
    example next to it.

    Args:
        model: one that VGGish() or finetune.classifier() made, or "audioset", the path of a
            checkpoint, or None for untrained weights. A classifier's export gives `scores` instead
            of `embedding`; the formats for the network alone take finetune.network(classifier).
        path: of the file, or for "saved_model" and "web" of the folder.
        format: "saved_model", "frozen_graph", "onnx", "tflite", "openvino", "keras", "weights",
            "tf1_checkpoint" or "web", a page for browsers.
        precision: of the weights: "float32", "bfloat16" (saved_model), "float16" (tflite,
            openvino, web), "int8" (tflite, web), "int4" (web).
        params, pad, postprocess: instead of those of the model; a classifier keeps its own.
        pca: PCA parameters, for `postprocess` and for the signature `quantized` of a SavedModel:
            "own" for those of the model or else the published ones, "audioset", the path of an npz,
            or None, which leaves that signature out. A model that has its own keeps them.
        input_rate: Hz, of the waveforms that the exported model takes; it resamples them itself.
        fixed_shape: seconds, of the one clip that the exported model takes at a time; "tflite"
            alone, for runtimes such as LiteRT.js that know no other shapes. None for any batch and
            length.
        overwrite: True replaces what is there.

    Returns:
        path

    Raises:
        UsageError: an unknown word; a format that cannot hold what is asked; arguments that
            contradict the model.
        VGGishError: a missing extra of the package; a path that exists or cannot be written; a full
            disk; an export that differs from the model by more than its tolerance. In every case
            there is no new file.
        CheckpointError: the weights or the PCA parameters cannot be had, or do not fit.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> export(None, f"{folder}/vggish.weights.h5", format="weights").name  # doctest: +SKIP
        'vggish.weights.h5'
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
    print(f"{path}: {format}, {precision}{marked}; {comparison}", *loaded.lines, sep="\n")
    return path


@contextmanager
def _naming(path: Path, written: Path) -> Iterator[None]:
    """Turns the errors of a writer, a full disk for example, into one line with the name that was
    asked.
    """
    import tensorflow as tf

    try:
        yield
    except VGGishError as error:
        raise type(error)(str(error).replace(str(written), str(path))) from None
    except (OSError, tf.errors.OpError) as error:
        raise VGGishError(
            f"cannot write {path}: {reason_of(error)}. Nothing was written."
        ) from None
