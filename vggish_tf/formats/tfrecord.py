"""Quantized embeddings as in the AudioSet release: a TFRecord file of SequenceExamples, one a clip.

The context of a SequenceExample describes the clip (`video_id`, `start_time_seconds`,
`end_time_seconds`, `labels`), and the feature list `audio_embedding` holds 128 bytes an example.
`write` restores the records of `read` byte for byte: it keeps the order of the context, for which
the release has no rule.

Source: research.google.com/audioset/download.html; tensorflow/models vggish_inference_demo.py
writes no context.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from vggish_tf.errors import UsageError, VGGishError, counted, without_operations
from vggish_tf.files import replacing
from vggish_tf.params import AUDIO_EMBEDDING_FEATURE_NAME, EMBEDDING_SIZE

Values = list[bytes] | np.ndarray  # bytes, float32, or int64


class Record(NamedTuple):
    """One clip: `embedding` (n, 128) uint8, and its `context`, name → values.

    Values are a list of bytes, a float32 array or an int64 array.
    """

    embedding: np.ndarray
    context: Mapping[str, Values] = {}


def write(path: str | os.PathLike[str], records: Iterable[Record]) -> Path:
    """Writes records; whole or not at all.

    Args:
        path: the file.
        records: a list or a generator of Records, or of pairs (embedding, context).

    Raises:
        UsageError: an embedding is not (n, 128) uint8.
        VGGishError, OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> context = {"video_id": [b"clip"], "labels": np.array([0, 137])}
        >>> record = Record(np.zeros((2, 128), np.uint8), context)
        >>> path = write(tempfile.mkdtemp() + "/clips.tfrecord", [record])
        >>> [(record.embedding.shape, record.context) for record in read(path)]
        [((2, 128), {'video_id': [b'clip'], 'labels': array([  0, 137])})]
    """
    return write_serialized(path, (_encode(Record(*record)) for record in records))


def write_serialized(path: str | os.PathLike[str], records: Iterable[bytes]) -> Path:
    """Writes serialized records of any kind; whole or not at all.

    Raises:
        VGGishError, OSError: the file cannot be written.
    """
    import tensorflow as tf

    with replacing(path) as temporary, tf.io.TFRecordWriter(os.fsencode(temporary)) as writer:
        for record in records:
            writer.write(record)
    return Path(path)


def read(path: str | os.PathLike[str]) -> Iterator[Record]:
    """Yields record by record.

    Raises:
        VGGishError: the file is missing, damaged or cut short, or holds other records; those before
            the bad record have been yielded.
    """
    for number, serialized in enumerate(serialized_in(path), start=1):
        try:
            record = _decode(serialized)
        except (ValueError, DecodeError) as error:
            raise VGGishError(
                f"{path}: record {number} is not an AudioSet record: {error}."
            ) from None
        yield record


def serialized_in(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yields the bytes of each record, after a check of its checksums.

    Raises:
        VGGishError: the file is missing, damaged or cut short, or is not a TFRecord file.
    """
    import tensorflow as tf

    try:
        yield from tf.data.TFRecordDataset(os.fsencode(path)).as_numpy_iterator()
    except tf.errors.OpError as error:
        reason = without_operations(error.message)
        raise VGGishError(f"{path} is missing, damaged, or not a TFRecord file: {reason}") from None


def _encode(record: Record) -> bytes:
    embedding = np.asarray(record.embedding)
    if embedding.dtype != np.uint8 or embedding.shape[1:] != (EMBEDDING_SIZE,):
        raise UsageError(
            f"a record holds (n, {EMBEDDING_SIZE}) uint8; received {embedding.dtype} "
            f'{embedding.shape}. Quantize the embeddings: Embedder(postprocess="quantized").'
        )
    return encode(record.context, {AUDIO_EMBEDDING_FEATURE_NAME: embedding})


def encode(context: Mapping[str, Values], lists: Mapping[str, np.ndarray]) -> bytes:
    """A serialized SequenceExample of a context and of lists of bytes, with an item for each row.

    Without lists it is an Example, which has the same bytes as a context.
    """
    import tensorflow as tf

    feature_lists = {name: tf.train.FeatureList(feature=map(_bytes, lists[name])) for name in lists}
    example = tf.train.SequenceExample(
        feature_lists=tf.train.FeatureLists(feature_list=feature_lists) if lists else None
    )
    # A protobuf map is written in any order. To keep ours, each entry is serialized alone, and the
    # bytes are concatenated. The context is field 1 of the message: bytes after their length, like
    # the first field of a BytesList.
    entries = b"".join(_entry(name, _feature(values)) for name, values in context.items())
    before = tf.train.BytesList(value=[entries]).SerializeToString() if entries else b""
    return before + example.SerializeToString()


def _bytes(row: np.ndarray):
    return _feature([row.tobytes()])


def _decode(serialized: bytes) -> Record:
    context, lists = decode(serialized)
    if list(lists) != [AUDIO_EMBEDDING_FEATURE_NAME]:
        raise ValueError(
            f"its feature lists are {sorted(lists)}, expected only {AUDIO_EMBEDDING_FEATURE_NAME!r}"
        )
    return Record(rows_of(lists[AUDIO_EMBEDDING_FEATURE_NAME]), context)


def decode(serialized: bytes) -> tuple[dict[str, Values], dict[str, list[bytes]]]:
    """The context and the lists of a SequenceExample; all features of an Example are its context.

    Raises:
        DecodeError: the bytes are neither.
    """
    import tensorflow as tf

    example = tf.train.SequenceExample.FromString(serialized)
    context = example.context.feature
    in_order = sorted(context, key=lambda name: serialized.find(_entry(name, context[name])))
    lists = {
        name: [b"".join(feature.bytes_list.value) for feature in each.feature]
        for name, each in example.feature_lists.feature_list.items()
    }
    return {name: _values(context[name]) for name in in_order}, lists


def rows_of(rows: list[bytes]) -> np.ndarray:
    """Rows of bytes as an array, (n, 128) uint8.

    Raises:
        ValueError: a row has another size.
    """
    wrong = [len(row) for row in rows if len(row) != EMBEDDING_SIZE]
    if wrong:
        raise ValueError(f"a row has {counted(wrong[0], 'byte')}, expected {EMBEDDING_SIZE}")
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), EMBEDDING_SIZE)


def _entry(name: str, feature) -> bytes:
    """One serialized entry of a context."""
    import tensorflow as tf

    return tf.train.Features(feature={name: feature}).SerializeToString()


def _feature(values: Values):
    import tensorflow as tf

    if isinstance(values, list):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if np.issubdtype(values.dtype, np.floating):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _values(feature) -> Values:
    kind = feature.WhichOneof("kind")
    if kind == "bytes_list":
        return list(feature.bytes_list.value)
    if kind == "float_list":
        return np.array(feature.float_list.value, np.float32)
    return np.array(feature.int64_list.value, np.int64)
