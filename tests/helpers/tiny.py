"""VGGish with a few filters a layer, under its own names: for tests of what is done with a network,
not of the network.

Use as a fixture: `pytestmark = pytest.mark.usefixtures("tiny_network")`, which conftest has; or
call `shrink()` in a process of its own.
"""

import keras
import numpy as np

from vggish_tf.jobs import finetune
from vggish_tf.network import backbone

LABELS = ["noise", "sine", "steps"]
RATE = 16_000


def shrink(setattr=setattr):
    """Makes every network that is built from now on a tiny one."""
    widths = [(name, width and 4) for name, width in backbone.CONVOLUTIONS]
    setattr(backbone, "CONVOLUTIONS", tuple(widths))
    setattr(backbone, "DENSE", (("fc1_1", 16), ("fc1_2", 16), ("embedding", 128)))
    # He et al. 2015, so that three layers of sixteen units let differences through
    setattr(backbone, "_kernel", lambda initializer: keras.initializers.HeNormal(seed=0))


def classifier(**options) -> keras.Model:
    """A classifier of LABELS whose network has biases, and so does not count as untrained."""
    keras.utils.set_random_seed(3)
    model = finetune.classifier(3, weights=None, labels=LABELS, **options)
    generator = np.random.default_rng(0)
    for name in backbone.LAYER_NAMES:
        bias = model.get_layer(name).bias
        bias.assign(generator.normal(0, 0.1, bias.shape))
    return model


def waveform(label: str, seconds: float = 1.0, seed=0) -> np.ndarray:
    """Noise, a sine, or steps: of random level and pitch."""
    generator = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = generator.uniform(300, 3_000)
    sound = {
        "noise": generator.normal(0, 0.3, t.shape),
        "sine": np.sin(2 * np.pi * pitch * t),
        "steps": np.sign(np.sin(2 * np.pi * 4 * t + pitch)),
    }[label]
    return (generator.uniform(0.2, 0.6) * sound).astype(np.float32)


def write_folder(folder, takes: int = 6, seconds=(1.0, 2.0)):
    """A subfolder for each of LABELS with clips of different lengths."""
    import soundfile

    for number, label in enumerate(LABELS):
        (folder / label).mkdir(parents=True)
        for take in range(takes):
            length = np.random.default_rng([number, take]).uniform(*seconds)
            soundfile.write(
                folder / label / f"{take}.wav", waveform(label, length, [number, take]), RATE
            )
    return folder
