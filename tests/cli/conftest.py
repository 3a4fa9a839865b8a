"""A clip for commands."""

import pytest
import signals
import soundfile


@pytest.fixture
def wav(tmp_path):
    """Of two examples."""
    path = tmp_path / "clip.wav"
    soundfile.write(path, signals.noise(40_000), signals.RATE, subtype="FLOAT")
    return path
