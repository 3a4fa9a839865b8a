"""Classify: audio files → the scores of each clip, and of each example with its times.

saved        a classifier that was trained and saved as a .keras file
prototypes, prototype_file   sounds taught by example; their JSON, which the web page writes too
nearest      prototypes from labelled clips; the cosines of audio files with prototypes
clips        embeddings and scores of clips, for both kinds of classifier
files        the scores of many files, printed and as a CSV

A classifier is any object that implements the protocol clips.AudioClassifier. No training here.
"""

from typing import TYPE_CHECKING

from vggish_tf.jobs.classify.clips import Classified
from vggish_tf.jobs.classify.files import classify_files
from vggish_tf.jobs.classify.nearest import NearestPrototype, teach, weights_of
from vggish_tf.jobs.classify.prototype_file import is_prototypes
from vggish_tf.jobs.classify.prototypes import Prototypes

if TYPE_CHECKING:
    from vggish_tf.jobs.classify.saved import Classifier

__all__ = [
    "Classified",
    "Classifier",
    "NearestPrototype",
    "Prototypes",
    "classify_files",
    "is_prototypes",
    "teach",
    "weights_of",
]


def __getattr__(name: str):
    if name == "Classifier":  # imports Keras, which is not needed to read prototypes
        from vggish_tf.jobs.classify.saved import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
