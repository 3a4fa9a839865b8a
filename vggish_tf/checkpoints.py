"""Public names for files of weights: fetch, verify, read, load, write, convert.

The code is in weights/, jobs/verify and jobs/convert_weights.
"""

from vggish_tf.jobs.convert_weights import convert_weights
from vggish_tf.jobs.verify import Verification, verify
from vggish_tf.weights.loading import (
    copy_weights,
    is_untrained,
    load_weights,
    save_safetensors,
    save_tf1_checkpoint,
)
from vggish_tf.weights.published import LAYERS
from vggish_tf.weights.readers import read
from vggish_tf.weights.registry import fetch, md5_of

Report = Verification  # its name in the first release

__all__ = [
    "LAYERS",
    "Report",
    "Verification",
    "convert_weights",
    "copy_weights",
    "fetch",
    "is_untrained",
    "load_weights",
    "md5_of",
    "read",
    "save_safetensors",
    "save_tf1_checkpoint",
    "verify",
]
