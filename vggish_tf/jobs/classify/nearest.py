"""Teaching by example: labelled clips → prototypes; audio files → their cosines with prototypes."""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from vggish_tf.cosines import directions
from vggish_tf.errors import AudioError, CheckpointError, UsageError
from vggish_tf.jobs.classify.clips import Classified, embedded
from vggish_tf.jobs.classify.prototypes import Prototypes
from vggish_tf.weights.identity import UNTRAINED

if TYPE_CHECKING:
    import keras

    from vggish_tf.embedding import Embedder


def teach(
    embedder: "Embedder", clips: Mapping[str, Iterable[str | os.PathLike[str]]]
) -> Prototypes:
    """Prototypes of labelled clips, as the web page makes them while a button is held.

    Args:
        embedder: an embedder of raw embeddings, with the default profile.
        clips: label → audio files.

    Raises:
        AudioError: a file cannot be read, or a label has no example.
        UsageError: the embedder has a post-processing or another profile, or there are no labels.

    Example:
        >>> import tempfile, soundfile, vggish_tf
        >>> path = tempfile.mkdtemp() + "/hum.wav"
        >>> soundfile.write(path, np.sin(np.arange(32_000) / 50), 16_000)
        >>> teach(vggish_tf.Embedder(None), {"hum": [path]}).examples
        (2,)
    """
    steps = [step for step in embedder.profile.changes() if step not in ("params", "pad")]
    if steps:
        raise UsageError(
            f"prototypes are means of raw embeddings; received an embedder that changes "
            f"{', '.join(steps)}. Make one without a profile and without postprocess."
        )
    taught = {label: _directions(embedder, label, paths) for label, paths in clips.items()}
    return Prototypes(
        labels=[*taught],
        embedding=np.array([rows.mean(axis=0) for rows in taught.values()]),
        examples=[len(rows) for rows in taught.values()],
        weights=embedder.identity,
        params=embedder.params,
        precision=embedder.precision,
    )


class NearestPrototype:
    """A classifier whose scores are cosines with prototypes: 1 in the same direction, 0 at 90°.

    Args:
        prototypes: the prototypes, or the path of their file.
        weights: the weights of the prototypes, as for Embedder; None takes those that they name.

    Raises:
        VGGishError: the file cannot be read.
        CheckpointError: the weights cannot be found or fetched, or are not those of the prototypes.

    Labels of untrained weights end in "(UNTRAINED)": their cosines are those of random features.
    """

    def __init__(
        self,
        prototypes: Prototypes | str | os.PathLike[str],
        weights: "str | os.PathLike[str] | keras.Model | None" = None,
    ):
        from vggish_tf.embedding import Embedder

        if not isinstance(prototypes, Prototypes):
            prototypes = Prototypes.read(prototypes)
        self.params = prototypes.params
        self._embedder = Embedder(
            weights_of(prototypes) if weights is None else weights, params=self.params
        )
        _check_weights(prototypes, self._embedder)
        self.untrained = self._embedder.untrained
        mark = " (UNTRAINED)" if self.untrained else ""
        self.labels = [f"{label}{mark}" for label in prototypes.labels]
        self._prototypes, _ = directions(prototypes.embedding, np.float64)

    def classify(self, path: str | os.PathLike[str]) -> Classified:
        """Scores a file of any rate, channel count and format.

        The score of the clip is the mean of those of its examples. The cosine with the mean of the
        unit-length embeddings would rank the labels in the same order, since it is that score
        divided by the same length for all labels. But it would be high for a clip of many sounds of
        which none is near.

        Raises:
            AudioError: as load_audio.
        """
        clip = embedded(self._embedder, path)
        rows, _ = directions(clip.embedding, np.float64)
        cosines = rows @ self._prototypes.T
        return Classified(clip.seconds, cosines.mean(axis=0), cosines, clip.times)


def weights_of(prototypes: Prototypes) -> str | None:
    """The weights that prototypes name, as for Embedder: None for untrained ones."""
    asked = prototypes.weights.asked
    return None if asked == UNTRAINED else asked


def _check_weights(prototypes: Prototypes, embedder: "Embedder"):
    theirs, ours = prototypes.weights, embedder.identity
    if theirs.values_sha256 != ours.values_sha256:
        raise CheckpointError(
            f"the prototypes are of other weights: the SHA-256 of the values is "
            f"{theirs.values_sha256} in the prototypes (of {theirs.asked!r}) and "
            f"{ours.values_sha256} here ({ours.asked!r}). Give theirs with --weights, or teach the "
            "prototypes again with these."
        )


def _directions(embedder: "Embedder", label: str, paths) -> np.ndarray:
    """The embeddings of clips, (n, 128), each of length 1."""
    rows = [result.embedding for result in embedder.embed_files(paths)]
    if not sum(map(len, rows)):
        raise AudioError(f"label {label!r} has no example. Give it a clip of 0.975 s or more.")
    return directions(np.concatenate(rows), np.float64)[0]
