"""Sounds, and an embedder whose weights are in a file, as on the machines of a cluster."""

import pytest
import small_network
from sound_files import write_noise

import vggish_tf
from vggish_tf.jobs.embed import units


@pytest.fixture
def embedder(tmp_path, small_networks):
    path = tmp_path / "small.keras"
    small_network.randomize(small_network.vggish()).save(path)
    return vggish_tf.Embedder(path)


@pytest.fixture
def sounds(tmp_path, monkeypatch):
    """A folder to be in, with `sounds`: ten clips, of which one is bad, in units of three."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(units, "UNIT_CLIPS", 3)
    (tmp_path / "sounds").mkdir()
    for number in range(9):
        write_noise(tmp_path / "sounds" / f"{number}.wav", 1 + number % 3, number)
    (tmp_path / "sounds" / "bad.wav").write_bytes(b"no audio")
    return tmp_path / "sounds"
