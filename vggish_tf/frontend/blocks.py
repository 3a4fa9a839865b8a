"""Samples in, in blocks of any size; log-mel examples out, as soon as each is complete, in constant
memory.

The log-mel of a sample does not depend, in any bit, on how the samples were cut into blocks: frames
are always computed in the same chunks of `num_frames`, counted from the start of the clip, a chunk
not yet full being filled with zeros. How many chunks one call computes changes nothing. The log-mel
of overlapping examples is computed once.
"""

from collections.abc import Iterable, Iterator

import keras
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from vggish_tf import backend
from vggish_tf.errors import counted, warn
from vggish_tf.frontend.framing import Pad, count_examples, count_frames, padded_length
from vggish_tf.frontend.layers import LogMel, StftMagnitude
from vggish_tf.params import Params


class ChunkLogMel:
    """The log-mel of a clip, chunk by chunk: (num_samples,) → (frames, mel bins). Compiled once,
    shared by streams.

    A chunk has `num_frames` frames, and one begins every `chunk_hop` samples.

    Example:
        >>> ChunkLogMel(Params())(np.zeros(560, np.float32)).shape
        (2, 64)
    """

    def __init__(self, params: Params):
        backend.check_process()
        self.params = params
        self.chunk_samples, self.chunk_hop = (
            params.min_samples,
            params.num_frames * params.hop_length,
        )
        layers = keras.Sequential(
            [keras.Input((self.chunk_samples,)), StftMagnitude(params), LogMel(params)]
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
        """Chunks of which every frame is there."""
        return max((num_samples - self.chunk_samples) // self.chunk_hop + 1, 0)


class ExampleStream:
    """Turns mono samples at params.sample_rate, pushed in blocks, into examples.

    Args:
        log_mel: the chunk front end, whose params hold here too.
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
        self.num_samples = self.num_examples = 0
        self._silent = True
        self._log_mel = log_mel
        self._samples = np.zeros(0, np.float32)  # from the first sample of the chunk in progress
        # of complete chunks, from the next example
        self._frames = np.zeros((0, self.params.num_mel_bins), np.float32)
        self._gap = 0  # samples still to come that no frame hears (an STFT hop over the window)
        self._skip = 0  # frames between two examples that belong to neither (a hop over the window)

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Takes (num_samples,) float32 and returns the examples that it completes, (n, num_frames,
        mel bins).
        """
        self.num_samples += len(samples)
        self._silent = self._silent and not samples.any()
        unheard, self._gap = samples[self._gap :], max(self._gap - len(samples), 0)
        self._samples = np.concatenate([self._samples, unheard])
        self._take_full_chunks()
        examples = np.concatenate(
            [self._cut(self._frames), self._cut(self._frames_with_partial_chunk())]
        )
        self.num_examples += len(examples)
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

    def _frames_with_partial_chunk(self) -> np.ndarray:
        partial = count_frames(len(self._samples), self.params)
        if count_examples(len(self._frames) + partial - self._skip, self.params) == 0:
            return self._frames
        return np.concatenate([self._frames, self._log_mel(self._samples)])

    def _cut(self, frames: np.ndarray) -> np.ndarray:
        """Cuts the complete examples off the front of `frames`, and drops from self._frames what no
        later one needs.
        """
        window, hop = self.params.num_frames, self.params.example_hop_frames
        count = count_examples(len(frames) - self._skip, self.params)
        starts = self._skip + hop * np.arange(count)
        examples = frames[starts[:, np.newaxis] + np.arange(window)]
        done = self._skip + hop * count
        self._skip = max(done - len(self._frames), 0)
        self._frames = self._frames[done:]
        return examples

    def _describe_short_clip(self) -> str:
        return (
            f"{self.name} has {counted(self.num_samples, 'sample')} at {self.params.sample_rate} "
            "Hz, under the "
            f"{self.params.min_samples} of one example; "
            + (
                "it was filled with silence. Say pad='never' for zero rows."
                if self.num_samples
                else "it has no rows."
            )
        )
