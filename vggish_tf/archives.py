"""Members of zip files that anybody may have made: whole, or refused, in bounded memory.

The sizes in a zip's headers may be lies, so what is unpacked is counted too. Nothing here knows
what is in a member.
"""

import zipfile

BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python's other decompressors take no limit


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The content of a member of at most `most` bytes.

    Raises:
        ValueError: it is larger, or packed by an unusual method.
        Exception: whatever zipfile and zlib raise on a damaged file, which is more than BadZipFile.

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
            f"{name} in it unpacks to {member.file_size:,} bytes, of at most {most:,}."
        )
    with archive.open(member) as stream:  # stops at file_size, and there compares the checksum
        return stream.read(member.file_size)
