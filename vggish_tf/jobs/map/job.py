"""write(): the order of the work, from an archive to its page."""

import os
from collections.abc import Callable
from pathlib import Path

from vggish_tf import formats
from vggish_tf.errors import check_count, warn
from vggish_tf.files import check_source, check_target
from vggish_tf.jobs.map import names, page, parts, places, projection, segments, sounds
from vggish_tf.rows import Archive
from vggish_tf.weights.identity import recorded_untrained

UNTRAINED = (
    "the weights of the archive are UNTRAINED: the places of the points and their neighbours mean "
    "nothing."
)


def write(
    archive: Archive | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    projection: projection.Projection = "pca",
    seed: int = 0,
    neighbours: int = 10,
    labels: str | os.PathLike[str] | None = None,
    audio: str | os.PathLike[str] | None = None,
    log_mel: bool = False,
    embed_audio: bool = False,
    said: Callable[[str], object] = lambda _: None,
) -> Path:
    """Writes a page on which each segment of an archive is a point, whole or not at all.

    Rows of zeros and rows that are not finite have no direction, as in search, and no point.

    Args:
        archive: an Archive, which is read once, or the path of one.
        path: the page, an .html.
        projection: "pca", or "umap", which needs the extra `umap`.
        seed: the seed of UMAP.
        neighbours: the number of neighbours of each segment, as found by search; 0 is none.
        labels: a CSV with the columns path and label; None takes the labels of the archive.
        audio: the folder of the sounds; None takes the paths in the archive.
        log_mel: whether the page holds the log-mel of each segment, which needs Keras.
        embed_audio: whether the page holds the sounds too, with their log-mels.
        said: a function that is called with a line about each step.

    Raises:
        UsageError: an argument is wrong, or there are too many segments for log-mels or sounds.
        VGGishError: the archive is missing or has no rows, the table of labels is missing or wrong,
            UMAP is not installed, the sounds are not found, or the page cannot be written.

    Warns:
        UserWarning: the weights of the archive are untrained.

    Example:
        >>> import tempfile, numpy as np
        >>> from vggish_tf.rows import ClipRows
        >>> rows = ClipRows("a.wav", np.arange(2), np.arange(2) + 1, np.eye(2, 128, dtype="f4"))
        >>> write(Archive([rows], {}), tempfile.mkdtemp() + "/map.html").name
        'map.html'
    """
    _check(projection, seed, neighbours, audio)
    target = check_target(path, endings=(".html", ".htm"))
    table = None if labels is None else names.read_labels(labels)
    opened, place = _opened(archive)
    found = segments.read(opened)
    if recorded_untrained(opened.provenance):
        warn(UNTRAINED)
    files = places.find(found.files, place, audio)
    profile, log_mel = sounds.profile_of(opened.provenance), log_mel or embed_audio
    sounds.check(found, files, profile, embed_audio, log_mel)
    made = [
        parts.of_segments(found, opened.provenance, place, said),
        parts.of_colours(found, table, said),
        parts.of_files(files, target, embed_audio, said),
        parts.of_points(found, projection, seed, said),
        parts.of_neighbours(found, neighbours, said),
        parts.of_sounds(found, files, profile, embed_audio, log_mel, said),
    ]
    page.write(target, made)
    said(f"wrote {target}: {target.stat().st_size / 1e6:,.1f} MB")
    return target


def _check(chosen: projection.Projection, seed: int, neighbours: int, audio):
    projection.check(chosen)
    check_count("seed", seed, 0)
    check_count("neighbours", neighbours, 0)
    places.check_folder(audio)


def _opened(archive: Archive | str | os.PathLike[str]) -> tuple[Archive, Path | None]:
    """The archive, and its path if it has one."""
    if isinstance(archive, Archive):
        return archive, None
    path = check_source(archive, "Give an archive that embed wrote.")
    return formats.read(path), path
