"""Stores: the file systems of inputs and outputs: this machine's, or those of Beam.

A path with a scheme (gs://, s3://, hdfs://) belongs to Beam's file systems, which need the extra
`beam`; any other path is local. The contents of files are not interpreted here.
"""

import contextlib
import glob
import os
import posixpath
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from vggish_tf.errors import AudioError, VGGishError, how_to_install, reason_of
from vggish_tf.files import make_folder, replacing

Stamp = tuple[int, int]  # size in bytes, time of change in nanoseconds; zeros for a missing file
GONE: Stamp = (0, 0)


class Local:
    """Files of this machine."""

    def open(self, path: str) -> BinaryIO:
        """Opens a file for reading."""
        return open(path, "rb")

    def exists(self, path: str) -> bool:
        """Whether a file or a folder is there."""
        return os.path.exists(path)

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there."""
        return os.path.isdir(path)

    def stamp(self, path: str) -> Stamp:
        """Size and time of change of a file; GONE if it is missing."""
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return GONE
        return status.st_size, status.st_mtime_ns

    def files_in(self, folder: str) -> Iterator[tuple[str, Stamp | None]]:
        """All files by name, without hidden ones; links are followed, to each folder once."""
        seen = set[tuple[int, int]]()
        for parent, folders, names in os.walk(folder, followlinks=True):
            status = os.stat(parent)
            if (status.st_dev, status.st_ino) in seen:  # a link to a folder that was seen before
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    yield os.path.join(parent, name), None

    def matches(self, pattern: str) -> Iterator[tuple[str, Stamp | None]]:
        """The files that match a glob, with ** for subfolders, by name."""
        for path in sorted(glob.iglob(pattern, recursive=True)):
            if os.path.isfile(path):
                yield path, None

    def names_in(self, folder: str) -> list[str]:
        """The names of the files in a folder, without its subfolders."""
        return os.listdir(folder)

    def make_folder(self, path: str) -> None:
        """Makes a folder, if it is not there."""
        make_folder(path)

    def remove(self, path: str) -> None:
        """Removes a file, if it is there."""
        Path(path).unlink(missing_ok=True)

    @contextmanager
    def copied(self, path: str) -> Iterator[str]:
        """Yields a path on this machine with the content of a file."""
        yield path

    @contextmanager
    def written(self, path: str, through: str) -> Iterator[Path]:
        """Yields a path on this machine to write to; the file then appears whole or not at all.

        Args:
            path: the path of the file.
            through: a folder for unfinished files, which a killed run may leave there.
        """
        with replacing(path, through=through) as temporary:
            yield temporary

    def clear(self, folder: str) -> None:
        """Removes the files in a folder."""
        for path in Path(folder).iterdir():
            path.unlink()

    @contextmanager
    def locked(self, path: str) -> Iterator[None]:
        """Locks a file for this process; the system unlocks it when the process ends.

        Raises:
            BlockingIOError: another process holds it.
        """
        with open(path, "a+b") as file:
            _lock(file)
            yield


class Remote(Local):
    """Files of Beam's file systems; each is whole or does not exist."""

    def __init__(self):
        try:
            from apache_beam.io.filesystem import CompressionTypes
            from apache_beam.io.filesystems import FileSystems
            from apache_beam.options.pipeline_options import PipelineOptions
        except ImportError:
            raise VGGishError(
                f"paths such as gs://… need Apache Beam. {how_to_install('beam')}"
            ) from None
        if FileSystems._pipeline_options is None:  # some file systems need options
            FileSystems.set_options(PipelineOptions([]))
        self._systems: Any = FileSystems
        self._as_is = {"compression_type": CompressionTypes.UNCOMPRESSED}

    def open(self, path):
        return self._systems.open(path, **self._as_is)

    def exists(self, path):
        return self._systems.exists(path)

    def is_folder(self, path):
        return not posixpath.splitext(path)[1] and not glob.has_magic(path)

    def stamp(self, path):
        if not self.exists(path):
            return GONE
        return _stamp_of(self._systems.get_filesystem(path).metadata(path))

    def files_in(self, folder):
        root = folder.rstrip("/")
        for path, stamp in self.matches(f"{root}/**"):
            if not any(part.startswith(".") for part in path[len(root) + 1 :].split("/")):
                yield path, stamp

    def matches(self, pattern):
        (found,) = self._systems.match([pattern])
        for each in sorted(found.metadata_list, key=lambda each: each.path):
            yield each.path, _stamp_of(each)

    def names_in(self, folder):
        return [posixpath.basename(path) for path, _ in self.matches(f"{folder}/*")]

    def make_folder(self, path):
        with contextlib.suppress(OSError):  # it exists; or the store has no folders
            self._systems.mkdirs(path)

    def remove(self, path):
        if self.exists(path):
            self._systems.delete([path])

    @contextmanager
    def copied(self, path):
        if not self.exists(path):
            raise AudioError(f"{path} does not exist. Check the name.")
        with tempfile.NamedTemporaryFile(prefix="vggish_tf.") as file:
            with self.open(path) as source:
                shutil.copyfileobj(source, file)
            file.flush()
            yield file.name

    @contextmanager
    def written(self, path, through):
        with tempfile.TemporaryDirectory(prefix="vggish_tf.") as folder:
            local = Path(folder, posixpath.basename(path))
            yield local
            self._publish(local, path, through)

    def clear(self, folder):
        pass  # without locks, another run may be writing there

    @contextmanager
    def locked(self, path):
        yield  # no locks are needed: two runs write the same bytes under the same names

    def _publish(self, local: Path, path: str, through: str):
        """Copies a file there under another name first, since readers may see unfinished files."""
        temporary = f"{through}/{posixpath.basename(path)}.{uuid.uuid4().hex[:8]}"
        try:
            with open(local, "rb") as source, self._systems.create(temporary, **self._as_is) as to:
                shutil.copyfileobj(source, to)
            self.remove(path)  # not every file system renames over a file
            self._systems.rename([temporary], [path])
        except Exception as error:
            raise VGGishError(f"{path} cannot be written: {reason_of(error)}.") from error


def of(path: str) -> Local:
    """The store of a path.

    Raises:
        VGGishError: the path needs Beam, which is not installed.
    """
    return Remote() if is_remote(path) else Local()


def is_remote(path: str) -> bool:
    """Whether a path belongs to Beam's file systems.

    Example:
        >>> is_remote("gs://bucket/a.wav"), is_remote("a.wav")
        (True, False)
    """
    return "://" in path


def _stamp_of(metadata) -> Stamp:
    return metadata.size_in_bytes, round(metadata.last_updated_in_seconds * 1e9)


def _lock(file):
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError as error:
            raise BlockingIOError(*error.args) from None
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
