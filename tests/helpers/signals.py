"""The signals that several tests run on: mono float32 at 16 kHz."""

from functools import cache
from importlib import resources

import numpy as np

from vggish_tf import audio

RATE = 16_000
# around a frame, two, one example, two
BOUNDARIES = (0, 239, 240, 399, 400, 559, 560, 15_599, 15_600, 30_959, 30_960)


@cache
def demo_clip() -> np.ndarray:
    """The clip that ships with the package: speech, piano, flute, drums, siren, birds, rain."""
    path = resources.files("vggish_tf") / "data" / "demo.flac"
    return audio.to_mono(*audio.load_audio(str(path)), RATE)


@cache
def by_name() -> dict[str, np.ndarray]:
    seconds = np.arange(3 * RATE) / RATE
    generator = np.random.default_rng(0)
    impulses = np.zeros(3 * RATE)
    impulses[[0, 1_000, 20_000, 47_999]] = 1.0, -1.0, 0.5, 1.0
    signals = {
        "speech": demo_clip()[: int(2.88 * RATE)],
        "music": demo_clip()[int(2.88 * RATE) : int(11.52 * RATE)],
        "noise": 0.3 * generator.standard_normal(3 * RATE),
        "full-scale noise": generator.uniform(-1, 1, 3 * RATE),
        "1 kHz tone": np.sin(2 * np.pi * 1000 * seconds),
        "7 kHz tone": np.sin(2 * np.pi * 7000 * seconds),
        "quiet tone": 1e-4 * np.sin(2 * np.pi * 440 * seconds),
        "silence": np.zeros(3 * RATE),
        "impulses": impulses,
    }
    return {name: signal.astype(np.float32) for name, signal in signals.items()}


def noise(num_samples: int, seed: int = 0) -> np.ndarray:
    return (0.3 * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


def uniform_noise(*shape: int, seed: int = 1) -> np.ndarray:
    """A batch of clips, or one."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)
