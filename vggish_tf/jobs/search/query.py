"""Queries: arrays, archives, npz or audio → rows that can be compared with those of an archive.

Audio is embedded and pooled with the settings in the archive's provenance; rows that are read must
have been made with the same weights and settings. Rows need neither Keras nor TensorFlow.
"""

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vggish_tf import audio, formats
from vggish_tf.cosines import floats
from vggish_tf.errors import AudioError, UsageError, VGGishError, warn
from vggish_tf.params import Params
from vggish_tf.profiles import Profile, recorded
from vggish_tf.progress import SoundBar
from vggish_tf.rows import Archive, ClipRows
from vggish_tf.weights.identity import UNTRAINED, recorded_untrained

if TYPE_CHECKING:
    from vggish_tf.embedding import Embedder

Source = np.ndarray | str | os.PathLike[str]


def read(archive: "Archive | str | os.PathLike[str]") -> Archive:
    """The archive itself, or the archive at a path."""
    return archive if isinstance(archive, Archive) else formats.read(archive)


def holds_rows(source: Source) -> bool:
    """Whether a query is rows: an array, or an archive, by its content or its suffix.

    Example:
        >>> holds_rows("rows.parquet"), holds_rows("clip.wav")
        (True, False)
    """
    if isinstance(source, np.ndarray):
        return True
    path = Path(source)
    if path.is_dir() or path.suffix in (".npz", ".parquet"):  # even if missing or damaged
        return True
    with contextlib.suppress(VGGishError):
        return bool(formats.format_of(path))
    return False


def rows_of(
    sources: Iterable[Source], provenance: dict, made: "Callable[[], Embedder]"
) -> np.ndarray | None:
    """The rows of all sources, (n, size), one below the other; None without sources.

    Args:
        sources: as the queries of nearest().
        provenance: the provenance of the archive.
        made: a function that returns the embedder; it is called only if there is audio.

    Raises:
        UsageError: an array is not (n, size) numbers, or the rows have different sizes.
        VGGishError: the rows were made with other weights or settings.
        AudioError: the audio cannot be read, or has no example.
    """
    parts = [_rows(source, provenance, made) for source in sources]
    if len({part.shape[1] for part in parts}) > 1:
        sizes = " and ".join(str(part.shape) for part in parts)
        raise UsageError(f"queries must have rows of one size; received {sizes}.")
    return np.concatenate([floats(part) for part in parts]) if parts else None


def embedder_for(provenance: dict, weights: str | None = None) -> "Embedder":
    """An Embedder with the settings of an archive.

    Args:
        provenance: the provenance of the archive.
        weights: as for Embedder; None takes those that the provenance names.

    Raises:
        VGGishError: the provenance lacks the weights or settings.
        CheckpointError: as Embedder.

    Example:
        >>> from vggish_tf.embedding import Embedder
        >>> embedder_for(Embedder(None, pad="always").provenance).pad
        'always'
    """
    from vggish_tf.embedding import Embedder

    try:
        profile = Profile.of(provenance)
        precision, asked = provenance["precision"], provenance["weights"]["asked"]
    except (KeyError, TypeError):
        raise VGGishError(
            "the archive lacks the weights and settings of its rows, so audio cannot be compared "
            "with them. Give rows as the query: an npz or an archive."
        ) from None
    asked = weights or (None if asked == UNTRAINED else asked)
    return Embedder(asked, profile=profile, precision=precision)


def made(embedder: "Embedder | Callable[[dict], Embedder] | None", provenance: dict) -> "Embedder":
    """The embedder for audio queries, after a check that it fits the archive."""
    ready: Any = embedder or embedder_for
    if not hasattr(ready, "embed_file"):  # a function, not an Embedder
        ready = ready(provenance)
    _check(provenance, ready.provenance)
    return ready


def _rows(source: Source, provenance: dict, made: "Callable[[], Embedder]") -> np.ndarray:
    if isinstance(source, np.ndarray):
        rows = np.atleast_2d(source)
        if rows.ndim != 2 or rows.dtype.kind not in "fiu":
            kind = f"{source.dtype} {source.shape}"
            raise UsageError(f"a query must be (n, size) numbers; received {kind}.")
        return rows
    if holds_rows(source):
        return _stored(source, provenance)
    return _embedded(source, provenance, made())


def _embedded(path, provenance: dict, embedder: "Embedder") -> np.ndarray:
    """The rows of audio."""
    rate, prepare = embedder.params.sample_rate, embedder.profile.prepare
    with SoundBar(lambda: audio.total_seconds([(path, 0.0, None)]), "query") as bar:
        blocks = bar.counted(audio.read_blocks(path, rate, prepare=prepare), rate)
        (found,) = embedder.embed_blocks(audio.decoded_ahead([(str(path), blocks)]))
    if isinstance(found, AudioError):
        raise found
    clip = ClipRows.of(str(path), found)
    if not len(clip.start):
        seconds = embedder.params.min_samples / embedder.params.sample_rate
        raise AudioError(f"{path} is shorter than an example, {seconds:g} s. Give a longer one.")
    return clip.pooled(provenance.get("pool")).embedding


def _stored(path, provenance: dict) -> np.ndarray:
    """The rows of an npz or an archive."""
    archive = read(path)
    _check(provenance, archive.provenance)
    if recorded_untrained(provenance):
        warn("the weights of the archive are untrained: its hits mean nothing.")
    clips = [
        clip if archive.provenance.get("pool") else clip.pooled(provenance.get("pool"))
        for clip in archive.clips
    ]
    if not any(len(clip.start) for clip in clips):
        raise UsageError(f"{path} holds no rows. Give another query.")
    return np.concatenate([clip.embedding for clip in clips])


def _check(archive: dict, query: dict):
    """Raises if the query has other weights or settings than the archive; the message has both."""
    weights = "weights (SHA-256 of their values)"
    pairs = {
        weights: [made.get("weights", {}).get("values_sha256") for made in (archive, query)],
        "postprocess": [made.get("postprocess") for made in (archive, query)],
        "params": _examples(archive, query),
        "profile": _profiles(archive, query),
        "pool": [archive.get("pool"), query.get("pool") or archive.get("pool")],
    }
    different = [
        f"{name}: {theirs} in the archive, {ours} in the query"
        for name, (theirs, ours) in pairs.items()
        if theirs != ours
    ]
    if different:
        raise VGGishError(
            f"the query cannot be compared with the archive. {'; '.join(different)}. Make the "
            "query in the same way as the archive; for audio, give the weights with --weights."
        )


def _profiles(archive: dict, query: dict) -> list:
    """The profiles of both: their names, or their steps if the names are the same."""
    steps = [recorded(archive), recorded(query)]
    names = [each["name"] for each in steps]
    return steps if names[0] == names[1] else names


def _examples(archive: dict, query: dict) -> list[str]:
    """The front-end parameters that differ, apart from the example hop."""
    theirs, ours = (Params(**made.get("params", {})) for made in (archive, query))
    return [theirs.changes(ours) or "the same", ours.changes(theirs) or "the same"]
