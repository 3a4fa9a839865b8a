"""Damaged sound files, and how they are refused."""

import pytest

from vggish_tf.audio import load_audio, read_blocks
from vggish_tf.errors import AudioError


def rewrite(path, change):
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data))
    return path


def assert_refused(path, message):
    for act in (lambda: load_audio(path), lambda: list(read_blocks(path, 16_000, 0.5))):
        with pytest.raises(AudioError, match=message) as caught:
            act()
        assert "\n" not in str(caught.value)
