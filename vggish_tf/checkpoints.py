"""Public names for files of weights: fetch, verify, read, load, write.

The code is in weights/ and jobs/verify.
"""

from vggish_tf.jobs.verify import Verification, verify
from vggish_tf.weights.loading import copy_weights, is_untrained, load_weights, save_tf1_checkpoint
from vggish_tf.weights.published import LAYERS
from vggish_tf.weights.readers import read
from vggish_tf.weights.registry import fetch, md5_of

Report = Verification  # its name in the first release

__all__ = [
    "LAYERS",
    "Report",
    "Verification",
    "copy_weights",
    "fetch",
    "is_untrained",
    "load_weights",
    "md5_of",
    "read",
    "save_tf1_checkpoint",
    "verify",
]
