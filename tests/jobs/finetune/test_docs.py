"""The Python of docs/finetune.md runs, block after block, beside a folder of sounds."""

from pathlib import Path

import labelled_clips
import pages
import pytest

import vggish_tf
from vggish_tf.weights import registry

pytestmark = pytest.mark.thorough

PAGE = "finetune.md"


@pytest.fixture
def readers_machine(small_networks, tmp_path, monkeypatch):
    """A folder with sounds, and weights of a small network that pass for the published ones."""
    vggish_tf.VGGish(None).save(tmp_path / "small.keras")
    monkeypatch.setattr(registry, "resolve", lambda *_: tmp_path / "small.keras")
    monkeypatch.chdir(tmp_path)
    labelled_clips.write_folder(tmp_path / "sounds", takes=4, seconds=(1.0, 1.5))


def test_the_python_of_the_page_runs(readers_machine):
    pages.run_python(PAGE)
    assert Path("network.ckpt").exists()


def test_the_page_has_a_tf_data_example_with_class_numbers():
    (block,) = [block for block in pages.code(PAGE, "python") if "from_tensor_slices" in block]
    assert ".fit(" in block
    assert "one_hot" not in block
