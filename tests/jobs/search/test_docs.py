"""docs/search.md is true: its commands and its session run in a folder of sounds."""

import doctest
import shutil

import pages
import pytest

from vggish_tf import cli
from vggish_tf.formats import npz
from vggish_tf.jobs.embed import embed_archive

pytestmark = pytest.mark.thorough

PAGE = "search.md"


@pytest.fixture
def readers_machine(readers_folder, embedder, small_networks, tmp_path, monkeypatch):
    """The folder that the page speaks of; the archive is made as its first command does."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(readers_folder / "sounds", "sounds")
    for name, number in (("query", 3), ("rain", 0), ("wind", 1)):
        shutil.copy(f"sounds/{number}.wav", f"{name}.wav")
    embed_archive(["sounds"], "rows", embedder)
    npz.write("query.npz", embedder.embed_file("query.wav"), embedder.provenance)


def test_every_search_of_the_page_runs(readers_machine, capsys):
    commands = pages.commands(PAGE)
    assert {command[1] for command in commands} == {"embed", "search"}
    for command in commands:
        if command[1] == "search":
            assert cli.main(command[1:]) == 0, command


def test_the_session_prints_what_the_page_says(readers_machine):
    assert pages.run_session(PAGE, flags=doctest.ELLIPSIS) == (0, 6)
