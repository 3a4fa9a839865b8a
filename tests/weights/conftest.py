"""A small network with random weights, and files of them; an empty cache to fetch into."""

import time
from types import SimpleNamespace

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


@pytest.fixture(autouse=True)
def copies_of_each_test(copies_of_each_test):
    """Here in every test."""


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache, online; retries do not wait."""
    monkeypatch.setenv("VGGISH_TF_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VGGISH_TF_OFFLINE", raising=False)
    monkeypatch.setattr(
        "vggish_tf.weights.download.time",
        SimpleNamespace(sleep=lambda seconds: None, monotonic=time.monotonic),
    )
    return tmp_path / "cache"
