"""Embeddings of one clip as a NumPy npz: `embedding`, `timestamps`, and `provenance` as JSON.

It also holds `end_timestamps`, the `path` of the clip and its `labels`, if they are known.
"""

import json
import os
import zipfile
from pathlib import Path

import numpy as np

from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing
from vggish_tf.params import EXAMPLE_WINDOW_SECONDS
from vggish_tf.rows import ClipRows

ARRAYS = ("embedding", "timestamps")
NEEDED = (*ARRAYS, "provenance")


def write(path: str | os.PathLike[str], embeddings, provenance: dict) -> Path:
    """Writes the embeddings of a clip and their provenance; whole or not at all.

    Args:
        path: the npz.
        embeddings: Embeddings, or a pair (embedding, timestamps).
        provenance: a dictionary that JSON can hold, such as Embedder.provenance.

    Raises:
        VGGishError, OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> rows = np.zeros((1, 128)), np.zeros(1)
        >>> path = write(tempfile.mkdtemp() + "/clip.npz", rows, {"weights": "audioset"})
        >>> embedding, timestamps, provenance = read(path)
        >>> embedding.shape, provenance
        ((1, 128), {'weights': 'audioset'})
    """
    arrays = dict(zip(ARRAYS, embeddings, strict=True))
    if getattr(embeddings, "example_seconds", None) is not None:
        arrays["end_timestamps"] = embeddings.end_timestamps
    return _write(path, arrays, provenance)


def write_clip(path: str | os.PathLike[str], clip: ClipRows, provenance: dict) -> Path:
    """Writes a clip of an archive, and the provenance; whole or not at all.

    Raises:
        VGGishError, OSError: the file cannot be written.
    """
    arrays = {"embedding": clip.embedding, "timestamps": clip.start, "end_timestamps": clip.end}
    labels = {} if clip.labels is None else {"labels": clip.labels}
    return _write(path, {**arrays, **labels, "path": np.array(clip.path)}, provenance)


def _write(path: str | os.PathLike[str], arrays: dict, provenance: dict) -> Path:
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays, provenance=json.dumps(provenance))
    return Path(path)


def read(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray, dict]:
    """Reads `embedding` (n, 128), `timestamps` (n,) and the provenance.

    Raises:
        VGGishError: the file is missing or damaged, or is not one of `write`.
    """
    arrays = _read(path)
    return arrays["embedding"], arrays["timestamps"], arrays["provenance"]


def read_clip(
    path: str | os.PathLike[str], folder: str | os.PathLike[str] = ""
) -> tuple[ClipRows, dict]:
    """Reads the rows of a clip, and the provenance.

    Args:
        path: the npz.
        folder: the folder of the clip, for an npz that has only the name of the recording.

    Raises:
        VGGishError: as read().
    """
    arrays = _read(path)
    starts, provenance = arrays["timestamps"], arrays["provenance"]
    ends = arrays.get("end_timestamps")
    if ends is None:  # a file of the first release, which did not hold them
        window = provenance.get("params", {}).get("example_window_seconds", EXAMPLE_WINDOW_SECONDS)
        ends = starts + window
    name = arrays.get("path", Path(folder, provenance.get("audio", Path(path).stem)))
    clip = ClipRows(str(name), starts, ends, arrays["embedding"], arrays.get("labels"))
    return clip, provenance


def holds_rows(path: Path) -> bool:
    """Whether a file is an npz with the arrays of `write`, by the names in it."""
    try:
        with zipfile.ZipFile(path) as file:
            found = {*file.namelist()}
    except Exception:  # as for _read
        return False
    return {f"{name}.npy" for name in NEEDED} <= found


def _read(path: str | os.PathLike[str]) -> dict:
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in NEEDED}
            more = {"end_timestamps", "path", "labels"} & {*file.files}
            arrays |= {name: file[name] for name in more}
        return {**arrays, "provenance": json.loads(str(arrays["provenance"]))}
    except Exception:  # a damaged file raises errors of zlib, NumPy, tokenize and others
        raise VGGishError(
            f"{path} is missing, damaged, or not an npz that vggish-tf embed made."
        ) from None
