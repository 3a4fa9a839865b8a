"""nearest(): the segments of an archive that are nearest to a query."""

import functools
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from vggish_tf.cosines import Hit, Nearest, blocks_of
from vggish_tf.errors import check_count
from vggish_tf.jobs.search import query as queries
from vggish_tf.rows import Archive

if TYPE_CHECKING:
    from vggish_tf.embedding import Embedder
    from vggish_tf.jobs.search.index import Index


def nearest(
    archive: "Archive | str | os.PathLike[str]",
    query: "queries.Source",
    *,
    top: int = 20,
    per_file: bool = False,
    unlike: "Iterable[queries.Source]" = (),
    index: "Index | None" = None,
    embedder: "Embedder | Callable[[dict], Embedder] | None" = None,
) -> list[Hit]:
    """Finds the segments of an archive that are nearest to a query.

    The cosine of a segment is the highest over the examples of the query. A segment is at most one
    hit. Rows of zeros and rows that are not finite have no direction: in the archive they are never
    hits, and in the query they are ignored.

    Args:
        archive: an Archive, which is read once, or the path of one.
        query: rows (n, size), float32 or uint8 as in the archive; or the path of audio, of an npz
            or of another archive, whose rows are the query.
        top: the largest number of hits.
        per_file: whether to return only the best segment of each audio file.
        unlike: queries of the same kinds; a segment that is nearer to one of them is left out.
        index: an index from open_index(archive): faster, but it may miss some of the nearest.
        embedder: an Embedder for audio, or a function that makes one from the archive's provenance.
            By default it has the settings of the archive and the weights that the archive names.

    Returns:
        The hits, nearest first; equally near ones in the order of the archive.

    Raises:
        UsageError: `top` is under 1, the rows have another size, or the query has no direction.
        VGGishError: there is no archive, or the query has other weights or settings.
        AudioError, CheckpointError: as Embedder.

    Example:
        >>> import numpy as np
        >>> from vggish_tf.rows import ClipRows
        >>> rows = ClipRows("a.wav", np.array([0, 1]), np.array([1, 2]), np.eye(2, 128))
        >>> nearest(Archive([rows], {}), np.ones((1, 128)), top=1)
        [Hit(path='a.wav', start=0.0, end=1.0, cosine=0.0883..., example=0)]
    """
    check_count("top", top)
    opened = queries.read(archive)
    made = functools.cache(functools.partial(queries.made, embedder, opened.provenance))
    best = Nearest(
        queries.rows_of([query], opened.provenance, made), top, per_file,
        queries.rows_of(unlike, opened.provenance, made),
    )  # fmt: skip
    for block in blocks_of(opened.clips) if index is None else index.blocks(best):
        best.add(block)
    return best.hits
