"""Weights kept in the cache as safetensors, once they were read: the second load maps them.

A copy is named by the SHA-256 of its source and holds the digest of its values, which is compared
when it is made and whenever it is read. It is never used for another source, and made anew if it is
damaged. A cache that cannot be written to is no error: the source is read again. Only the few last
used copies are kept.
"""

import contextlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vggish_tf.errors import CheckpointError, VGGishError
from vggish_tf.files import replacing
from vggish_tf.weights import identity, readers, registry
from vggish_tf.weights.identity import Survey
from vggish_tf.weights.layouts import Source
from vggish_tf.weights.readers.safetensors_file import VALUES_SHA256
from vggish_tf.weights.writers import write_tensors

logger = logging.getLogger("vggish_tf")

FOLDER = "weights"
MOST = 4  # copies, 289 MB each
SOURCE, EXTRAS, MADE_BY = "source_sha256", "extras", "made_by"  # in the metadata
VERSION = "vggish_tf 1"  # of the copies: raise it when a reader is mended
NOT_YET = "0" * 64  # the place of a digest that is known only when all is written


@contextmanager
def opened(
    path: Path, num_values: int, check: Callable[[Source], None], average: str = ""
) -> Iterator[tuple[Source, Survey]]:
    """Opens a file of weights, or the copy of it that is kept; keeps one if there is none.

    Args:
        path: as returned by registry.resolve.
        num_values, average: as for readers.opened.
        check: raises if the names or shapes are wrong.

    Yields:
        source, survey: the weights and what their values are; all of them were read once, are
            finite, and have the digest that the file says they have.

    Raises:
        CheckpointError: as `check` and readers.opened, or values that no weights have.
    """
    copy = None if average or _is_safetensors(path) else _copy_of(path)
    survey = (_survey_of(copy, path) or _keep(path, copy, num_values, check)) if copy else None
    place = copy if copy and survey else path
    with readers.opened(place, num_values, average) as source:
        if place == copy:
            with contextlib.suppress(OSError):
                os.utime(copy)  # used last
            source = replace(source, extras=_extras_of(copy))
        check(source)
        yield source, survey or _surveyed(source)


def _is_safetensors(path: Path) -> bool:
    with readers.errors_about(path):
        return readers.format_of(path) == "safetensors"


def _copy_of(path: Path) -> Path:
    return registry.cache_folder() / FOLDER / f"{registry.sha256_of(path)}.safetensors"


def _surveyed(source: Source, write: Callable = lambda array: None) -> Survey:
    """Reads all weights once."""
    survey = identity.survey(source.shapes, source.get, write)
    if survey.not_finite:
        raise CheckpointError(
            f"it has NaN or infinity in {', '.join(survey.not_finite)}. Nothing was loaded."
        )
    if source.values_sha256 not in ("", NOT_YET, survey.values_sha256):
        raise CheckpointError("it is damaged: its values have not the digest in its header.")
    return survey


def _survey_of(copy: Path, path: Path) -> Survey | None:
    """The survey of a copy; None if there is none of this source, or it is damaged."""
    expected = {SOURCE: registry.sha256_of(path), MADE_BY: VERSION}
    metadata = _metadata_of(copy)
    if {name: metadata.get(name) for name in expected} != expected:
        return None
    try:
        with readers.opened(copy) as source:
            return _surveyed(source)
    except CheckpointError as error:
        logger.debug("the copy %s is made anew: %s", copy, error)
        return None


def _metadata_of(copy: Path) -> dict[str, str]:
    """The metadata of a copy; nothing if it is absent or cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(copy, framework="numpy") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError):
        return {}


def _extras_of(copy: Path) -> tuple[str, ...]:
    return tuple(json.loads(_metadata_of(copy).get(EXTRAS, "[]")))


def _keep(
    path: Path, copy: Path, num_values: int, check: Callable[[Source], None]
) -> Survey | None:
    """Makes a copy; None if the cache cannot hold it.

    Raises:
        CheckpointError: the source has wrong names, shapes or values.
    """
    with readers.opened(path, num_values) as source:
        check(source)
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replacing(copy) as temporary:
                survey = _write(source, temporary, registry.sha256_of(path))
                if _survey_of(temporary, path) != survey:
                    raise OSError("the copy differs from its source, or that has changed")
            _drop_old(copy.parent)
            return survey
        except CheckpointError:
            raise
        except (OSError, VGGishError) as error:
            logger.debug("the weights of %s are not kept: %s", path, error)
            return None


def _write(source: Source, temporary: Path, source_sha256: str) -> Survey:
    metadata = {
        SOURCE: source_sha256,
        MADE_BY: VERSION,
        EXTRAS: json.dumps(source.extras),
        VALUES_SHA256: NOT_YET,
    }
    with open(temporary, "x+b") as stream:
        written = write_tensors(stream, source.shapes, metadata)
        survey = _surveyed(source, written)
        stream.seek(0)
        stream.seek(stream.read(1 << 16).index(NOT_YET.encode()))
        stream.write(survey.values_sha256.encode())
    return survey


def _drop_old(folder: Path):
    copies = sorted(folder.glob("*.safetensors"), key=lambda copy: copy.stat().st_mtime)
    for copy in copies[:-MOST]:
        copy.unlink(missing_ok=True)
