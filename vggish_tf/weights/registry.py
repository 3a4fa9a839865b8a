"""The published files: from a name or a path to an existing file, whose digest is checked.

A name is looked up in the cache, then in the caches of other programs. Then the file is fetched:
from the address in VGGISH_TF_MIRROR, from the published address, from that of a stand-in with the
same weights. Nothing is fetched at import, no fetched file is used before its digest is checked,
and a file that was put into the cache by hand is never deleted. `known` lists the files; `download`
uses the network. No TensorFlow here.
"""

import contextlib
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from vggish_tf.errors import CheckpointError, check_word, reason_of
from vggish_tf.weights import digests, download, elsewhere, known, part_files
from vggish_tf.weights.known import REGISTRY, STAND_INS, KnownFile
from vggish_tf.weights.paths import checked, expanded, files_of, num_bytes_of

# "audioset" is the checkpoint for a model, and the PCA parameters for a postprocessor.
ASKED = {
    "model": {"audioset": "audioset"},
    "pca": {"audioset": "audioset_pca", "audioset_pca": "audioset_pca"},
}


def cache_folder() -> Path:
    """The folder of the fetched files: $VGGISH_TF_CACHE, else the platform's cache folder."""
    chosen = os.environ.get("VGGISH_TF_CACHE")
    if chosen:
        return expanded(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("vggish_tf"))


