"""embed_beside(): the archive of a set of sounds, kept beside them, for jobs that compare sets."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf.files import check_source
from vggish_tf.formats.provenance import settings_of
from vggish_tf.jobs.embed.archive import embed_archive
from vggish_tf.jobs.embed.clips import Failure
from vggish_tf.jobs.embed.progress import Progress
from vggish_tf.jobs.embed.work import Work

if TYPE_CHECKING:
    from vggish_tf.embedding import Embedder


def embed_beside(
    sounds: str | os.PathLike[str],
    embedder: "Embedder",
    *,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> tuple[Path, list[Failure]]:
    """Embeds a set of sounds into `<sounds>.embeddings`, or updates the archive that is there.

    Each combination of weights and settings has its own subfolder. Changed sounds are embedded
    again, new ones are added, and rows of removed sounds are removed.

    Args:
        sounds: a folder, a file, "@list.txt", a table or a shard; see inputs.py.
        embedder: the embedder, with its weights and settings.
        cache: a folder for the embeddings of all sets; None is the folder of the sounds.
        progress: as for embed_archive().

    Returns:
        The path of the archive, and the failures.

    Raises:
        UsageError: there are no sounds.
        VGGishError: `sounds` does not exist, or the archive cannot be written.

    Example:
        >>> rows, failures = embed_beside("sounds", Embedder())  # doctest: +SKIP
        >>> rows  # doctest: +SKIP
        PosixPath('/data/sounds.embeddings/0962b1914e3e-5f1d2c3b')
    """
    name = os.fspath(sounds)
    mark = "@" if name.startswith("@") else ""
    place = check_source(name.removeprefix("@"), "Give sounds or embeddings.").resolve()
    output = _folder(place, cache) / _key(Work(embedder, embedder.profile.pool).provenance)
    failures = embed_archive([f"{mark}{place}"], output, embedder, prune=True, progress=progress)
    return output, failures


def _folder(place: Path, cache: str | os.PathLike[str] | None) -> Path:
    if cache is None:
        return place.with_name(f"{place.name}.embeddings")
    return Path(cache, f"{place.name}-{_digest(os.fspath(place))}.embeddings")


def _key(provenance: dict) -> str:
    """A name for weights and settings, which begins like the digest of the weights."""
    weights = provenance["weights"]["values_sha256"][:12]
    return f"{weights}-{_digest(repr(sorted(settings_of(provenance).items())))}"


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]
