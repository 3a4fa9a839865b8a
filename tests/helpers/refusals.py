"""Refusals as text."""

import pytest

from vggish_tf.errors import CheckpointError


def message_of(function, *args, **kwargs) -> str:
    """The message of a CheckpointError, which is one line and has no other exception under it."""
    with pytest.raises(CheckpointError) as caught:
        function(*args, **kwargs)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)
