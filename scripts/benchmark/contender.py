"""Contender: a way to run VGGish, which embeds files into npz, or one clip at a time."""

from pathlib import Path
from typing import ClassVar

import numpy as np

RATE = 16_000


class Contender:
    """Base class of the ways to run VGGish.

    Args:
        checkpoint: the TF1 checkpoint.
        exports: a folder in which converted models are kept.
        hop: seconds from one example to the next.
    """

    title = ""
    needs: tuple[str, ...] = ()  # modules
    environment: ClassVar[dict[str, str]] = {}  # variables of its process
    resampler = "soxr"
    relu = False
    cosine = 1.0  # lowest allowed, to our float32; 1.0 requires the same numbers, within ATOL

    def __init__(self, checkpoint: Path, exports: Path, hop: float = 0.96):
        self.checkpoint, self.exports, self.hop = checkpoint, exports, hop

    def embed_files(self, paths: list[Path], folder: Path):
        """Writes one npz a file."""
        for path in paths:
            np.savez(folder / f"{path.stem}.npz", embedding=self.embed_file(path))

    def embed_file(self, path: Path) -> np.ndarray:
        import soundfile

        samples, rate = soundfile.read(path, dtype="float32")
        return self.embed_clip(samples, rate)

    def embed_clip(self, waveform: np.ndarray, rate: int) -> np.ndarray:
        """Embeds a clip: (num_samples,) or (num_samples, channels) → (n, 128)."""
        raise NotImplementedError

    def embed_example(self, example: np.ndarray) -> np.ndarray:
        """Runs the network alone: (1, 96, 64) → (1, 128); not for models with a front end."""
        raise NotImplementedError


def mono_of(waveform: np.ndarray, rate: int) -> np.ndarray:
    import soxr

    mono = waveform if waveform.ndim == 1 else waveform.mean(axis=1)
    return (mono if rate == RATE else soxr.resample(mono, rate, RATE)).astype(np.float32)
