"""Streaming front end: blocks of samples of any size → log-mel examples, in constant memory.

Each example is returned as soon as its last sample has arrived. The result is the same, bit for
bit, however the samples are cut into blocks: frames are always computed in the same chunks of
`num_frames`, counted from the start of the clip, and an incomplete chunk is filled with zeros. The
number of chunks in one call changes nothing. Frames that examples share are computed once.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import keras
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from vggish_tf import backend
from vggish_tf.errors import counted, warn
from vggish_tf.frontend.framing import Pad, count_examples, count_frames, padded_length
from vggish_tf.frontend.layers import LogMel, StftMagnitude
from vggish_tf.frontend.transforms import Triangles
from vggish_tf.params import Params


class ChunkLogMel:
    """Log-mel of a clip, chunk by chunk: (num_samples,) → (frames, mel bins).

    It is compiled once and shared by streams. A chunk has `num_frames` frames, and one begins every
    `chunk_hop` samples.

    Args:
        params: front-end parameters.
        triangles: the mel filters; see transforms.mel_matrix.

    Example:
        >>> ChunkLogMel(Params())(np.zeros(560, np.float32)).shape
        (2, 64)
    """

    def __init__(self, params: Params, triangles: Triangles = "mel"):
        backend.check_process()
        self.params = params
        self.chunk_samples, self.chunk_hop = (
            params.min_samples,
            params.num_frames * params.hop_length,
        )
        layers = keras.Sequential(
            [
                keras.Input((self.chunk_samples,)),
                StftMagnitude(params),
                LogMel(params, triangles=triangles),
            ]
        )
        self._run = backend.compiled(layers, (None, self.chunk_samples))

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        num_frames = count_frames(len(samples), self.params)
        num_chunks = -(-num_frames // self.params.num_frames)
        filled = np.zeros((num_chunks - 1) * self.chunk_hop + self.chunk_samples, np.float32)
        filled[: len(samples)] = samples[: len(filled)]
        chunks = sliding_window_view(filled, self.chunk_samples)[:: self.chunk_hop]
        return self._run(chunks).reshape(-1, self.params.num_mel_bins)[:num_frames]

    def count_full(self, num_samples: int) -> int:
        """Number of complete chunks in `num_samples` samples."""
        return max((num_samples - self.chunk_samples) // self.chunk_hop + 1, 0)


chunk_log_mel = lru_cache(ChunkLogMel)  # traced once for the same params


class ExampleStream:
    """Turns mono samples at params.sample_rate, pushed in blocks, into examples.

    Args:
        log_mel: the chunk front end; its params are used here too.
        pad: how an incomplete last example is handled; see framing.padded_length.
        name: the clip's name in warnings.

    Example:
        >>> stream = ExampleStream(ChunkLogMel(Params()), pad="never")
        >>> stream.push(np.zeros(15_599, np.float32)).shape
        (0, 96, 64)
        >>> stream.push(np.zeros(1, np.float32)).shape
        (1, 96, 64)
    """

    def __init__(self, log_mel: ChunkLogMel, pad: Pad, name: str = "the clip"):
        self.params, self.pad, self.name = log_mel.params, pad, name
        self.num_samples = 0
        self._silent = True
        self._log_mel = log_mel
        self._samples = np.zeros(0, np.float32)  # from the first sample of the chunk in progress
        # of complete chunks, from the start of the next example
        self._frames = np.zeros((0, self.params.num_mel_bins), np.float32)
        # to be skipped when they arrive, if a hop is longer than its window
        self._gap = 0  # samples between two frames
        self._skip = 0  # frames between two examples

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Takes the next samples, (num_samples,) float32.

        Returns:
            The examples that they complete, (n, num_frames, mel bins).
        """
        self.num_samples += len(samples)
        self._silent = self._silent and not samples.any()
        self._samples = np.concatenate([self._samples, samples[self._gap :]])
        self._gap = max(self._gap - len(samples), 0)
        self._take_full_chunks()
        examples = self._cut(self._frames_so_far())
        self._drop(len(examples))
        return examples

    def finish(self) -> np.ndarray:
        """Ends the clip by the `pad` rule and returns the last examples."""
        if self.num_samples and self._silent:
            warn(f"{self.name} is silent throughout: its embeddings are those of silence.")
        missing = padded_length(self.num_samples, self.params, self.pad) - self.num_samples
        if self.pad != "never" and self.num_samples < self.params.min_samples:
            warn(self._describe_short_clip())
        return self.push(np.zeros(missing, np.float32))

    def push_all(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Pushes the blocks of a whole clip one by one, and ends it."""
        yield from map(self.push, blocks)
        yield self.finish()

    def _take_full_chunks(self):
        if count := self._log_mel.count_full(len(self._samples)):
            done = count * self._log_mel.chunk_hop
            frames = self._log_mel(
                self._samples[: done - self._log_mel.chunk_hop + self._log_mel.chunk_samples]
            )
            self._gap = max(done - len(self._samples), 0)
            self._samples = self._samples[done:]
            self._frames = np.concatenate([self._frames, frames])

    def _frames_so_far(self) -> np.ndarray:
        """Frames of the complete chunks, and of the one in progress if they complete an example."""
        full = len(self._frames)
        partial = count_frames(len(self._samples), self.params)
        if self._count(full + partial) == self._count(full):
            return self._frames
        return np.concatenate([self._frames, self._log_mel(self._samples)])

    def _count(self, num_frames: int) -> int:
        """Complete examples in the first `num_frames` frames of self._frames."""
        return count_examples(num_frames - self._skip, self.params)

    def _cut(self, frames: np.ndarray) -> np.ndarray:
        """The complete examples in `frames`, (n, num_frames, mel bins)."""
        hop = self.params.example_hop_frames
        starts = self._skip + hop * np.arange(self._count(len(frames)))
        return frames[starts[:, np.newaxis] + np.arange(self.params.num_frames)]

    def _drop(self, num_examples: int):
        """Drops the frames that no example after the next `num_examples` needs."""
        done = self._skip + self.params.example_hop_frames * num_examples
        self._skip = max(done - len(self._frames), 0)
        self._frames = self._frames[done:]

    def _describe_short_clip(self) -> str:
        return (
            f"{self.name} has {counted(self.num_samples, 'sample')} at {self.params.sample_rate} "
            f"Hz, under the {self.params.min_samples} of one example; "
            + (
                "it was filled with silence. Say pad='never' for zero rows."
                if self.num_samples
                else "it has no rows."
            )
        )
