"""The files for all contenders: speech, instruments, animals and noise of the package's demo clip.

The clip is repeated, each second at another loudness, so that no two examples are alike. The files
are 16-bit WAV, since some contenders read nothing else. No contender's settings were tuned on them.
"""

from importlib import resources
from pathlib import Path

import numpy as np
import soundfile
import soxr


def waveform(seconds: float, rate: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """The sound, (num_samples, channels) float64 within ±1."""
    clip, own_rate = soundfile.read(str(resources.files("vggish_tf") / "data" / "demo.flac"))
    clip = soxr.resample(clip, own_rate, rate)
    generator = np.random.default_rng(seed)
    count, start = round(seconds * rate), generator.integers(len(clip))
    samples = np.resize(np.roll(clip, -start), count)
    loudness = np.repeat(generator.uniform(0.2, 1.0, count // rate + 1), rate)[:count]
    noise = generator.standard_normal((count, channels)) * 1e-3
    return np.clip(samples[:, np.newaxis] * loudness[:, np.newaxis] + noise, -1, 1)


def write(path: Path, seconds: float, rate: int, channels: int = 1, seed: int = 0) -> Path:
    """Writes waveform() as a 16-bit WAV."""
    soundfile.write(path, waveform(seconds, rate, channels, seed), rate, subtype="PCM_16")
    return path


def write_long(path: Path, minutes: int, rate: int) -> Path:
    """Writes a WAV of any length with the memory of one minute."""
    minute = waveform(60, rate)
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as sound:
        for _ in range(minutes):
            sound.write(minute)
    return path


def clips(folder: Path, count: int, rate: int, first: int = 0) -> list[Path]:
    """Writes five-second clips, all different; `first` is the number of the first one."""
    folder.mkdir(exist_ok=True)
    return [
        write(folder / f"{number:04d}.wav", 5.0, rate, seed=number)
        for number in range(first, first + count)
    ]
