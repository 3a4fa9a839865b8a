"""Sets to compare: archives of embeddings, or statistics saved by this package or other tools.

    an archive         any that formats.read() reads; its clips are read one after the other
    an .npz            of save(); or with `mu` and `cov`; or with fadtk's `vggish.mu`, `vggish.cov`
    a folder           with mu.npy and cov.npy, as fadtk and kadtk keep them

Nothing is embedded here.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vggish_tf import formats
from vggish_tf.errors import UsageError, VGGishError, reason_of
from vggish_tf.files import check_source, replacing
from vggish_tf.jobs.fad.statistics import Gaussian, Statistics
from vggish_tf.rows import Archive, ClipRows

PAIRS = (("mean", "covariance"), ("mu", "cov"), ("vggish.mu", "vggish.cov"))


class Set(NamedTuple):
    """A set to compare: its name, its Gaussian, and the provenance of its embeddings."""

    name: str
    gaussian: Gaussian
    provenance: dict
    path: Path

    @property
    def has_rows(self) -> bool:
        """Whether it has rows; otherwise it has only statistics."""
        return not _holds_statistics(self.path)


def is_set(path: str | os.PathLike[str]) -> bool:
    """Whether a path holds embeddings or statistics, and not sounds.

    Raises:
        VGGishError: it is a damaged Parquet file.

    Example:
        >>> is_set("nothing"), is_set("clip.wav")
        (False, False)
    """
    place = Path(path)
    if _holds_statistics(place):
        return True
    try:
        format = formats.format_of(place)
    except VGGishError:
        return False
    return format != "parquet" or formats.parquet.holds_rows(place)  # Parquet may list sounds


def read(path: str | os.PathLike[str], name: str | None = None) -> Set:
    """Reads a set in one pass, with one clip in memory at a time.

    Args:
        path: embeddings or statistics.
        name: the name of the set; None is its path.

    Raises:
        UsageError: the rows are bytes.
        VGGishError: nothing is there, it is neither, a clip is not finite, or there are fewer than
            two rows.
    """
    place = check_source(path, "Give an archive of embeddings, or saved statistics.")
    name = name or str(path)
    if _holds_statistics(place):
        gaussian, provenance = _saved(place)
        return Set(name, gaussian, provenance, place)
    archive = formats.read(place)
    merged = Statistics.merged(Statistics.of(clip.embedding) for clip in checked(archive, place))
    return Set(name, _gaussian(merged, name), archive.provenance, place)


def _gaussian(merged: Statistics, name: str) -> Gaussian:
    try:
        return merged.gaussian
    except VGGishError as error:
        raise VGGishError(f"{name}: {error} Add sounds, or longer ones.") from None


def checked(archive: Archive, path: Path) -> Iterator[ClipRows]:
    """Yields the clips of an archive, after a check that their rows are finite floats.

    Raises:
        UsageError: the rows are bytes.
        VGGishError: the rows of a clip are not finite.
    """
    for clip in archive.clips:
        if clip.embedding.dtype == np.uint8:
            raise UsageError(
                f"{path} holds bytes. Turn them into floats: vggish-tf convert --dequantize edge."
            )
        if not np.isfinite(clip.embedding).all():
            raise VGGishError(f"{path}: the embeddings of {clip.path} are not finite.")
        yield clip


def clips_of(found: Set) -> Iterator[ClipRows]:
    """The clips of a set, one after the other.

    Raises:
        UsageError: the set has only statistics.
    """
    if not found.has_rows:
        raise UsageError(
            f"{found.name} holds statistics only, and rows are needed. Give the embeddings."
        )
    return checked(formats.read(found.path), found.path)


def files_of(found: Set) -> list[np.ndarray]:
    """The rows of each file of a set, (n, size) float32."""
    return [clip.embedding for clip in clips_of(found)]


def rows_of(found: Set) -> np.ndarray:
    """All rows of a set, (n, size) float32."""
    return np.concatenate(files_of(found))


def save(path: str | os.PathLike[str], found: Set) -> Path:
    """Writes the statistics of a set as an npz, which read() reads; whole or not at all."""
    known = {name: value for name, value in found.gaussian._asdict().items() if value is not None}
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **known, provenance=json.dumps(found.provenance))
    return Path(path)


def _holds_statistics(path: Path) -> bool:
    if path.is_dir():
        return (path / "mu.npy").exists() and (path / "cov.npy").exists()
    if path.suffix != ".npz":
        return False
    try:
        with np.load(path) as file:
            return any(set(pair) <= {*file.files} for pair in PAIRS)
    except Exception:  # a damaged file is read as an archive, and refused there
        return False


def _saved(path: Path) -> tuple[Gaussian, dict]:
    try:
        if path.is_dir():
            mean, covariance = np.load(path / "mu.npy"), np.load(path / "cov.npy")
            return Gaussian.of(mean, covariance), {}
        with np.load(path) as file:
            names = next(pair for pair in PAIRS if set(pair) <= {*file.files})
            counts = (int(file[n]) if n in file.files else None for n in ("num_rows", "num_files"))
            provenance = json.loads(str(file["provenance"])) if "provenance" in file.files else {}
            return Gaussian.of(*(file[name] for name in names), *counts), provenance
    except UsageError:
        raise
    except Exception as error:  # a damaged file raises errors of zlib, NumPy and others
        raise VGGishError(f"{path} is damaged: {reason_of(error)}.") from None
