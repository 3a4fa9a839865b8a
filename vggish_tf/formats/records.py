"""Archive as TFRecord, one record for each clip, as AudioSet and YouTube-8M publish their features.

    AudioSet                 context video_id, start_time_seconds, end_time_seconds, labels;
                             audio_embedding: 128 bytes a row, one row every 0.96 s
    YouTube-8M, frame level  context id, labels; audio: 128 bytes a row, one row every second
    YouTube-8M, video level  an Example of id, labels, mean_audio: 128 floats

Other times of rows are in `row_times_seconds`: all starts, then all ends, as the bytes of
little-endian float64. Readers that do not know this name ignore it. The provenance is beside the
file, in `<file>.json`.

Source: research.google.com/audioset/download.html and research.google.com/youtube8m/download.html.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from vggish_tf.errors import VGGishError, printable
from vggish_tf.formats import tfrecord
from vggish_tf.formats.provenance import complete, read_sidecar, with_sidecar
from vggish_tf.formats.tfrecord import Values
from vggish_tf.params import (
    AUDIO_EMBEDDING_FEATURE_NAME,
    EMBEDDING_SIZE,
    EXAMPLE_HOP_SECONDS,
    EXAMPLE_WINDOW_SECONDS,
)
from vggish_tf.rows import Archive, ClipRows

FRAMES, VIDEO = "audio", "mean_audio"  # of YouTube-8M
TIMES = "row_times_seconds"
Times = tuple[np.ndarray, np.ndarray]


def write(path: str | os.PathLike[str], archive: Archive) -> Path:
    """Writes AudioSet's records and the sidecar; both or neither.

    Args:
        path: the file.
        archive: the clips and their provenance.

    Raises:
        VGGishError: rows are not (n, 128) uint8.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> clip = ClipRows("a.wav", np.zeros(1), np.ones(1), np.zeros((1, 128), np.uint8))
        >>> path = write(tempfile.mkdtemp() + "/rows.tfrecord", Archive([clip], {"pad": "short"}))
        >>> [(clip.path, clip.end) for clip in read(path).clips]
        [('a.wav', array([1.]))]
    """
    return _write(path, archive, _audioset_record)


def write_youtube8m(path: str | os.PathLike[str], archive: Archive) -> Path:
    """Writes YouTube-8M's records and the sidecar; both or neither.

    Rows of bytes become frame-level records; one row of floats for each clip, video-level ones.

    Args:
        path: the file.
        archive: the clips and their provenance.

    Raises:
        VGGishError: rows are of neither kind.
        OSError: the file cannot be written.
    """
    return _write(path, archive, _youtube8m_record)


def _write(path, archive: Archive, record_of: Callable[[ClipRows], bytes]) -> Path:
    path = Path(path)
    with with_sidecar(path, archive) as (temporary, _, clips):
        tfrecord.write_serialized(temporary, map(record_of, clips))
    return path


def read(path: str | os.PathLike[str]) -> Archive:
    """Reads clip after clip, of any of the three kinds; features of the picture are ignored.

    A clip without an id is named by the file and a number. The end of a video-level row is NaN,
    since the record does not give the length of the video.

    Raises:
        VGGishError: the file is missing, damaged, cut short, or holds other records.
    """
    path = Path(path)
    sidecar = read_sidecar(path)
    return Archive(complete(_clips(path), path, sidecar), sidecar["provenance"])


def _clips(path: Path) -> Iterator[ClipRows]:
    for number, serialized in enumerate(tfrecord.serialized_in(path), start=1):
        try:
            clip = _clip(serialized, f"{path.name}#{number}")
        except (ValueError, DecodeError) as error:
            raise VGGishError(
                f"{path}: record {number} is neither AudioSet's nor YouTube-8M's: {error}."
            ) from None
        yield clip


def _clip(serialized: bytes, default: str) -> ClipRows:
    context, lists = tfrecord.decode(serialized)
    ids = _typed(context, "id", list) or _typed(context, "video_id", list) or [os.fsencode(default)]
    embedding, (start, end) = _rows(context, lists)
    times = _typed(context, TIMES, list)
    if times:
        start, end = np.frombuffer(times[0], "<f8").reshape(2, len(embedding))
    labels = _typed(context, "labels", np.int64)
    path = printable(ids[0].decode("utf-8", "surrogateescape"))
    return ClipRows(path, start, end, embedding, labels)


def _typed(context: dict[str, Values], name: str, kind: type):
    """A value of a context, or None: a list of bytes, or an array of a dtype.

    Raises:
        ValueError: it is of another type.
    """
    values = context.get(name)
    found = list if isinstance(values, list) else getattr(values, "dtype", kind)
    if found != kind:
        raise ValueError(f"its {name} is of another type")
    return values


def _rows(context: dict[str, Values], lists: dict[str, list[bytes]]) -> tuple[np.ndarray, Times]:
    """The rows, and their times by the rule of the dataset."""
    if AUDIO_EMBEDDING_FEATURE_NAME in lists:
        embedding = tfrecord.rows_of(lists[AUDIO_EMBEDDING_FEATURE_NAME])
        first = _typed(context, "start_time_seconds", np.float32)
        return embedding, _audioset_times(0 if first is None else first.item(), len(embedding))
    if FRAMES in lists:
        embedding = tfrecord.rows_of(lists[FRAMES])
        return embedding, _frame_times(len(embedding))
    if VIDEO in context:
        return _typed(context, VIDEO, np.float32).reshape(1, EMBEDDING_SIZE), _video_times()
    raise ValueError(f"it holds {', '.join(sorted([*context, *lists])) or 'nothing'}")


def _audioset_times(first: float, num_rows: int) -> Times:
    start = first + EXAMPLE_HOP_SECONDS * np.arange(num_rows)
    return start, start + EXAMPLE_WINDOW_SECONDS


def _frame_times(num_rows: int) -> Times:
    start = np.arange(num_rows, dtype=np.float64)
    return start, start + 1


def _video_times() -> Times:
    return np.zeros(1), np.full(1, np.nan)


def _audioset_record(clip: ClipRows) -> bytes:
    _check_bytes(clip)
    edges = [clip.start[:1], clip.end[-1:]] if len(clip.start) else np.zeros((2, 1))
    first, last = (np.asarray(edge, np.float32) for edge in edges)
    by_rule = _audioset_times(float(first[0]), len(clip.start))
    context = {
        "video_id": [clip.path.encode()],
        "start_time_seconds": first,
        "end_time_seconds": last,
        **_more(clip, by_rule),
    }
    return tfrecord.encode(context, {AUDIO_EMBEDDING_FEATURE_NAME: clip.embedding})


def _youtube8m_record(clip: ClipRows) -> bytes:
    name = {"id": [clip.path.encode()]}
    if clip.embedding.dtype == np.float32:
        if clip.embedding.shape != (1, EMBEDDING_SIZE):
            raise VGGishError(
                f"YouTube-8M's video level holds one row of {EMBEDDING_SIZE} floats a clip; "
                f"received {clip.embedding.shape} of {clip.path!r}. Embed with --pool mean, or, "
                "for the frame level, with --postprocess quantized."
            )
        return tfrecord.encode(
            {**name, **_more(clip, _video_times()), VIDEO: clip.embedding[0]}, {}
        )
    _check_bytes(clip)
    context = {**name, **_more(clip, _frame_times(len(clip.start)))}
    return tfrecord.encode(context, {FRAMES: clip.embedding})


def _check_bytes(clip: ClipRows):
    if clip.embedding.dtype != np.uint8 or clip.embedding.shape[1] != EMBEDDING_SIZE:
        raise VGGishError(
            f"a TFRecord holds (n, {EMBEDDING_SIZE}) uint8; received {clip.embedding.dtype} "
            f"{clip.embedding.shape}. Embed with --postprocess quantized."
        )


def _more(clip: ClipRows, by_rule: Times) -> dict[str, Values]:
    """The labels, and the times if they differ from the rule in any bit."""
    labels: dict[str, Values] = {} if clip.labels is None else {"labels": np.asarray(clip.labels)}
    times = b"".join(np.asarray(each, "<f8").tobytes() for each in (clip.start, clip.end))
    if times == b"".join(each.tobytes() for each in by_rule):
        return labels
    return {**labels, TIMES: [times]}
