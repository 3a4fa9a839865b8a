"""The packet table of a CAF file, which libsndfile does not check.

In a damaged table, libsndfile prints a line on standard output, and drops the sound that follows.

Source: Apple, Core Audio Format Specification 1.0, "Packet Table Chunk".
"""

import os
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

_START = 24  # where the sizes of the packets begin, after the numbers of packets and samples
_PACKET = rb"[\x80-\xff]{0,4}[\x00-\x7f]"  # a size: seven bits a byte, the last byte under 128


def has_damaged_packets(file: BinaryIO) -> bool:
    """Whether a file is a CAF whose packet table lacks packets that it promises.

    The position in the file is kept.
    """
    place = file.tell()
    try:
        return any(kind == b"pakt" and _is_damaged(file.read(size)) for kind, size in _chunks(file))
    finally:
        file.seek(place)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yields the kind and the size of each chunk, with the file positioned at its content."""
    file.seek(0)
    is_caf, size = file.read(8)[:4] == b"caff", os.fstat(file.fileno()).st_size
    while is_caf and len(head := file.read(12)) == 12:
        kind, length = struct.unpack(">4sq", head)
        end = file.tell() + length
        if length < 0 or end > size:  # the last chunk: of unknown length, or cut short
            return
        yield kind, length
        file.seek(end)


def _is_damaged(table: bytes) -> bool:
    sizes, promised = table[_START:], int.from_bytes(table[:8], "big")
    packets = re.findall(_PACKET, sizes)[:promised]
    whole = re.fullmatch(rb"(?:%s)*" % _PACKET, sizes)
    return (
        not whole or len(packets) < promised or any(not size.strip(b"\x00\x80") for size in packets)
    )
