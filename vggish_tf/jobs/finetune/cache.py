"""Cache of the values that do not change in training: log-mel examples or embeddings of each clip.

The name of a value is the digest of everything that it depends on, with the path, size and time of
change of the file. So a folder may be kept, shared, and used again after a killed run; its values
are never out of date, and never removed here. A damaged file is computed again.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np

from vggish_tf.classifier import CACHED_STAGES, CachedStage, front, network
from vggish_tf.embedding import Embedder
from vggish_tf.errors import UsageError, VGGishError, check_word
from vggish_tf.files import make_folder, replacing
from vggish_tf.jobs.finetune.clips import Clip
from vggish_tf.jobs.finetune.data import Dataset
from vggish_tf.jobs.finetune.reading import seconds_of
from vggish_tf.model import parts_of
from vggish_tf.network.backbone import LAYER_NAMES
from vggish_tf.params import EMBEDDING_SIZE
from vggish_tf.progress import SoundBar, note
from vggish_tf.weights.loading import identify

BATCH = 32  # examples in a batch of the network


def cached(
    data: Dataset,
    model: keras.Model,
    stage: CachedStage,
    folder: str | os.PathLike[str] | None = None,
) -> Dataset:
    """The same data with the values of every clip at a stage of the model; computes missing ones.

    Args:
        data: a dataset of waveforms.
        model: a classifier; for "embedding", its network must not be trainable.
        stage: "examples", the log-mel, 25 kB an example, or "embedding", 0.5 kB.
        folder: the folder for the values; None keeps them in memory.

    Raises:
        UsageError: the stage is neither of the two, or is "embedding" with a trainable network.
        VGGishError: the folder cannot be written to.
    """
    check_word("stage", stage, CACHED_STAGES)
    if stage == "embedding" and any(model.get_layer(name).trainable for name in LAYER_NAMES):
        raise UsageError(
            "embeddings cannot be cached while the network is trainable. "
            'Use trainable="head", or cache "examples".'
        )
    features = CachedFeatures(data, model, stage, {})
    if folder is not None:
        features.store = _Folder(folder, features.shape)
        features.store.report_damage(features.keys.values())
    missing = [clip for clip, key in features.keys.items() if key not in features.store]
    for clip, rows in _compute(data, model, stage, missing):
        features.store[features.keys[clip]] = rows
    return replace(data, features=features)


class CachedFeatures:
    """A function from a clip to its cached values, (examples, *shape) float32."""

    def __init__(
        self, data: Dataset, model: keras.Model, stage: str, store: MutableMapping[str, np.ndarray]
    ):
        params = parts_of(model).params
        self.store = store
        self.shape: tuple[int, ...] = (
            (EMBEDDING_SIZE,) if stage == "embedding" else (params.num_frames, params.num_mel_bins)
        )
        digest = identify(network(model)).values_sha256 if stage == "embedding" else ""
        base = (stage, asdict(params), digest)
        self.keys = {clip: _key(clip, base) for clip in data.clips}

    def __call__(self, clip: Clip) -> np.ndarray:
        return self.store[self.keys[clip]]


def _key(clip: Clip, base: tuple) -> str:
    """The digest of everything that the values of a clip depend on."""
    status = clip.path.stat()
    parts = (*base, clip.file, status.st_size, status.st_mtime_ns, clip.start, clip.end)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class _Folder(MutableMapping[str, np.ndarray]):
    """Arrays (n, *shape) float32 by name, each in an `.npy`; damaged files count as missing."""

    def __init__(self, folder: str | os.PathLike[str], shape: tuple[int, ...]):
        self.folder, self.shape = make_folder(folder), shape

    def __contains__(self, key):
        """Checks the header and the size only, since a cache may be far larger than memory."""
        path = self._path(key)
        try:
            rows = np.load(path, mmap_mode="r")
            whole = path.stat().st_size == rows.offset + rows.nbytes
        except Exception:  # NumPy raises several kinds of errors for damaged files
            return False
        return whole and rows.dtype == np.float32 and rows.ndim > 0 and rows.shape[1:] == self.shape

    def __getitem__(self, key):
        if key not in self:
            raise VGGishError(
                f"{self._path(key)} is damaged or missing. Start again with --resume, which "
                "computes it again."
            )
        return np.load(self._path(key))

    def report_damage(self, keys: Iterable[str]):
        count = sum(self._path(key).exists() and key not in self for key in keys)
        if count:
            what = "1 damaged value" if count == 1 else f"{count} damaged values"
            note(f"{what} in {self.folder} {'is' if count == 1 else 'are'} computed again")

    def __setitem__(self, key, rows):
        with replacing(self._path(key)) as temporary:
            np.save(temporary, rows)

    def __delitem__(self, key):
        self._path(key).unlink()

    def __iter__(self):
        return (path.stem for path in self.folder.glob("*.npy"))

    def __len__(self):
        return sum(1 for _ in self)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npy"


def _compute(
    data: Dataset, model, stage: str, clips: Sequence[Clip]
) -> Iterator[tuple[Clip, np.ndarray]]:
    """Each clip and its values."""
    with SoundBar(lambda: seconds_of(clips), f"caching {stage}") as bar:
        values: Iterator = _examples(data, model, clips, bar)
        if stage == "embedding" and clips:
            embedder = Embedder(network(model), params=parts_of(model).params, batch_size=BATCH)
            values = embedder.embed_clips([examples] for examples in values)
        yield from zip(clips, values, strict=True)


def _examples(data: Dataset, model, clips: Sequence[Clip], bar: SoundBar) -> Iterator[np.ndarray]:
    """The log-mel examples of each clip, without those that are padding; the bar counts them."""
    import tensorflow as tf

    run = tf.function(
        front(model, "examples"), input_signature=[tf.TensorSpec((1, None), tf.float32)]
    )
    for waveform in bar.counted(data.waveforms(clips), data.params.sample_rate):
        examples, sounding = run(waveform[np.newaxis])
        yield examples.numpy()[sounding.numpy()]
