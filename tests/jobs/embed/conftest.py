"""Sounds to embed, and an embedder with a small network."""

import pytest
import small_network
from sound_files import write_noise

import vggish_tf


@pytest.fixture(scope="module")
def embedder():
    with small_network.shrunken():
        model = small_network.randomize(vggish_tf.VGGish(None))
        yield vggish_tf.Embedder(model)


@pytest.fixture
def sounds(tmp_path, monkeypatch):
    """A folder to be in, with `sounds`: twelve clips of one to three rows in two subfolders."""
    monkeypatch.chdir(tmp_path)
    for number in range(12):
        folder = tmp_path / "sounds" / ("odd" if number % 2 else "even")
        folder.mkdir(parents=True, exist_ok=True)
        write_noise(folder / f"{number:02}.wav", 1 + number % 3, number)
    return tmp_path / "sounds"
