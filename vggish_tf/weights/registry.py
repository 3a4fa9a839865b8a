"""The published files: names, addresses, digests, and their copies in the cache.

`REGISTRY` is the one place with these figures, which checkpoints/README.md repeats. Nothing is
fetched at import, no file is used before its digest is checked, and a file that was put into the
cache by hand is never deleted. The contents of the files are the part of `files`, the network
that of `download`. No TensorFlow here.

Source: tensorflow/models research/audioset/vggish/README.md (the addresses); the SHA-256 and the
size of the checkpoint are those that three public projects agree on, never seen beside its MD5.
"""

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vggish_tf.errors import CheckpointError, check_word
from vggish_tf.weights import digests, download

BASE_URL = "https://storage.googleapis.com/audioset/"


@dataclass(frozen=True)
class Published:
    """A published file; a file with either digest counts as it. `without`: advice for errors."""

    filename: str
    url: str
    md5: str
    sha256: str
    num_bytes: int
    what: str
    without: str = ""


REGISTRY: dict[str, Published] = {
    "audioset": Published(
        filename="vggish_model.ckpt",
        url=BASE_URL + "vggish_model.ckpt",
        md5="d1c7011e6366aa34176bb05c705e31a8",
        sha256="0962b1914e3e053922d957c45bc84a78c985765641dc6bceeeb3a7d8dfecfdf6",
        num_bytes=291_108_469,
        what="the weights of the network: a single-file TF1 V1 checkpoint",
        without=" To go on without it, on untrained weights: vggish-tf demo, "
        "vggish-tf embed --untrained, or Embedder(None).",
    ),
    "audioset_pca": Published(
        filename="vggish_pca_params.npz",
        url=BASE_URL + "vggish_pca_params.npz",
        md5="c80cae691033abe7c7ecd11ea39fc834",
        sha256="4d878af3e306defbfb37095365aa7e5a6cecb86bad13e859e626151c4e6a8b9d",
        num_bytes=73020,
        what="the PCA matrix and means of the postprocessor",
    ),
}

# "audioset" is the checkpoint for a model, and the PCA parameters for a postprocessor.
NAMES = {
    "model": {"audioset": "audioset"},
    "pca": {"audioset": "audioset_pca", "audioset_pca": "audioset_pca"},
}


def cache_folder() -> Path:
    """The folder of the fetched files: $VGGISH_TF_CACHE, else the platform's cache folder."""
    chosen = os.environ.get("VGGISH_TF_CACHE")
    if chosen:
        return expanded(chosen)
    import pooch

    return Path(pooch.os_cache("vggish_tf"))


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with `~` expanded to a home folder; unchanged if there is no such user."""
    return Path(os.path.expanduser(path))


def md5_of(path: str | os.PathLike[str]) -> str:
    """The MD5 of a file, in hex: identifies the weights of an embedding.

    A TF1 V2 checkpoint is several files; its digest is that of `cat prefix.index prefix.data-*`.

    Raises:
        CheckpointError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "empty"
        >>> path.touch()
        >>> md5_of(path)
        'd41d8cd98f00b204e9800998ecf8427e'
    """
    return _digest_of(digests.md5, Path(path))


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file, in hex; V2 checkpoints and errors as for md5_of."""
    return _digest_of(digests.sha256, Path(path))


def is_published(path: str | os.PathLike[str], name: str = "audioset") -> bool:
    """True if a file has the MD5 or the SHA-256 of a published one, "audioset" or "audioset_pca".

    Raises:
        CheckpointError: the file cannot be read.
    """
    published = REGISTRY[name]
    if md5_of(path) == published.md5:
        return True
    return _num_bytes(Path(path)) == published.num_bytes and sha256_of(path) == published.sha256


def digests_ahead(weights: str | os.PathLike[str]) -> None:
    """Starts to compute the digests of weights that are in a file already."""
    published = REGISTRY.get(os.fspath(weights))
    path = cache_folder() / published.filename if published else expanded(weights)
    digests.ahead(files_of(path))


