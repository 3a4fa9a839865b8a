"""Places: the files of an archive on this machine, and their addresses on the page.

An archive has the paths that `embed` was given. They are looked up from the current folder and from
the folder of the archive; or below a given folder, whole or without the first few folders. The
number of folders that are left out is the same for all files.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from vggish_tf.errors import VGGishError, from_printable
from vggish_tf.jobs.map.names import parts_of

TRIED = 1000  # files that are tried to choose the way of finding them

Way = Callable[[str], Path]


def find(
    files: Sequence[str], archive: Path | None = None, audio: str | os.PathLike[str] | None = None
) -> list[Path | None]:
    """The place of each file on this machine; None for a file that is not found.

    Args:
        files: paths, as in the archive.
        archive: the path of the archive.
        audio: the folder of the sounds, if not as in the archive.

    Example:
        >>> find(["nowhere/clip.wav"])
        [None]
    """
    ways = _below(Path(audio), files) if audio is not None else _as_found(archive)
    sample = files[:: max(len(files) // TRIED, 1)]
    best = max(ways, key=lambda way: sum(_place(way, path) is not None for path in sample))
    return [_place(best, path) for path in files]


def _place(way: Way, path: str) -> Path | None:
    """The place of a file; an archive has its name as printable() writes it."""
    places = map(way, (path, from_printable(path)))
    return next(filter(os.path.isfile, places), None)


def check_folder(audio: str | os.PathLike[str] | None):
    """Raises if the folder of the sounds is not a folder.

    Raises:
        VGGishError: it is missing, or is a file.
    """
    if audio is not None and not os.path.isdir(audio):
        raise VGGishError(f"{audio} is not a folder. Give the folder that holds the sounds.")


def addresses(places: Iterable[Path | None], page: Path) -> Iterator[str | None]:
    """Yields the address of each file, relative to the page.

    Example:
        >>> list(addresses([Path("sounds/a#1.wav"), None], Path("pages/map.html")))
        ['../sounds/a%231.wav', None]
    """
    folder = os.path.abspath(page.parent)
    for path in places:
        yield None if path is None else _address(os.path.abspath(path), folder)


def _address(path: str, folder: str) -> str:
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # on another drive of Windows
        return Path(path).as_uri()
    return "/".join(quote(os.fsencode(part), safe="") for part in relative.split(os.sep))


def _as_found(archive: Path | None) -> list[Way]:
    folders = [Path(), *([] if archive is None else [archive.absolute().parent])]
    return [Path, *(partial(_joined, folder, 0) for folder in folders)]


def _below(folder: Path, files: Sequence[str]) -> list[Way]:
    deepest = max(len(parts_of(path)) for path in files)
    return [partial(_joined, folder, left_out) for left_out in range(max(deepest, 1))]


def _joined(folder: Path, left_out: int, path: str) -> Path:
    parts = parts_of(path)
    return folder.joinpath(*parts[min(left_out, len(parts) - 1) :]) if parts else folder
