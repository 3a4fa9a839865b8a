"""Members of untrusted zip files: read whole, or refused, in bounded memory.

The sizes in a zip's headers may be false, so no more bytes are unpacked than they say. The contents
of a member are not checked.
"""

import zipfile

BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python's other decompressors take no limit


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The content of a member of at most `most` bytes.

    Raises:
        ValueError: the member is larger, or packed by an unusual method.
        Exception: on a damaged file, any error of zipfile and zlib, not only BadZipFile.

    Example:
        >>> import io
        >>> archive = zipfile.ZipFile(io.BytesIO(), "w")
        >>> archive.writestr("note.txt", "unpacked")
        >>> read_member(archive, "note.txt", most=8)
        b'unpacked'
    """
    member = archive.getinfo(name)
    if member.compress_type not in BOUNDED:
        raise ValueError(f"{name} in it is packed by a method that is neither deflate nor none.")
    if member.file_size > most:
        raise ValueError(
            f"{name} in it unpacks to {member.file_size:,} bytes; at most {most:,} are allowed."
        )
    with archive.open(member) as stream:  # stops at file_size, and compares the checksum there
        return stream.read(member.file_size)