def fetch(name: str = "audioset", *, progress: bool = True) -> Path:
    """Returns the path of a published file in the cache; downloads it if it is not there.

    Two processes may fetch at once: each downloads to its own part file, and renames it if a digest
    is right. Part files of killed processes are removed.

    Args:
        name: "audioset" or "audioset_pca".
        progress: name the file on standard error, with a progress bar if that is a terminal.

    Raises:
        UsageError: an unknown name.
        CheckpointError: a cached file with another digest; no network, VGGISH_TF_OFFLINE=1, or a
            download without the published digest. In the last three cases the message says where to
            put the file by hand.
    """
    check_word("name", name, tuple(REGISTRY))
    published = REGISTRY[name]
    path = cache_folder() / published.filename
    download.sweep(path)
    if path.exists():
        _check_cached(path, name)
    elif os.environ.get("VGGISH_TF_OFFLINE", "") not in ("", "0"):
        raise CheckpointError(_by_hand(path, published, "VGGISH_TF_OFFLINE is set"))
    else:
        _download(path, name, progress)
    return path


def resolve(weights: str | os.PathLike[str], *, kind: Literal["model", "pca"] = "model") -> Path:
    """Returns the path of an existing file, from a published name or a path.

    A published name wins over a file of the same name (write ./audioset for the file). The path of
    a TF1 V2 checkpoint is its prefix.

    Args:
        weights: "audioset", or a path.
        kind: the use of the file, which selects the published file for "audioset".

    Raises:
        CheckpointError: there is no such name and no such file; it is a folder, a pipe or a device;
            or `fetch` fails.
    """
    if isinstance(weights, str) and weights in NAMES[kind]:
        return fetch(NAMES[kind][weights])
    path = expanded(weights)
    prefix, dot, _ = path.name.rpartition(".index" if path.name.endswith(".index") else ".data-")
    if dot:
        raise CheckpointError(
            f"{path} is one file of a V2 checkpoint. Give their common prefix: "
            f"{path.parent / prefix}"
        )
    if not os.fspath(weights) or not (path.exists() or index_of(path).exists()):
        raise CheckpointError(
            f"there is no checkpoint at {path if os.fspath(weights) else repr('')}. "
            f"Give the path of a file, or a published name: {_quoted(NAMES[kind])}."
        )
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder. Give the path of a checkpoint in it.")
    for file in files_of(path):
        if file.exists() and not file.is_file():
            raise CheckpointError(f"{file} is a pipe or a device. Give the path of a checkpoint.")
    return path


def files_of(path: Path) -> list[Path]:
    """The files of a checkpoint: one, or the index and then the data of a TF1 V2 checkpoint.

    TensorFlow prefers a V2 checkpoint to a single file of the same name.
    """
    if not index_of(path).exists():
        return [path]
    return [index_of(path), *sorted(path.parent.glob(f"{glob.escape(path.name)}.data-*"))]


def index_of(path: Path) -> Path:
    """The index file of a TF1 V2 checkpoint with the prefix `path`."""
    return Path(f"{path}.index")


def _digest_of(take, path: Path) -> str:
    try:
        return take(files_of(path))
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}.") from None


def _num_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in files_of(path))


def _check_cached(path: Path, name: str):
    if is_published(path, name):
        return
    is_short = _num_bytes(path) < REGISTRY[name].num_bytes
    raise CheckpointError(
        f"checkpoint '{path.name}' in {path.parent} {_difference(path, REGISTRY[name])}. "
        f"It is {'cut short' if is_short else 'damaged, or another file'}. "
        "Delete it and run: vggish-tf fetch"
    )


def _difference(path: Path, published: Published) -> str:
    """The difference to the published file: the size if it is too short, else the digest."""
    if _num_bytes(path) < published.num_bytes:
        return f"has {_num_bytes(path):,} bytes; the published file has {published.num_bytes:,}"
    return f"has MD5 {md5_of(path)}; the published file has {published.md5}"


def _download(path: Path, name: str, progress: bool):
    published = REGISTRY[name]

    def check(part: Path):
        if not is_published(part, name):
            raise CheckpointError(f"the downloaded file {_difference(part, published)}")

    try:
        download.download(published.url, path, published.num_bytes, check, progress=progress)
    except (CheckpointError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CheckpointError(_by_hand(path, published, reason)) from None


def _by_hand(path: Path, published: Published, reason: str) -> str:
    return (
        f"cannot download '{published.filename}': {reason}. Put the file from {published.url} "
        f"(MD5 {published.md5}) at {path} by hand.{published.without}"
    )


def _quoted(names) -> str:
    return ", ".join(map(repr, names))
