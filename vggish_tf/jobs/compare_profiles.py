"""Distances between a clip's rows by each profile and by the default one, step by step.

They explain why two programs give different numbers. The steps of a profile are applied to the
default profile one after the other, in the order of the data; the rows before and after each step
are compared.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np

from vggish_tf import audio
from vggish_tf.embedding import Embedder
from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.frontend.blocks import ExampleStream, chunk_log_mel
from vggish_tf.inference import after
from vggish_tf.network.postprocess import dequantize
from vggish_tf.params import Params
from vggish_tf.profiles import DEFAULT, PROFILES, Profile, named
from vggish_tf.rows import POOLS, Embeddings, rounded
from vggish_tf.stream import BLOCK_SECONDS


class Distance(NamedTuple):
    """The distance between two sets of rows; each row is compared with the nearest one in time.

    Args:
        cosine: the mean cosine over the rows.
        difference: the root mean square of the difference, divided by that of the second set.
    """

    cosine: float
    difference: float


class Comparison(NamedTuple):
    """A profile compared with the default: its number of rows, its distance, and that of each step.

    Rows after PCA, in bytes or pooled are compared with the default's rows after the same steps,
    since rows before and after such a step have no common scale. Bytes are dequantized.
    """

    profile: Profile
    num_rows: int
    distance: Distance | None  # None without rows
    steps: dict[str, Distance | None]
    refusal: str = ""  # why there are no rows, for example: resampy is not installed

    @property
    def decisive(self) -> str:
        """The step with the greatest difference, in words; "" if there is no difference."""
        ended = next((step for step, found in self.steps.items() if not found), "")
        if ended:
            return f"{ended}: no rows"
        known = {step: found.difference for step, found in self.steps.items() if found}
        step = max(known, key=known.__getitem__, default="")
        return step if step and known[step] else ""


def compare(
    path: str | os.PathLike[str],
    embedder: Embedder,
    profiles: Iterable[str | Profile] = tuple(PROFILES),
) -> Iterator[Comparison]:
    """Compares profiles with the default on one clip, one after the other.

    Args:
        path: an audio file.
        embedder: an embedder with the default profile; its weights are used.
        profiles: names, or profiles of your own.

    Raises:
        UsageError: there is no such profile, or the embedder has another profile.
        AudioError: the file cannot be read.

    Example:
        >>> import tempfile, soundfile
        >>> path = tempfile.mkdtemp() + "/tone.wav"
        >>> soundfile.write(path, np.sin(np.arange(48_000) / 9), 16_000)
        >>> for each in compare(path, Embedder(None), ["torchaudio"]):
        ...     print(each.profile.name, each.num_rows, each.decisive)
        torchaudio 3 activation: relu
    """
    if embedder.profile != named(DEFAULT):
        raise UsageError(f"embedder must have the default profile and params; received {embedder}.")
    clip = _Clip(path, embedder)
    clip.rows(named(DEFAULT))  # so that a file that cannot be read is an error now
    for profile in profiles:
        yield _compared(named(profile), clip)


def _compared(profile: Profile, clip: "_Clip") -> Comparison:
    space: dict[str, Any] = {"postprocess": profile.postprocess, "pool": profile.pool}
    if profile.rounding == "bytes":
        space["rounding"] = "bytes"
    default = before = replace(named(DEFAULT), **space)
    changes = {name: value for name, value in profile.changes().items() if name not in space}
    try:
        steps = {}
        for name, value in changes.items():
            now = replace(before, **{name: value})
            steps[f"{name}: {_in_words(value)}"] = distance(clip.rows(now), clip.rows(before))
            before = now
        rows = clip.rows(profile)
        return Comparison(profile, len(rows[0]), distance(rows, clip.rows(default)), steps)
    except VGGishError as error:
        return Comparison(profile, 0, None, {}, str(error))


class _Clip:
    """The rows of one clip by any profile; the network runs once for the same examples."""

    def __init__(self, path: str | os.PathLike[str], embedder: Embedder):
        self._path, self._embedder = path, embedder
        self._embedded: dict[tuple, np.ndarray] = {}

    def rows(self, profile: Profile) -> tuple[np.ndarray, np.ndarray]:
        """The rows, dequantized, and their starts in seconds."""
        rows = np.asarray(after(self._raw(profile), profile.activation, profile.postprocess))
        rows = as_numbers(rounded(rows, profile.rounding), profile)
        starts = Embeddings.of(rows, profile.params).timestamps
        if profile.pool and len(rows):
            return POOLS[profile.pool](rows)[np.newaxis], starts[:1]
        return rows, starts

    def _raw(self, profile: Profile) -> np.ndarray:
        key = profile.prepare, profile.params, profile.triangles, profile.pad
        if key not in self._embedded:
            log_mel = chunk_log_mel(profile.params, profile.triangles)
            rate = profile.params.sample_rate
            blocks = audio.read_blocks(self._path, rate, BLOCK_SECONDS, profile.prepare)
            examples = ExampleStream(log_mel, profile.pad, str(self._path)).push_all(blocks)
            self._embedded[key] = self._embedder.embed_examples(np.concatenate([*examples]))
        return self._embedded[key]


def as_numbers(rows: np.ndarray, profile: Profile) -> np.ndarray:
    """The rows as floats: bytes are dequantized, others unchanged."""
    are_bytes = profile.postprocess == "quantized" or profile.rounding == "bytes"
    return dequantize(rows.astype(np.uint8)) if are_bytes else rows


def distance(
    found: tuple[np.ndarray, np.ndarray], expected: tuple[np.ndarray, np.ndarray]
) -> Distance | None:
    """The distance between rows with their starts and others; None if there are no rows in one.

    Example:
        >>> rows = np.array([[3.0, 4.0]]), np.zeros(1)
        >>> distance((2 * rows[0], rows[1]), rows)
        Distance(cosine=1.0, difference=1.0)
    """
    (ours, our_starts), (theirs, their_starts) = found, expected
    if not (len(ours) and len(theirs)):
        return None
    nearest = np.abs(our_starts[:, np.newaxis] - their_starts).argmin(axis=1)
    x, y = ours.astype(np.float64), theirs[nearest].astype(np.float64)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    cosines = np.sum(x * y, axis=1) / np.where(lengths == 0, 1, lengths)
    size = np.linalg.norm(y) or 1.0
    return Distance(float(cosines.mean()), float(np.linalg.norm(x - y) / size))


def _in_words(value: object) -> str:
    if isinstance(value, Params):
        changed = asdict(value).items() - asdict(Params()).items()
        return ", ".join(f"{name}={number:g}" for name, number in sorted(changed))
    return ", ".join(value) if isinstance(value, tuple) else str(value)
