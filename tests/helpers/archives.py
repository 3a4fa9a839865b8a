"""Small archives of random rows, and the search of one in plain NumPy float64."""

import numpy as np

from vggish_tf.formats import parquet
from vggish_tf.rows import Archive, ClipRows

SECONDS = 0.96


def clip(path: str, embedding, first=0.0) -> ClipRows:
    """A clip whose examples follow each other."""
    start = first + np.arange(len(embedding)) * SECONDS
    return ClipRows(path, start, start + SECONDS, np.asarray(embedding))


def normal(*shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def clusters(num_rows: int, seed=0) -> np.ndarray:
    """Rows near to one of fifty, as the sounds of recordings are alike."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((50, 128))
    near = centres[generator.integers(0, 50, num_rows)]
    return (near + 0.3 * generator.standard_normal((num_rows, 128))).astype(np.float32)


def written(path, clips, provenance=None):
    """The path of an archive in one file, of bytes or of float32."""
    kept = (
        each._replace(embedding=each.embedding.astype(np.float32))
        if each.embedding.dtype == np.float64
        else each
        for each in clips
    )
    return parquet.write(path, Archive(kept, provenance or {}))


def oracle(clips, query, top, per_file=False, unlike=()):
    """(path, start, cosine, example) of the hits: each row with each example, one at a time."""
    hits, number = [], 0
    for path, starts, _, embedding, _ in clips:
        for start, row in zip(starts, embedding, strict=True):
            number += 1
            cosines = [cosine(row, example) for example in query]
            if np.all(np.isnan(cosines)):
                continue
            best = np.nanmax(cosines)
            if not any(cosine(row, other) > best for other in unlike):
                hits.append((-best, number, path, start, int(np.nanargmax(cosines))))
    files, kept = set(), []
    for negative, _, path, start, example in sorted(hits):
        if not (per_file and path in files):
            kept.append((path, start, -negative, example))
        files.add(path)
    return kept[:top]


def cosine(a, b) -> float:
    """To 12 decimals; NaN where one of the rows has no direction."""
    with np.errstate(all="ignore"):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        return round(float(a @ b / np.sqrt((a @ a) * (b @ b))), 12)
