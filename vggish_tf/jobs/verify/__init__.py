"""verify(): the official smoke test on a file of weights, and the generation of its figures."""

import os
from dataclasses import dataclass

import keras
import numpy as np

from vggish_tf.errors import listed
from vggish_tf.jobs.verify import smoke_test
from vggish_tf.network import backbone
from vggish_tf.weights import loading, registry
from vggish_tf.weights.identity import Identity
from vggish_tf.weights.known import REGISTRY, KnownFile


@dataclass(frozen=True, kw_only=True)
class Verification(Identity):
    """Verification of weights: their identity, and the figures of the smoke test; print it.

    Args:
        figures: the figures of the smoke test, without activation; those of quantized embeddings
            are None without PCA parameters.
        with_relu: the figures with a ReLU, as in the first release.
        generation: a key of smoke_test.GENERATIONS, or smoke_test.NO_GENERATION.
        max_difference: the largest difference of example 0 to the 128 numbers of the official
            script.
        note: the reason why the quantized figures are None, or "".
        extras: the names of other tensors in the file, which are not loaded.
        known_as: the known file with the same digests, or "".
    """

    figures: smoke_test.Figures
    with_relu: smoke_test.Figures
    generation: str
    max_difference: float
    note: str = ""
    extras: tuple[str, ...] = ()
    known_as: str = ""

    @property
    def passed(self) -> bool:
        """Whether the figures are the current published ones, and example 0 has the 128 numbers."""
        is_current = self.generation == smoke_test.CURRENT
        return is_current and self.max_difference < smoke_test.EXAMPLE_0_ATOL

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        if self.untrained:
            return "UNTRAINED weights: every bias is zero, as the initializer leaves them."
        if self.passed:
            other = "" if self.published else ", in another file than the published one"
            return f"the published weights{other}."
        if self.published:
            return (
                "a published file, but this installation does not compute the published figures: "
                "that is a bug."
            )
        return "NOT the published weights."

    def __str__(self):
        quantized = f"not known: {self.note}"
        if self.figures.quantized_mean is not None:
            quantized = (
                f"mean {self.figures.quantized_mean:.1f}, std {self.figures.quantized_std:.1f}"
            )
        published = REGISTRY["audioset"]
        extras = listed([repr(name) for name in self.extras])
        rows = {
            "checkpoint": self.path,
            "MD5": f"{self.md5} ({_as_published(self.md5 == published.md5)})",
            "SHA-256": f"{self.sha256} ({_as_published(self.sha256 == published.sha256)})",
            **({"known as": self.known_as} if self.known_as else {}),
            "values": f"SHA-256 {self.values_sha256}",
            **({"not loaded": f"{len(self.extras)} others: {extras}"} if extras else {}),
            "embedding": self.figures,
            "with a ReLU": self.with_relu,
            "quantized": quantized,
            "example 0": f"{self.max_difference:.1e} from the official numbers, at most",
            "figures": self.generation,
            "verdict": self.verdict,
        }
        return "\n".join(f"{name:<12} {value}" for name, value in rows.items())


def _as_published(same: bool) -> str:
    return "as published" if same else "not that of the published file"


def verify(
    path: str | os.PathLike[str] = "audioset",
    *,
    pca: str | os.PathLike[str] = "audioset",
    average: str = "",
) -> Verification:
    """Runs the official smoke test with the weights of a file.

    Args:
        path, average: as for `load_weights`.
        pca: "audioset", or the path of PCA parameters, for the quantized figures.

    Returns:
        Verification, with the generation of the published figures that the weights give.

    Raises:
        CheckpointError: as `load_weights`. Missing PCA parameters are no error: the result has a
            note about them.

    Example:
        >>> verify("nowhere.ckpt")
        Traceback (most recent call last):
        vggish_tf.errors.CheckpointError: there is no checkpoint at nowhere.ckpt. Give the path ...
    """
    model = backbone.network(dtype="float32", initializer="zeros")
    identity, extras = loading.load(model, path, average)
    embedding = keras.ops.convert_to_numpy(model(smoke_test.examples().astype(np.float32)))
    figures, note = smoke_test.figures_of(embedding, pca)
    with_relu, _ = smoke_test.figures_of(np.maximum(embedding, 0), pca)
    return Verification(
        **vars(identity),
        figures=figures,
        with_relu=with_relu,
        generation=smoke_test.generation_of(figures, with_relu),
        max_difference=smoke_test.difference_of_example_0(embedding),
        note=note,
        extras=extras,
        known_as=_described(registry.known_as(identity.path or "")),
    )


def _described(file: KnownFile | None) -> str:
    return f"{file.filename} of {file.source}; licence: {file.licence}" if file else ""
