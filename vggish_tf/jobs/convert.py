"""convert(): an archive in one format → the same archive in another, clip after clip."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

from vggish_tf import formats
from vggish_tf.errors import UsageError, VGGishError, check_word, counted
from vggish_tf.progress import bar, note
from vggish_tf.rows import Archive, ClipRows, Convention, byte_values


def convert(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    format: str | None = None,
    *,
    overwrite: bool = False,
    dequantize: Convention | None = None,
) -> tuple[int, int]:
    """Converts an archive, shows progress, and prints the numbers of rows and clips.

    Args:
        source: any archive that formats.read() reads.
        output: a file or a folder, which is written whole or not at all.
        format: the format of the output, as for formats.write().
        overwrite: whether an existing archive may be replaced.
        dequantize: turns bytes into float32 by a convention of vggish_tf.dequantize().

    Returns:
        The numbers of rows and of clips.

    Raises:
        UsageError: the format or the convention is unknown, or one path is inside the other.
        VGGishError: the source is not an archive, or is damaged; or the output cannot be written,
            or cannot hold such rows.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> start, embedding = np.array([0.0]), np.zeros((1, 128), np.float32)
        >>> archive = Archive([ClipRows("a.wav", start, start + 0.96, embedding)], {})
        >>> source = formats.write(tempfile.mkdtemp() + "/rows.parquet", archive)
        >>> convert(source, source.with_suffix(".csv"))
        /...rows.parquet → /...rows.csv: 1 row of 1 clip
        (1, 1)
    """
    check_word("dequantize", dequantize, (None, *get_args(Convention)))
    format = check(source, output, format, overwrite=overwrite)
    archive = formats.read(source)
    if dequantize:
        archive = _dequantized(archive, dequantize)
    with bar(unit="row", unit_scale=True) as shown:
        count = [0, 0]
        clips = _counted(archive.clips, count, shown)
        formats.write(output, Archive(clips, archive.provenance), format)
    num_rows, num_clips = count
    note(f"{source} → {output}: {counted(num_rows, 'row')} of {counted(num_clips, 'clip')}")
    return num_rows, num_clips


def check(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    format: str | None = None,
    *,
    overwrite: bool = False,
) -> str:
    """Checks what convert() can check before it reads anything, and returns the format.

    Raises:
        UsageError, VGGishError: see convert().
    """
    paths = Path(source).resolve(), Path(output).resolve()
    if any(one == other or one in other.parents for one, other in (paths, paths[::-1])):
        raise UsageError(
            f"of {source} and {output}, one is the other or is inside it. Choose another output."
        )
    return formats.check_output(output, format, overwrite=overwrite)


def _counted(clips: Iterable[ClipRows], count: list[int], shown: Any) -> Iterator[ClipRows]:
    for clip in clips:
        count[0] += len(clip.start)
        count[1] += 1
        shown.update(len(clip.start))
        yield clip


def _dequantized(archive: Archive, convention: Convention) -> Archive:
    clips = (_with_floats(clip, convention) for clip in archive.clips)
    return Archive(clips, {**archive.provenance, "dequantized": convention})


def _with_floats(clip: ClipRows, convention: Convention) -> ClipRows:
    if clip.embedding.dtype != "uint8":
        raise VGGishError(
            f"{clip.path!r} has rows of {clip.embedding.dtype}, not bytes. Leave out dequantize "
            "(--dequantize)."
        )
    return clip._replace(embedding=byte_values(convention)[clip.embedding])
