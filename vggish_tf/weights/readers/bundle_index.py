"""The index of a TF1 V2 checkpoint, checked before TensorFlow reads it.

An impossible shape makes TensorFlow end the process. TensorFlow checks names and checksums itself.

Source: tensorflow/core/util/tensor_bundle, tensor_bundle.proto; leveldb's table_format.md.
"""

import math
from collections.abc import Iterator
from pathlib import Path

from vggish_tf.errors import CheckpointError

FOOTER = 48  # bytes
MAGIC = bytes.fromhex("57fb808b247547db")  # at the end of a table
HIGHEST_RANK = 8
MOST_VALUES = 1 << 40  # in a tensor


def check(path: Path) -> None:
    """Raises if an entry has an impossible shape or slice.

    Raises:
        CheckpointError: an entry has, or the table is damaged.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import tensor_bundle_pb2

    try:
        for key, value in _entries(path.read_bytes()):
            if key:  # the empty one is the header
                _check_entry(tensor_bundle_pb2.BundleEntryProto.FromString(value))
    except (DecodeError, IndexError):
        raise CheckpointError("it is damaged or cut short.") from None


def _check_entry(entry):
    sizes = [axis.size for axis in entry.shape.dim]
    slices = [[(cut.start, cut.length) for cut in each.extent] for each in entry.slices]
    fits = len(sizes) <= HIGHEST_RANK and all(0 <= size <= MOST_VALUES for size in sizes)
    fits = fits and math.prod(sizes) <= MOST_VALUES
    for each in slices:  # length 0 is the whole axis
        fits = fits and len(each) == len(sizes) and slices.count(each) == 1
        fits = fits and all(
            start >= 0 and length >= 0 and start + length <= size
            for (start, length), size in zip(each, sizes, strict=False)
        )
    if not fits:
        raise CheckpointError("it is damaged: it holds a tensor of an impossible shape.")


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a table; none if it is not a table, which TensorFlow reports."""
    if len(table) < FOOTER or table[-len(MAGIC) :] != MAGIC:
        return
    footer = table[-FOOTER : -len(MAGIC)]
    _, place = _varint(footer, 0)
    _, place = _varint(footer, place)  # skips the handle of the metaindex block
    for _, handle in _in_block(table, footer[place:]):
        yield from _in_block(table, handle)


def _in_block(table: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key shares its beginning with the key before."""
    start, place = _varint(handle, 0)
    size, _ = _varint(handle, place)
    block = table[start : start + size]
    if len(block) < size or table[start + size] != 0:
        raise CheckpointError("it is damaged, or its index is packed.")
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        more, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + more]
        yield key, block[place + more : place + more + length]
        place += more + length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number, stored as seven bits a byte, and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
