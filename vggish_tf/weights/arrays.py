"""Values of weights as arrays in memory, for a network that is built from them.

A thread can read them while TensorFlow is imported (read_ahead). No Keras here.
"""

import math
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vggish_tf.errors import VGGishError
from vggish_tf.memory import laid_out
from vggish_tf.weights import digests, kept, registry
from vggish_tf.weights.identity import Identity, Survey, of_file
from vggish_tf.weights.layouts import Arrays, Shapes, Source, check_match
from vggish_tf.weights.paths import files_of


class _Read(NamedTuple):
    sha256: str  # of the source
    arrays: Arrays
    survey: Survey


_started: dict[Path, Future[_Read | None]] = {}  # at most one, by the place of the weights


@contextmanager
def opened(
    weights: str | os.PathLike[str], shapes: Shapes, average: str = ""
) -> Iterator[tuple[Source, Identity]]:
    """Opens weights after checking that they are complete, finite and of these shapes.

    Args:
        weights: a published name or a path.
        shapes: the shapes in the network, by published name.
        average: as for loading.load_weights.

    Raises:
        CheckpointError: as loading.load_weights.
    """
    path = registry.resolve(weights)

    def check(source: Source):
        check_match(source.shapes, shapes, source.extras)

    num_values = sum(map(math.prod, shapes.values()))
    with kept.opened(path, num_values, check, average) as (source, survey):
        yield source, of_file(weights, path, survey)


def read(weights: str | os.PathLike[str], shapes: Shapes) -> tuple[Arrays, Identity]:
    """Reads all weights, or takes those that were read ahead, if the file is still the same.

    Args:
        weights, shapes: as for `opened`.

    Returns:
        The arrays, as memory.laid_out makes them, and their identity.

    Raises:
        CheckpointError: as loading.load_weights.
    """
    started = _started.pop(_place(weights), None)
    _started.clear()
    done = started.result() if started else None
    if done and _is_of(done, weights, shapes):
        return done.arrays, of_file(weights, registry.resolve(weights), done.survey)
    with opened(weights, shapes) as (source, identity):
        return {name: laid_out(source.get(name)) for name in source.shapes}, identity


def read_ahead(weights: str | os.PathLike[str]) -> None:
    """Starts to read weights in a thread, if the cache has a copy; else to compute their digests.

    It raises nothing: `read` raises what is wrong with the weights.
    """
    future: Future[_Read | None] = Future()
    _started.clear()
    _started[_place(weights)] = future
    threading.Thread(target=_try, args=(_place(weights), future), daemon=True).start()


def _place(weights: str | os.PathLike[str]) -> Path:
    return registry.place_of(weights).absolute()


def _is_of(done: _Read, weights: str | os.PathLike[str], shapes: Shapes) -> bool:
    """Whether the arrays have these shapes and the file is still the one they came from."""
    found = {name: array.shape for name, array in done.arrays.items()}
    return found == shapes and done.sha256 == registry.sha256_of(registry.resolve(weights))


def _try(path: Path, future: Future):
    try:
        future.set_result(_read_copy(path))
        digests.md5(files_of(path))  # for the identity
    except (VGGishError, OSError, ValueError):
        pass
    finally:
        if not future.done():
            future.set_result(None)


def _read_copy(path: Path) -> _Read | None:
    copy = kept.copy_of(path)
    if not copy:
        return None
    source, survey = copy
    arrays = {name: laid_out(source.get(name)) for name in source.shapes}
    return _Read(source.metadata[kept.SOURCE], arrays, survey)
