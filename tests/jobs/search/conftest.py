"""A folder of sounds, a small network in a file, and the archive of one by the other."""

import pytest
import small_network
from sound_files import write_noise

import vggish_tf
from vggish_tf.jobs.embed import embed_archive


@pytest.fixture(scope="module")
def readers_folder(tmp_path_factory):
    """`sounds`, files of two to five rows, and `small.keras`, whose weights count as trained."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "sounds").mkdir()
    for number in range(4):
        write_noise(folder / "sounds" / f"{number}.wav", 2 + number, number)
    with small_network.shrunken():
        small_network.randomize(vggish_tf.VGGish(None)).save(folder / "small.keras")
    return folder


@pytest.fixture(scope="module")
def embedder(readers_folder):
    with small_network.shrunken():
        yield vggish_tf.Embedder(str(readers_folder / "small.keras"))


@pytest.fixture(scope="module")
def rows(readers_folder, embedder):
    """The archive of the sounds."""
    embed_archive([readers_folder / "sounds"], readers_folder / "rows", embedder)
    return readers_folder / "rows"
