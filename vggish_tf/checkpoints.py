"""Public names for files of weights: fetch, verify, read, load, write.

The code is in weights/ and jobs/verify.
"""

from vggish_tf.jobs.verify import Report, verify
from vggish_tf.weights.files import LAYERS, read
from vggish_tf.weights.loading import copy_weights, is_untrained, load_weights, save_tf1_checkpoint
from vggish_tf.weights.registry import fetch, md5_of

__all__ = [
    "LAYERS",
    "Report",
    "copy_weights",
    "fetch",
    "is_untrained",
    "load_weights",
    "md5_of",
    "read",
    "save_tf1_checkpoint",
    "verify",
]
