"""Identity: which weights these are, recorded under the same keys in every output.

Results of the same weights have the same `values_sha256`, whatever file the weights came from.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from vggish_tf.weights import registry

UNTRAINED = "untrained"
PIECE = 1 << 20  # numbers at a time; after each piece, a busy main thread makes this one wait


@dataclass(frozen=True)
class Identity:
    """Identity of the weights of a network.

    Args:
        asked: the requested weights: "audioset", a path, "untrained", or the name of a model.
        values_sha256: SHA-256 of the 18 arrays, float32, in the published order; in hex.
        untrained: whether the network is as its initializer left it: every bias is zero.
        path: the path of the file; None for weights that come from no file.
        md5, sha256: the digests of the file, in hex; None without a file.
        published: whether the file is the published one, or a stand-in with the same weights.

    Example:
        >>> print(Identity("mine.ckpt", values_sha256="4d878af3e306", untrained=False))
        mine.ckpt, values SHA-256 4d878af3e306: not the published file
    """

    asked: str
    values_sha256: str
    untrained: bool
    path: str | None = None
    md5: str | None = None
    sha256: str | None = None
    published: bool = False

    def as_json(self) -> dict[str, str | bool | None]:
        """The fields as a dictionary that JSON can hold."""
        return asdict(self)

    @property
    def status(self) -> str:
        """Whether the embeddings can be used: "UNTRAINED", "published" or "not the …"."""
        if self.untrained:
            return "UNTRAINED"
        return "published" if self.published else "not the published file"

    def __str__(self):
        name = Path(self.path).name if self.path else self.asked
        if self.untrained:
            return f"{self.status} ({name})"
        if self.published:
            return "the published AudioSet weights"
        return f"{name}, values SHA-256 {self.values_sha256}: {self.status}"


def known_of(weights: str | os.PathLike[str] | None) -> dict[str, str | bool]:
    """The part of the identity of weights that can be had without reading their values.

    Args:
        weights: a published name, a path, or None for untrained ones.

    Raises:
        CheckpointError: there is no such file.

    Example:
        >>> known_of("audioset"), known_of(None)
        ({'published': True}, {'untrained': True})
    """
    if weights is None:
        return {"untrained": True}
    if weights in registry.REGISTRY:
        return {"published": True}
    return {"sha256": registry.sha256_of(registry.resolve(weights))}


def recorded_untrained(provenance: dict) -> bool:
    """Whether a provenance says that the weights were untrained.

    Example:
        >>> recorded_untrained({"weights": {"untrained": True}}), recorded_untrained({})
        (True, False)
    """
    weights = provenance.get("weights")
    return isinstance(weights, dict) and bool(weights.get("untrained"))


@dataclass(frozen=True)
class Survey:
    """Survey of the values of weights: their digest, and whether they are untrained or not finite.

    Args:
        values_sha256, untrained: as in Identity.
        not_finite: names of tensors with NaN or infinity.
    """

    values_sha256: str
    untrained: bool
    not_finite: tuple[str, ...] = ()


def survey(
    names: Iterable[str],
    get: Callable[[str], np.ndarray],
    use: Callable[[np.ndarray], object] = lambda array: None,
) -> Survey:
    """Surveys weights, which are read one after the other.

    Args:
        names: the published names, in the published order.
        get: a function that returns the values of a name.
        use: a function that is given each array too, as float32.
    """
    digest, untrained, not_finite = hashlib.sha256(), True, []
    for name in names:
        array = np.ascontiguousarray(get(name), "<f4")
        untrained = untrained and not (name.endswith("/biases") and array.any())
        finite = True
        for start in range(0, array.size, PIECE):
            piece = array.reshape(-1)[start : start + PIECE]
            digest.update(piece.data)
            finite = finite and bool(np.isfinite(piece).all())
        not_finite += [] if finite else [repr(name)]
        use(array)
    return Survey(digest.hexdigest(), untrained, tuple(not_finite))


def of_values(asked: str, values: dict[str, np.ndarray]) -> Identity:
    """Identity of weights in memory, by published name in the published order."""
    found = survey(values, values.__getitem__)
    return Identity(asked, found.values_sha256, untrained=found.untrained)


def of_file(asked: str | os.PathLike[str], path: Path, found: Survey) -> Identity:
    """Identity of weights that were read from a file.

    Raises:
        CheckpointError: the file can no longer be read.
    """
    return Identity(
        os.fspath(asked),
        found.values_sha256,
        untrained=found.untrained,
        path=str(path),
        md5=registry.md5_of(path),
        sha256=registry.sha256_of(path),
        published=registry.is_published(path),
    )


def digest_of(arrays: Iterable[np.ndarray], kind: str = "sha256") -> str:
    """Digest of the bytes of arrays, one after the other, in hex.

    Example:
        >>> digest_of([np.zeros(0)])[:8]
        'e3b0c442'
    """
    digest = hashlib.new(kind, usedforsecurity=False)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
