"""Archive as a folder of npz files, one for each clip, in the folders of the clips; or one npz.

A clip `sounds/a.wav` is in `sounds/a.wav.npz`. The root of an absolute path and every `..` are left
out. Two clips that would have the same file are in `a.wav.npz` and `a.wav~2.npz`.
"""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing_all
from vggish_tf.formats import npz
from vggish_tf.formats.clips import opened
from vggish_tf.formats.provenance import IN_FOLDER, check_same
from vggish_tf.formats.provenance import read as read_provenance
from vggish_tf.rows import Archive, ClipRows


def write(path: str | os.PathLike[str], archive: Archive) -> Path:
    """Writes a folder; whole or not at all.

    Args:
        path: the folder.
        archive: the clips and their provenance.

    Raises:
        VGGishError: the clips have rows of different size or dtype.

    Example:
        >>> import tempfile, numpy as np
        >>> clip = ClipRows("/a/b.wav", np.zeros(1), np.ones(1), np.zeros((1, 128), np.float32))
        >>> path = write(tempfile.mkdtemp() + "/rows", Archive([clip], {}))
        >>> (path / "a" / "b.wav.npz").is_file()
        True
        >>> [clip.path for clip in read(path).clips]
        ['/a/b.wav']
    """
    path = Path(path)
    with replacing_all([path]) as temporary:
        folder = temporary / path.name
        folder.mkdir()
        (folder / IN_FOLDER).write_text(json.dumps(archive.provenance), encoding="utf-8")
        for clip in opened(archive)[1]:
            npz.write_clip(_place(folder, clip.path), clip, archive.provenance)
    return path


def write_one(path: str | os.PathLike[str], archive: Archive) -> Path:
    """Writes the only clip of an archive as one npz.

    Raises:
        VGGishError: the archive has no clip, or several.
    """
    clips = list(itertools.islice(opened(archive)[1], 2))
    if len(clips) != 1:
        raise VGGishError(
            f"{path} holds one clip, and the archive has {'several' if clips else 'none'}. "
            "Give the name of a folder, and format='npz'."
        )
    return npz.write_clip(path, clips[0], archive.provenance)


def read(path: str | os.PathLike[str]) -> Archive:
    """Reads one npz, or those of a folder and its subfolders in the order of their names.

    Raises:
        VGGishError: a file is missing or damaged, is another kind of npz, or was made with other
            settings.
    """
    path = Path(path)
    if not path.is_dir():
        clip, provenance = npz.read_clip(path)
        return Archive([clip], provenance)
    provenance = _provenance(path)
    return Archive(_clips(path, provenance), provenance)


def files_of(folder: Path) -> Iterator[Path]:
    """The npz files of a folder and of its subfolders, in order."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        names.sort()
        # One joined string: Path would intern a name given alone, and keep it in memory.
        yield from (Path(os.path.join(place, name)) for name in names if name.endswith(".npz"))


def _provenance(folder: Path) -> dict:
    """The provenance of all files, without `audio`, which names the recording of one file."""
    if (folder / IN_FOLDER).exists():
        return read_provenance(folder / IN_FOLDER)
    first = next(files_of(folder), None)
    if first is None:
        raise VGGishError(f"{folder} holds no .npz file. Give a folder that embed wrote.")
    found = npz.read_clip(first)[1]
    return {name: value for name, value in found.items() if name != "audio"}


def _clips(folder: Path, provenance: dict) -> Iterator[ClipRows]:
    for file in files_of(folder):
        clip, found = npz.read_clip(file, file.parent.relative_to(folder))
        check_same(found, provenance, file)
        yield clip


def _place(folder: Path, path: str) -> Path:
    """A free path for a clip; its folder is made."""
    pure = PurePath(path.replace("\0", "\\0"))
    *parents, name = [part for part in pure.parts if part not in (pure.anchor, "..")] or ["_"]
    for parent in parents:
        folder = next(place for place in _places(folder, parent) if not place.is_file())
    folder.mkdir(parents=True, exist_ok=True)
    return next(place for place in _places(folder, name, ".npz") if not place.exists())


def _places(folder: Path, name: str, suffix: str = "") -> Iterator[Path]:
    yield folder / f"{name}{suffix}"
    yield from (folder / f"{name}~{number}{suffix}" for number in itertools.count(2))
