"""The sounds that an export's cosines are measured on, each at any rate.

Speech and music are parts of the clip that ships with the package. Nothing here is a recording of a
street: `street` is made of noise.
"""

from importlib import resources

import numpy as np
from scipy import signal

from vggish_tf import audio
from vggish_tf.drawing import pictures
from vggish_tf.params import Params

DATA = resources.files("vggish_tf") / "data"
CLIP = DATA / "demo.flac"
MUSIC = ("piano", "flute", "drums")
SECONDS = 4.0  # of the sounds that are made


def sounds(params: Params) -> dict[str, np.ndarray]:
    """Name → waveform (num_samples,) float32 at the rate of `params`, of one example or more."""
    rate = int(params.sample_rate)
    clip, places = _clip(rate)
    num_samples = max(int(SECONDS * rate), params.min_samples)
    noise = np.random.default_rng(0)
    made = {
        "speech": clip[places["speech"]],
        "music": np.concatenate([clip[places[label]] for label in MUSIC]),
        "street": _street(num_samples, rate, noise),
        "noise": noise.uniform(-0.5, 0.5, num_samples),
        "silence": np.zeros(params.min_samples),
    }
    return {name: _long_enough(waveform, params) for name, waveform in made.items()}


def _clip(rate: int) -> tuple[np.ndarray, dict[str, slice]]:
    """The clip, and where each of its sounds is."""
    clip = audio.to_mono(*audio.load_audio(str(CLIP)), rate)
    return clip, {
        label: slice(int(start * rate), int(end * rate))
        for label, start, end in pictures.read_segments(str(DATA / "demo.json"))
    }


def _street(num_samples: int, rate: int, noise: np.random.Generator) -> np.ndarray:
    """Noise as of a busy street: a rumble, and the tyres of cars that pass."""
    seconds = np.arange(num_samples) / rate
    white = noise.standard_normal((2, num_samples))
    rumble = signal.lfilter([0.02], [1, -0.98], white[0])
    tyres = signal.lfilter([0.3], [1, -0.7], white[1])
    passing = sum(np.exp(-(((seconds - middle) / 0.4) ** 2)) for middle in (0.7, 2.1, 3.2))
    return 0.5 * rumble + 0.1 * tyres * passing


def _long_enough(waveform: np.ndarray, params: Params) -> np.ndarray:
    """The same, repeated until it is one example long."""
    return np.resize(waveform, max(waveform.size, params.min_samples)).astype(np.float32)
