"""The published files: what they are, where they come from, and how a copy gets into the cache.

`REGISTRY` is the one place with their names, addresses and digests; checkpoints/README.md shows the same figures.
Nothing is fetched at import, nothing is used unhashed, and a file that was put into the cache by hand is never deleted.
This module does not look into the files and imports no TensorFlow.

Source: tensorflow/models research/audioset/vggish/README.md (the addresses); decide, temporary file, hash, move: pooch.
"""

import glob
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vggish_tf import digests
from vggish_tf.errors import CheckpointError

BASE_URL = "https://storage.googleapis.com/audioset/"
RETRIES = 2  # After the first attempt; pooch waits 1 s, then 2 s.
TIMEOUT = (5, 60)  # Seconds: to connect, and between two pieces of the file.


@dataclass(frozen=True)
class Published:
    """One published file; None stands for a figure that is not known."""

    filename: str
    url: str
    md5: str
    sha256: str | None
    num_bytes: int | None
    what: str


REGISTRY: dict[str, Published] = {
    "audioset": Published(
        filename="vggish_model.ckpt",
        url=BASE_URL + "vggish_model.ckpt",
        md5="d1c7011e6366aa34176bb05c705e31a8",
        sha256=None,
        num_bytes=None,
        what="the weights of the network: a single-file TF1 V1 checkpoint of about 288.6 MB",
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

# What "audioset" stands for: to a model the checkpoint, to a postprocessor the PCA parameters.
NAMES = {
    "model": {"audioset": "audioset"},
    "pca": {"audioset": "audioset_pca", "audioset_pca": "audioset_pca"},
}


def cache_folder() -> Path:
    """The folder of the fetched files: the environment variable VGGISH_TF_CACHE, else the platform's cache folder."""
    chosen = os.environ.get("VGGISH_TF_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("vggish_tf"))


def md5_of(path: str | os.PathLike[str]) -> str:
    """The MD5 of a file, in hex: what says which weights an embedding came from.

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
    try:
        return digests.md5(files_of(Path(path)))
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}.") from None


def md5_ahead(weights: str | os.PathLike[str]) -> None:
    """Begins to take the digest of weights that are here already, for the md5_of or fetch that follows."""
    published = REGISTRY.get(os.fspath(weights))
    path = cache_folder() / published.filename if published else Path(weights).expanduser()
    digests.md5_ahead(files_of(path))


def fetch(name: str = "audioset", *, progress: bool = True) -> Path:
    """Returns the path of a published file in the cache; downloads it if it is not there.

    Two processes may fetch at once: each downloads to a name of its own and renames when the digest is right.

    Args:
        name: "audioset" or "audioset_pca".
        progress: say on standard error what is fetched, with a progress bar if that is a terminal.

    Raises:
        CheckpointError: an unknown name; a cached file with another digest; no network, VGGISH_TF_OFFLINE=1, or a
            download that does not have the published digest. The last three say where to put the file by hand.
    """
    if name not in REGISTRY:
        raise CheckpointError(f"no published file is called {name!r}; the names are {_quoted(REGISTRY)}.")
    published = REGISTRY[name]
    path = cache_folder() / published.filename
    if path.exists():
        _check_digest(path, published)
    elif os.environ.get("VGGISH_TF_OFFLINE", "") not in ("", "0"):
        raise CheckpointError(_by_hand(path, published, "VGGISH_TF_OFFLINE is set"))
    else:
        _download(path, published, progress)
    return path


def resolve(weights: str | os.PathLike[str], *, kind: Literal["model", "pca"] = "model") -> Path:
    """Turns what a user gives as weights, a published name or a path, into the path of an existing file.

    A published name wins over a file of the same name (write ./audioset for the file). The path of a TF1 V2
    checkpoint is its prefix.

    Args:
        weights: "audioset", or a path.
        kind: what the file is for, so which of the published files "audioset" stands for.

    Raises:
        CheckpointError: there is no such name and no such file, or `fetch` fails.
    """
    if isinstance(weights, str) and weights in NAMES[kind]:
        return fetch(NAMES[kind][weights])
    path = Path(weights).expanduser()
    prefix, dot, _ = path.name.rpartition(".index" if path.name.endswith(".index") else ".data-")
    if dot:
        raise CheckpointError(
            f"{path} is one file of a V2 checkpoint. Give their common prefix: {path.parent / prefix}"
        )
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder. Give the path of a checkpoint in it.")
    if not path.exists() and not index_of(path).exists():
        raise CheckpointError(
            f"there is no checkpoint at {path}. Give the path of a file, or a published name: {_quoted(NAMES[kind])}."
        )
    return path


def files_of(path: Path) -> list[Path]:
    """The files that a path stands for: itself, or the index and then the data of a TF1 V2 checkpoint, which TensorFlow
    reads in preference to a single file of the same name.
    """
    if not index_of(path).exists():
        return [path]
    return [index_of(path), *sorted(path.parent.glob(f"{glob.escape(path.name)}.data-*"))]


def index_of(path: Path) -> Path:
    """The file that makes `path` the prefix of a TF1 V2 checkpoint."""
    return path.with_name(path.name + ".index")


def _check_digest(path: Path, published: Published):
    md5 = md5_of(path)
    if md5 != published.md5:
        raise CheckpointError(
            f"checkpoint '{published.filename}' in {path.parent} has MD5 {md5}; the published file has "
            f"{published.md5}. It may be cut short. Delete it and run: vggish-tf fetch"
        )


def _download(path: Path, published: Published, progress: bool):
    """Downloads to a temporary name in the cache; renames it if the digest is right, else deletes it."""
    import pooch

    cache = pooch.create(
        path=path.parent,
        base_url="",
        registry={published.filename: f"md5:{published.md5}"},
        urls={published.filename: published.url},
        retry_if_failed=RETRIES,
    )
    try:
        with _log_level(pooch.get_logger(), "INFO" if progress else "WARNING"):
            cache.fetch(published.filename, downloader=_downloader(published, progress))
    except (OSError, ValueError) as error:  # requests' exceptions are OSErrors; a wrong digest is pooch's ValueError
        raise CheckpointError(_by_hand(path, published, _reason(error))) from None


def _downloader(published: Published, progress: bool):
    """A downloader for pooch that starts a new bar at each attempt."""
    import pooch
    from tqdm import tqdm

    def download(url, output_file, cache):
        total = published.num_bytes or 1  # until the server says; a bar without total is an error to pooch
        hidden = None if progress else True  # None hides it where standard error is not a terminal
        with tqdm(total=total, desc=published.filename, unit="B", unit_scale=True, disable=hidden) as bar:
            pooch.HTTPDownloader(progressbar=bar, chunk_size=digests.PIECE, timeout=TIMEOUT)(url, output_file, cache)

    return download


@contextmanager
def _log_level(logger, level: str):
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)


def _reason(error: Exception) -> str:
    """What went wrong with a download, on one short line."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.RequestException):
        return "no connection, or it broke off"
    if isinstance(error, OSError):
        return f"{error.strerror or error}"
    return "what came does not have the published digest"


def _by_hand(path: Path, published: Published, reason: str) -> str:
    return (
        f"cannot download '{published.filename}': {reason}. Put the file from {published.url} "
        f"(MD5 {published.md5}) at {path} by hand."
    )


def _quoted(names) -> str:
    return ", ".join(map(repr, names))
