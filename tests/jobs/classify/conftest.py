"""Labelled clips, a small network in a file, and prototypes taught by it, as a file too."""

import labelled_clips
import pytest
import small_network
from labelled_clips import LABELS

import vggish_tf
from vggish_tf.jobs import classify

TAKES = range(2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Clips of three labels; `small.keras`, which counts as trained; `taught.json`."""
    folder = tmp_path_factory.mktemp("taught")
    labelled_clips.write_folder(folder, takes=3, seconds=(1.0, 3.5))
    with small_network.shrunken():
        small_network.randomize(vggish_tf.VGGish(None)).save(folder / "small.keras")
    return folder


@pytest.fixture(scope="module")
def embedder(folder):
    with small_network.shrunken():
        return vggish_tf.Embedder(str(folder / "small.keras"))


@pytest.fixture(scope="module")
def taught(folder, embedder):
    """Prototypes of the first clips; the last of each label is left for classifying."""
    clips = {label: [folder / label / f"{take}.wav" for take in TAKES] for label in LABELS}
    prototypes = classify.teach(embedder, clips)
    prototypes.save(folder / "taught.json")
    return prototypes
