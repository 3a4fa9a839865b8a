"""docs/map.md is true: its commands and its session run in a folder of sounds."""

import doctest

import pages
import places
import pytest
import small_network
from sound_files import write_noise

import vggish_tf
from vggish_tf import cli
from vggish_tf.jobs.embed import embed_archive

PAGE = "map.md"


@pytest.fixture
def readers_machine(small_networks, tmp_path, monkeypatch):
    """The folder that the page speaks of; the archive is made as its first command does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sounds").mkdir()
    for number in range(4):
        write_noise(tmp_path / "sounds" / f"{number}.wav", 2 + number, number)
    (tmp_path / "labels.csv").write_text("path,label\n0.wav,a\n1.wav,a\n2.wav,b\n3.wav,b\n")
    small_network.randomize(vggish_tf.VGGish(None)).save("small.keras")
    embed_archive(["sounds"], "rows", vggish_tf.Embedder("small.keras"))


# UMAP compiles itself for half a minute; test_projection has it, too.
@pytest.mark.parametrize("umap", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_command_of_the_page_runs(umap, readers_machine, tmp_path, capsys):
    commands = [words[1:] for words in pages.commands(PAGE) if words[1] == "map"]
    assert len(commands) == 6
    if umap:
        pytest.importorskip("umap", reason="umap-learn is not installed")
    for command in commands:
        if ("umap" in command) != umap:
            continue
        elsewhere = {"/media/disk/recordings": str(tmp_path)}
        assert cli.main([elsewhere.get(word, word) for word in command]) == 0, command


def test_the_session_prints_what_the_page_says(readers_machine):
    assert pages.run_session(PAGE, flags=doctest.ELLIPSIS) == (0, 2)


def test_the_picture_of_the_page_is_small():
    picture = places.ROOT / "docs" / "map.png"
    assert f"({picture.name})" in pages.text_of(PAGE)
    assert picture.stat().st_size < 150_000
