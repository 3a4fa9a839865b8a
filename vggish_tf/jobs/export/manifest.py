"""The manifest of an export: its weights, signatures, versions, and difference to the model."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import vggish_tf
from vggish_tf.errors import printable
from vggish_tf.jobs.export.catalogue import Loaded
from vggish_tf.jobs.export.check import SECONDS, Comparison
from vggish_tf.jobs.export.pipeline import Pipeline

PACKAGES = ("tensorflow", "keras", "numpy")


def describe(
    pipeline: Pipeline, loaded: Loaded, comparison: Comparison, needs: Iterable[str] = ()
) -> dict:
    """The manifest of an export, as a dictionary that JSON can hold.

    `needs` are the modules of the runtime, whose versions are recorded.
    """
    return {
        "weights": pipeline.identity.as_json(),
        "params": asdict(pipeline.params),
        "pad": pipeline.pad,
        "postprocess": pipeline.postprocess,
        "input_rate": pipeline.rate,
        **_classes(pipeline),
        "signatures": loaded.signatures,
        "check": {
            "signals": list(SECONDS),
            "largest_difference": comparison.largest,
            "allowed_difference": comparison.allowed,
        },
        "versions": {"vggish_tf": vggish_tf.__version__, **_versions(needs)},
    }


def _classes(pipeline: Pipeline) -> dict:
    """The labels of a classifier, and the post-processing in its head."""
    if pipeline.head is None:
        return {}
    scores = pipeline.head.get_layer("scores")
    whitens = "postprocess" in {layer.name for layer in pipeline.head.layers}
    return {
        "head_sha256": pipeline.head_sha256,
        "postprocess": "pca" if whitens else None,
        "labels": scores.labels,
        "multi_label": scores.multi_label,
    }


def write(path: Path, manifest: dict):
    text = printable(json.dumps(manifest, indent=2, ensure_ascii=False))
    path.write_text(f"{text}\n", encoding="utf-8")


def _versions(needs: Iterable[str]) -> dict[str, str]:
    return {name: _version(name) for name in [*PACKAGES, *needs]}


def _version(module: str) -> str:
    try:
        return version(module)  # a distribution is found under its module's name, with _ for -
    except PackageNotFoundError:  # tensorflow is also distributed as tensorflow-cpu
        return str(getattr(__import__(module), "__version__", "unknown"))
