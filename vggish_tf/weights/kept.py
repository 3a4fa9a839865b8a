"""Copies of weights in the cache, as safetensors: the second load maps them, which is fast.

A copy is named by the SHA-256 of its source and holds the digest of its values, which is compared
when it is made and whenever it is read. It is never used for another source, and is made again if
it is damaged. A cache that cannot be written to is no error: the source is read again. Only the few
last used copies are kept.
"""

import contextlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vggish_tf.errors import CheckpointError, VGGishError
from vggish_tf.files import replacing
from vggish_tf.weights import digests, identity, readers, registry
from vggish_tf.weights.identity import Survey
from vggish_tf.weights.layouts import Source
from vggish_tf.weights.paths import files_of
from vggish_tf.weights.published import NUM_VALUES
from vggish_tf.weights.writers import VALUES_SHA256, write_tensors

logger = logging.getLogger("vggish_tf")

FOLDER = "weights"
MOST = 4  # files, 289 MB each
STALE = 3600  # seconds after the last change, when a temporary file counts as abandoned
SOURCE, EXTRAS, MADE_BY = "source_sha256", "extras", "made_by"  # in the metadata
VERSION = "vggish_tf 1"  # of the copies: raise it when a reader is corrected
NOT_YET = "0" * 64  # stands for a digest that is known only when all values are written

Found = tuple[Source, Survey]


@contextmanager
def opened(
    path: Path, num_values: int, check: Callable[[Source], None], average: str = ""
) -> Iterator[Found]:
    """Opens a file of weights, or its copy in the cache; makes a copy if there is none.

    Args:
        path: as returned by registry.resolve.
        num_values, average: as for readers.opened.
        check: a function that raises if the names or shapes are wrong.

    Yields:
        source, survey: the weights, and the survey of their values. All values were read once, are
            finite, and have the digest that the file records, if it does.

    Raises:
        CheckpointError: as `check`, readers.opened and `surveyed`.
    """
    with readers.errors_about(path):
        format = readers.checked_format(path, num_values)  # before a digest of too large a file
    digests.compute_ahead(files_of(path))
    copy = None if average or format == "safetensors" else _place_of_copy(path)
    contents = copy and (_in_copy(copy, path) or _keep(path, copy, num_values, check))
    if contents:
        check(contents[0])
        yield contents
        return
    with readers.opened(path, num_values, average) as source:
        check(source)
        values: list = []  # in memory, so that a file that disappears leaves no model half loaded
        survey = surveyed(source, path, values.append)
        yield replace(source, get=dict(zip(source.shapes, values, strict=True)).__getitem__), survey


def copy_of(path: Path) -> Found | None:
    """Contents of the copy of a file; None if there is no copy, or it is damaged.

    Raises:
        CheckpointError: the file is missing, or is not a file of weights.
    """
    with readers.errors_about(path):
        readers.checked_format(path, NUM_VALUES)
    return _in_copy(_place_of_copy(path), path)


def surveyed(source: Source, path: Path, use: Callable = lambda array: None) -> Survey:
    """Reads all weights once; `use` is given each array too.

    Raises:
        CheckpointError: a value is not finite, or the values do not have the recorded digest.
    """
    survey = identity.survey(source.shapes, source.get, use)
    if survey.not_finite:
        names = ", ".join(survey.not_finite)
        text = f"it has NaN or infinity in {names}. Nothing was loaded."
        raise CheckpointError(readers.with_path(path, text))
    if source.metadata.get(VALUES_SHA256, survey.values_sha256) != survey.values_sha256:
        text = "it is damaged: its values do not have the digest in its header."
        raise CheckpointError(readers.with_path(path, text))
    return survey


def _place_of_copy(path: Path) -> Path:
    return registry.cache_folder() / FOLDER / f"{registry.sha256_of(path)}.safetensors"


def _in_copy(copy: Path, path: Path) -> Found | None:
    """Contents of a copy; None if there is no copy of this source, or it is damaged.

    The copy is memory-mapped, so it stays readable when another process removes the file.
    """
    try:
        if not copy.is_file():
            return None
        with readers.opened(copy) as source:
            metadata = source.metadata
            if metadata.get(SOURCE) != registry.sha256_of(path) or metadata[MADE_BY] != VERSION:
                return None
            survey = surveyed(source, copy)
        touch(copy)
        return replace(source, extras=tuple(json.loads(metadata[EXTRAS]))), survey
    except (CheckpointError, OSError, LookupError, TypeError, ValueError) as error:
        logger.debug("the copy %s is made again: %s", copy, error)
        return None


def _keep(path: Path, copy: Path, num_values: int, check: Callable[[Source], None]) -> Found | None:
    """Makes a copy and opens it; None if the cache cannot hold it.

    Raises:
        CheckpointError: the source has wrong names, shapes or values.
    """
    with readers.opened(path, num_values) as source:
        check(source)
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replacing(copy) as temporary:
                survey = _write(source, temporary, path)
                found = _in_copy(temporary, path)
                if not found or found[1] != survey:
                    raise OSError("the copy differs from its source, or that has changed")
            drop_old(copy.parent, copy.suffix)
            return found
        except CheckpointError:
            raise
        except (OSError, VGGishError) as error:
            logger.debug("the weights of %s are not kept: %s", path, error)
            return None


def _write(source: Source, temporary: Path, path: Path) -> Survey:
    metadata = {
        VALUES_SHA256: NOT_YET,  # first, so that its place is near the start
        SOURCE: registry.sha256_of(path),
        MADE_BY: VERSION,
        EXTRAS: json.dumps(source.extras),
    }
    with open(temporary, "x+b") as stream:
        write = write_tensors(stream, source.shapes, metadata)
        survey = surveyed(source, path, write)
        stream.seek(0)
        stream.seek(stream.read(1 << 10).index(NOT_YET.encode()))
        stream.write(survey.values_sha256.encode())
    return survey


def touch(path: Path):
    """Records, as the modification time, that a file was used now, if that is allowed."""
    with contextlib.suppress(OSError):
        os.utime(path)


def drop_old(folder: Path, suffix: str):
    """Removes all but the last used files of a suffix, each with the files named after it.

    Temporary files of killed processes are removed too. Files that cannot be removed stay.
    """
    with contextlib.suppress(OSError):  # another process drops files, too
        files = [file for file in folder.glob(f"[!.]*{suffix}") if file.is_file()]
        files.sort(key=lambda file: file.stat().st_mtime)
        old = [each for file in files[:-MOST] for each in folder.glob(f"{file.name}*")]
        left = [each for each in folder.glob(".*") if time.time() - each.stat().st_mtime > STALE]
        for each in (*old, *left):
            if each.is_dir():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink()
