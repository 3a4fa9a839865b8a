"""Embeddings of one clip as a NumPy npz: `embedding`, `timestamps`, and `provenance`, which is
JSON.
"""

import json
import os
from pathlib import Path

import numpy as np

from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing

ARRAYS = ("embedding", "timestamps")


def write(path: str | os.PathLike[str], embeddings, provenance: dict) -> Path:
    """Writes the embeddings of a clip and their provenance; whole or not at all.

    Raises:
        VGGishError: nothing can be written there.

    Example:
        >>> import tempfile
        >>> rows = np.zeros((1, 128)), np.zeros(1)
        >>> path = write(tempfile.mkdtemp() + "/clip.npz", rows, {"weights": "audioset"})
        >>> embedding, timestamps, provenance = read(path)
        >>> embedding.shape, provenance
        ((1, 128), {'weights': 'audioset'})
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(
            file, **dict(zip(ARRAYS, embeddings, strict=True)), provenance=json.dumps(provenance)
        )
    return Path(path)


def read(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray, dict]:
    """Reads `embedding` (n, 128), `timestamps` (n,) and the provenance.

    Raises:
        VGGishError: the file is missing, damaged, or not one that `write` made.
    """
    try:
        with np.load(path) as file:
            return (*(file[name] for name in ARRAYS), json.loads(str(file["provenance"])))
    except Exception:  # of a damaged file: zlib's, NumPy's and tokenize's own errors, and more
        raise VGGishError(
            f"{path} is missing, damaged, or not an npz that vggish-tf embed made."
        ) from None
