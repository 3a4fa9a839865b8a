"""A small network with random weights, and files of them."""

import pytest
import small_network


@pytest.fixture(scope="module")
def source():
    """A small network with random weights. Do not change them."""
    return small_network.randomize(small_network.vggish())


@pytest.fixture(scope="module")
def written(source, tmp_path_factory):
    """kind → a file of the source's weights. Do not change it."""
    folder = tmp_path_factory.mktemp("written")
    return {kind: small_network.write(kind, folder, source) for kind in small_network.KINDS}
