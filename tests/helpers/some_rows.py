"""Archives of random rows, bit patterns of every size, and whether two archives are the same."""

import numpy as np

from vggish_tf.errors import printable
from vggish_tf.rows import Archive, ClipRows

PROVENANCE = {"vggish_tf": "0.1.0", "weights": {"values_sha256": "ab"}, "pad": "short"}
ODD_NAMES = (
    *("plain.wav", "one/clip.wav", "two/clip.wav", "/root/clip.wav", "../up/clip.wav"),
    *("up/clip.wav", "line\nend.wav", "carriage\rreturn.wav", "tab\t.wav", 'quo"te.wav'),
    *("comma, too.wav", "single'quote.wav", "grün/音.wav", "no utf-8 \udc80\udcff.wav", " ", "NA"),
    *("", "-1", "plain.wav.npz/inside.wav", "shard.tar::member/a.wav", "back\\slash.wav"),
)


def floats(count: int, rng: np.random.Generator, size: int = 128) -> np.ndarray:
    """Any finite float32: denormal, huge, negative zero; a row of whole numbers first."""
    rows = rng.integers(0, 1 << 32, (count, size), np.uint32).view(np.float32)
    rows = np.where(np.isfinite(rows), rows, np.float32(-0.0))
    rows[:1] = np.arange(size)
    return rows


def clip(path: str, count: int, dtype=np.float32, labelled=False, seed=0, size=128) -> ClipRows:
    rng = np.random.default_rng([seed, count, *path.encode("utf-8", "backslashreplace")])
    start = np.cumsum(rng.random(count))
    byte = rng.integers(0, 256, (count, size), np.uint8)
    labels = rng.integers(0, 527, 1 + len(path) % 3) if labelled else None
    embedding = byte if dtype == np.uint8 else floats(count, rng, size)
    return ClipRows(path, start, start + 0.1 + rng.random(count), embedding, labels)


def archive(dtype=np.float32, names=ODD_NAMES, labelled=False, count=None, size=128) -> Archive:
    """Clips of 1, 2, 3 … rows, or of `count` each."""
    clips = [
        clip(name, count or 1 + place % 4, dtype, labelled, size=size)
        for place, name in enumerate(names)
    ]
    return Archive(clips, PROVENANCE)


def described(archive: Archive, in_order: bool = True) -> list[tuple]:
    """All that an archive holds, bit for bit; without an order by path, as a folder tree is."""
    clips = [
        (
            printable(clip.path),
            str(clip.embedding.dtype),
            clip.embedding.shape,
            *(np.ascontiguousarray(array).tobytes() for array in clip[1:4]),
            None if clip.labels is None else list(clip.labels),
        )
        for clip in archive.clips
    ]
    return clips if in_order else sorted(clips)
