"""The model that most exports are of."""

import pytest
import small_network


@pytest.fixture(scope="module")
def small():
    """A small waveform model with random weights. Do not change them."""
    return small_network.randomize(small_network.vggish("waveform"))
