"""docs/search.md is true: its commands and its session run in a folder of sounds."""

import doctest
import re
import shlex
import shutil

import places
import pytest

from vggish_tf import cli
from vggish_tf.formats import npz
from vggish_tf.jobs.embed import embed_archive

pytestmark = pytest.mark.thorough

PAGE = places.ROOT / "docs" / "search.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


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
    text = "".join(block for language, block in BLOCKS if language == "sh")
    commands = [shlex.split(line, comments=True) for line in text.splitlines()]
    assert {command[1] for command in commands} == {"embed", "search"}
    for command in commands:
        if command[1] == "search":
            assert cli.main(command[1:]) == 0, command


def test_the_session_prints_what_the_page_says(readers_machine):
    text = "".join(block for language, block in BLOCKS if language == "python")
    session = doctest.DocTestParser().get_doctest(text, {}, "search.md", str(PAGE), 0)
    assert len(session.examples) == 6
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session).failed == 0
