"""Rows of which other implementations' distances are known."""

import numpy as np
import pytest


@pytest.fixture
def golden():
    """The two sets of rows of which many implementations' values are known."""
    generator = np.random.RandomState(0)
    return generator.randn(40, 8), generator.randn(30, 8) * 1.5 + 0.3