def md5_of(path: str | os.PathLike[str]) -> str:
    """The MD5 of a file, in hex: identifies the weights of an embedding.

    A TF1 V2 checkpoint is several files; its digest is that of `cat prefix.index prefix.data-*`.

    Args:
        path: a file, or the prefix of a TF1 V2 checkpoint.

    Raises:
        CheckpointError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "empty"
        >>> path.touch()
        >>> md5_of(path)
        'd41d8cd98f00b204e9800998ecf8427e'
    """
    return _asked(digests.md5, Path(path))


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file, in hex; V2 checkpoints and errors as for md5_of."""
    return _asked(digests.sha256, Path(path))


def is_published(path: str | os.PathLike[str], name: str = "audioset") -> bool:
    """True if a file is a published one, "audioset" or "audioset_pca", or a stand-in for it.

    Its size is compared first; then one of its digests is enough.

    Raises:
        CheckpointError: the file cannot be read.
    """
    return any(_is(path, file) for file in (REGISTRY[name], *STAND_INS[name]))


def known_as(path: str | os.PathLike[str]) -> KnownFile | None:
    """The known file with the size and one of the digests of a file; None if there is none.

    Raises:
        CheckpointError: the file cannot be read.
    """
    return next((file for file in known.files() if _is(path, file)), None)


def _is(path: str | os.PathLike[str], file: KnownFile) -> bool:
    num_bytes = _asked(num_bytes_of, Path(path))
    if not (file.md5 or file.sha256) or file.num_bytes not in (0, num_bytes):
        return False  # before the digests, which take a second
    return file.has_digest(md5_of(path), sha256_of(path))


def digests_ahead(weights: str | os.PathLike[str]) -> None:
    """Starts to compute the digests of weights, if their file is on this machine."""
    digests.compute_ahead(files_of(place_of(weights)))


def place_of(weights: str | os.PathLike[str]) -> Path:
    """The path that weights have, or would have in the cache; nothing is checked."""
    published = REGISTRY.get(os.fspath(weights))
    return cache_folder() / published.filename if published else expanded(weights)


def is_offline() -> bool:
    """Whether VGGISH_TF_OFFLINE forbids the network."""
    return os.environ.get("VGGISH_TF_OFFLINE", "") not in ("", "0")


def mirrors() -> list[str]:
    """The base address in VGGISH_TF_MIRROR, with a slash at its end, in a list; or no address."""
    mirror = os.environ.get("VGGISH_TF_MIRROR", "")
    return [f"{mirror.rstrip('/')}/"] if mirror else []


def fetch(name: str = "audioset", *, progress: bool = True) -> Path:
    """Returns the path of a published file on this machine; downloads it if it is not there.

    The file is the published one, or a stand-in with the same weights. It is looked up in the cache
    and in the caches of other programs. Then it is fetched, from the base address in
    VGGISH_TF_MIRROR, from the published address, and from that of the stand-in. Several processes
    may fetch at the same time: each downloads to its own part file, and renames it if a digest is
    right. A download that was killed resumes. The stand-in of the checkpoint is a PyTorch file, so
    it is used only where PyTorch is installed.

    Args:
        name: "audioset" or "audioset_pca".
        progress: whether to name the file on standard error, with a progress bar on a terminal.

    Raises:
        UsageError: the name is unknown.
        CheckpointError: a cached file has another digest; there is no network; VGGISH_TF_OFFLINE=1;
            or a download does not have the published digest. In the last three cases the message
            says where to put the file by hand.
    """
    check_word("name", name, tuple(REGISTRY))
    if path := _on_this_machine(name):
        return path
    published = REGISTRY[name]
    if is_offline():
        raise CheckpointError(_by_hand(published, "VGGISH_TF_OFFLINE is set"))
    reasons = []
    for file in _candidates(name):
        try:
            return _download(file, progress)
        except (CheckpointError, OSError) as error:
            place = "" if file is published else f"{file.url}: "
            reasons.append(place + reason_of(error))
    raise CheckpointError(_by_hand(published, "; ".join(reasons)))


def _candidates(name: str) -> list[KnownFile]:
    """The published file, and the stand-ins that can be read here."""
    stand_ins = STAND_INS[name] if find_spec("torch") else ()
    return [REGISTRY[name], *stand_ins]


def _on_this_machine(name: str) -> Path | None:
    """The published file or a stand-in, from the cache or that of another program."""
    for file in _candidates(name):
        path = cache_folder() / file.filename
        if path.exists():
            part_files.sweep(path)
            _check_cached(path, file)
            return path
    for file in _candidates(name):
        with contextlib.suppress(CheckpointError):  # another user's file, which cannot be read
            found = elsewhere.find(file)
            if found and found.is_file() and _is(found, file):
                return found
    return None


def whereabouts(file: KnownFile) -> Path | None:
    """The path of a file of that name in the cache, or in that of another program; or None."""
    cached = cache_folder() / file.filename
    return cached if cached.exists() else elsewhere.find(file)


def resolve(weights: str | os.PathLike[str], *, kind: Literal["model", "pca"] = "model") -> Path:
    """Returns the path of an existing file, from a published name or a path.

    A published name takes precedence over a file of the same name (write ./audioset for the file).
    The path of a TF1 V2 checkpoint is its prefix; that of a SavedModel is the prefix of its
    variables; that of a folder of checkpoints is the last of them.

    Args:
        weights: "audioset", or a path.
        kind: the use of the file; it selects the published file for "audioset".

    Raises:
        CheckpointError: there is no such name and no such file; it is a folder without weights, a
            pipe or a device; or `fetch` fails.
    """
    if isinstance(weights, str) and weights in ASKED[kind]:
        return fetch(ASKED[kind][weights])
    return checked(weights, ", ".join(map(repr, ASKED[kind])))


def _asked(measure: Callable, path: Path):
    """The result of `measure` for the files of a checkpoint."""
    try:
        return measure(files_of(path))
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {reason_of(error)}.") from None


def _check_cached(path: Path, file: KnownFile):
    if not path.is_file():
        raise CheckpointError(f"cannot read {path}: not a regular file.")
    if _is(path, file):
        return
    is_short = _asked(num_bytes_of, path) < file.num_bytes
    raise CheckpointError(
        f"checkpoint '{path.name}' in {path.parent} {_difference(path, file)}. "
        f"It is {'cut short' if is_short else 'damaged, or another file'}. "
        "Delete it and run: vggish-tf fetch"
    )


def _difference(path: Path, file: KnownFile) -> str:
    """The difference to the published file: the size, or a digest."""
    if _asked(num_bytes_of, path) != file.num_bytes:
        return (
            f"has {_asked(num_bytes_of, path):,} bytes; the published file has {file.num_bytes:,}"
        )
    if not file.md5:
        return f"has SHA-256 {sha256_of(path)}; the published file has {file.sha256}"
    return f"has MD5 {md5_of(path)}; the published file has {file.md5}"


def _download(file: KnownFile, progress: bool) -> Path:
    """Fetches a file into the cache, from the mirror or its own address."""

    def check(part: Path):
        if not _is(part, file):
            raise CheckpointError(f"the downloaded file {_difference(part, file)}")

    path = cache_folder() / file.filename
    mirrored = [base + file.filename for base in mirrors()]
    download.download([*mirrored, file.url], path, file.num_bytes, check, progress=progress)
    return path


def _by_hand(file: KnownFile, reason: str) -> str:
    path = cache_folder() / file.filename
    return (
        f"cannot download '{file.filename}': {reason}. Put the file from {file.url} "
        f"(MD5 {file.md5}) at {path} by hand.{_undigested()}{file.without}"
    )


def _undigested() -> str:
    """A sentence about files of other programs that may hold the weights.

    Nobody has published their digests, so they are not used unasked.
    """
    found = [elsewhere.find(file) for file in known.OTHERS if not (file.md5 or file.sha256)]
    paths = ", ".join(str(path) for path in found if path)
    return paths and (
        " Another program may have fetched the weights. Check each file with vggish-tf verify: "
        f"{paths}."
    )
