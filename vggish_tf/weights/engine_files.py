"""Files that an engine reads, made once from weights and kept in the cache.

The name of a file identifies its contents. Its digest lies beside it and is compared. A cache that
cannot be written to is no error: a temporary file is made. Only the last few files are kept.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vggish_tf.errors import VGGishError, reason_of
from vggish_tf.files import replacing_all
from vggish_tf.weights import registry
from vggish_tf.weights.kept import drop_old, touch

logger = logging.getLogger("vggish_tf")

FOLDER = "engines"


@contextmanager
def kept(name: str, write: Callable[[Path], object]) -> Iterator[Path]:
    """Yields the path of a kept file, which `write` makes if it is missing or damaged.

    Args:
        name: the name of the file.
        write: a function that writes the file to a path.

    Raises:
        VGGishError: neither the cache nor a temporary folder can hold the file.

    Example:
        >>> with kept("doctest.txt", lambda path: path.write_text("made once")) as path:
        ...     path.read_text()
        'made once'
    """
    path = registry.cache_folder() / FOLDER / name
    try:
        if not _is_whole(path):
            _make(path, write)
        touch(path)
    except OSError as error:
        logger.debug("%s is not kept: %s", path, error)
        with _temporary(name, write) as made:
            yield made
        return
    yield path


@contextmanager
def _temporary(name: str, write: Callable[[Path], object]) -> Iterator[Path]:
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            write(Path(folder, name))
        except OSError as error:
            raise VGGishError(
                f"cannot write the network for the engine, in the cache or in a temporary folder: "
                f"{reason_of(error)}. Set VGGISH_TF_CACHE or TMPDIR to a folder with 300 MB."
            ) from None
        yield Path(folder, name)


def _is_whole(path: Path) -> bool:
    digest = _digest_of(path)
    there = path.is_file() and digest.is_file()
    return there and digest.read_bytes() == registry.sha256_of(path).encode()


def _make(path: Path, write: Callable[[Path], object]):
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = _digest_of(path)
    with replacing_all([digest, path]) as folder:
        write(folder / path.name)
        (folder / digest.name).write_bytes(registry.sha256_of(folder / path.name).encode())
    drop_old(path.parent, path.suffix)


def _digest_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
