"""Doctests of what is done with a network run on a small one, and print what they show."""

import pytest

BUILD_NETWORKS = ("VGGish(", "Embedder(", "classifier(")


@pytest.fixture(autouse=True)
def small_networks_in_doctests(request, monkeypatch):
    """But those of the network itself."""
    test = getattr(request.node, "dtest", None)
    if test is None or test.name.startswith("vggish_tf.network."):
        return
    if any(word in example.source for example in test.examples for word in BUILD_NETWORKS):
        import small_network

        small_network.shrink(monkeypatch.setattr)
