"""The table of packets of a CAF file, which libsndfile does not check.

Where it is damaged, libsndfile prints a line on standard output, and leaves out what follows.

Source: Apple, Core Audio Format Specification 1.0, "Packet Table Chunk".
"""

import os
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

_START = 24  # of the sizes of the packets, behind their number and that of the samples
_PACKET = rb"[\x80-\xff]{0,4}[\x00-\x7f]"  # its size: seven bits a byte, the last byte under 128


def has_damaged_packets(file: BinaryIO) -> bool:
    """Whether a file is a CAF with a table that has not the packets that it promises.

    It leaves the file where it was.
    """
    place = file.tell()
    try:
        return any(kind == b"pakt" and _is_damaged(file.read(size)) for kind, size in _chunks(file))
    finally:
        file.seek(place)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The kind and the size of each chunk, with the file at its content."""
    file.seek(0)
    is_caf, size = file.read(8)[:4] == b"caff", os.fstat(file.fileno()).st_size
    while is_caf and len(head := file.read(12)) == 12:
        kind, length = struct.unpack(">4sq", head)
        end = file.tell() + length
        if length < 0 or end > size:  # of unknown length, or cut short: the last one
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
