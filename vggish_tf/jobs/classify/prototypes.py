"""Prototypes: a direction for each sound taught by example, and the weights they belong to.

No Keras and no sound here.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from reprlib import repr as short
from typing import Self

import numpy as np

from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.classify import prototype_file
from vggish_tf.jobs.classify.prototype_file import check
from vggish_tf.params import EMBEDDING_SIZE, NUM_BANDS, NUM_FRAMES, Params
from vggish_tf.weights.identity import Identity

MOST_CHARACTERS = 4096  # of a label, or of a path of weights
LEAST_LENGTH, MOST_LENGTH = 1e-6, 1.001  # of a mean of float32 vectors of length 1
NOT_OF_A_LINE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, surrogates, ends of lines


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Prototypes of labelled sounds.

    Args:
        labels: the names of the sounds.
        embedding: (k, 128), for each sound the mean of its embeddings, each divided by its length.
        examples: the number of those embeddings, for each sound.
        weights: the identity of the weights of the network.
        params: front-end parameters, whose examples must be 96 frames of 64 mel bins.
        precision: that of the network; the page's is "int8" by default.

    Raises:
        UsageError: there is no label, or one is empty or given twice; a prototype has another size,
            numbers that are not finite, or no direction; or the examples are not 96×64.

    Example:
        >>> weights = Identity("mine.ckpt", "4d878af3" * 8, untrained=False)
        >>> Prototypes(["cat", "dog"], np.eye(2, 128), [3, 6], weights).labels
        ('cat', 'dog')
    """

    labels: Sequence[str]
    embedding: np.ndarray
    examples: Sequence[int]
    weights: Identity
    params: Params = Params()
    precision: str = "float32"

    def __post_init__(self):
        for name, kind in (("labels", tuple), ("examples", tuple), ("embedding", np.asarray)):
            object.__setattr__(self, name, kind(getattr(self, name)))
        _check_labels(self.labels)
        counts = len(self.labels), len(self.embedding), len(self.examples)
        check("labels, embedding and examples", counts, len({*counts}) == 1, "of one number")
        check_text("the name of the weights", self.weights.asked)
        for label, row in zip(self.labels, self.embedding, strict=True):
            _check_direction(label, row)
        for label, count in zip(self.labels, self.examples, strict=True):
            check(f"the number of examples of {short(label)}", count, count >= 1, "1 or more")
        made, expected = (self.params.num_frames, self.params.num_mel_bins), (NUM_FRAMES, NUM_BANDS)
        check("the examples that params make", made, made == expected, expected)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Reads a file that the page exported or that save() wrote, without TensorFlow.

        Raises:
            VGGishError: the file is another one, of another version, or has impossible values.
        """
        try:
            return cls(**prototype_file.read(Path(path)))
        except UsageError as error:
            advice = prototype_file.ADVICE
            raise VGGishError(f"{path} cannot be read as prototypes: {error} {advice}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the prototypes as JSON, which the page imports.

        Raises:
            UsageError: the name does not end in .json.
            VGGishError, OSError: the file cannot be written.
        """
        rows = zip(self.labels, self.examples, self.embedding.tolist(), strict=True)
        names = prototype_file.PROTOTYPE
        prototype_file.write(Path(path), {
            "weights": self.weights.as_json(),
            "params": asdict(self.params),
            "precision": self.precision,
            "prototypes": [dict(zip(names, row, strict=True)) for row in rows],
        })  # fmt: skip


def _check_labels(labels: Sequence[str]):
    check("labels", labels, len(labels) > 0, "one or more")
    for label in labels:
        check_text("a label", label)
    twice = [label for label, count in Counter(labels).items() if count > 1]
    check("labels", twice, not twice, "different from each other")


def check_text(name: str, text: str):
    """Raises if a text is empty, too long, or not a single line.

    Raises:
        UsageError: it is.
    """
    fits = isinstance(text, str) and len(text.strip()) > 0 and len(text) <= MOST_CHARACTERS
    on_a_line = fits and not NOT_OF_A_LINE & set(map(unicodedata.category, text))
    expected = f"a text of 1 to {MOST_CHARACTERS:,} characters without line breaks or the like"
    check(name, text, on_a_line, expected)


def _check_direction(label: str, row: np.ndarray):
    name = f"the prototype of {short(label)}"
    check(name, np.shape(row), np.shape(row) == (EMBEDDING_SIZE,), f"{EMBEDDING_SIZE} numbers")
    check(name, row, bool(np.isfinite(row).all()), "finite numbers")
    length = float(np.linalg.norm(row))
    expected = "over 0 and at most 1, as of a mean of vectors of length 1"
    fits = LEAST_LENGTH <= length <= MOST_LENGTH
    check(f"the length of {name}", length, fits, expected)
