"""The sounds on which the cosines of an export are measured, at any rate.

Speech and music are parts of the clip that ships with the package. `street` is not a recording: it
is made of noise.
"""

import numpy as np
from scipy import signal

from vggish_tf import audio
from vggish_tf.drawing import pictures
from vggish_tf.files import DATA
from vggish_tf.params import Params

CLIP = DATA / "demo.flac"
MUSIC = ("piano", "flute", "drums")
SECONDS = 4.0  # the length of synthetic sounds


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
    """The clip, and the place of each of its sounds."""
    clip = audio.to_mono(*audio.load_audio(str(CLIP)), rate)
    return clip, {
        label: slice(int(start * rate), int(end * rate))
        for label, start, end in pictures.read_segments(str(DATA / "demo.json"))
    }


def _street(num_samples: int, rate: int, noise: np.random.Generator) -> np.ndarray:
    """Noise like that of a busy street: a rumble, and the tyres of passing cars."""
    seconds = np.arange(num_samples) / rate
    white = noise.standard_normal((2, num_samples))
    rumble = signal.lfilter([0.02], [1, -0.98], white[0])
    tyres = signal.lfilter([0.3], [1, -0.7], white[1])
    passing = sum(np.exp(-(((seconds - middle) / 0.4) ** 2)) for middle in (0.7, 2.1, 3.2))
    return 0.5 * rumble + 0.1 * tyres * passing


def _long_enough(waveform: np.ndarray, params: Params) -> np.ndarray:
    """The same, repeated until it is one example long."""
    return np.resize(waveform, max(waveform.size, params.min_samples)).astype(np.float32)
