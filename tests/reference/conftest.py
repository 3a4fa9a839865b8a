"""Examples for the tf-slim graph."""

import numpy as np
import pytest

from vggish_tf.reference import vggish_input


@pytest.fixture(scope="module")
def examples():
    """Two examples of real size and unlike content: the smoke test's sine, and noise that rises."""
    time = np.arange(0, 0.975, 1 / 16000)
    noise = np.random.default_rng(2).normal(size=time.size) * time
    sounds = [np.sin(2 * np.pi * 1000 * time), 0.1 * noise]
    return np.concatenate(
        [vggish_input.waveform_to_examples(sound, 16000) for sound in sounds]
    ).astype(np.float32)
