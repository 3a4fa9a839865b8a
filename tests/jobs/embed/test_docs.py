"""docs/archives.md is true: its commands and its session run in a folder of sounds."""

import io

import pages
import pytest

from vggish_tf import cli

pytestmark = pytest.mark.thorough

PAGE = "archives.md"


def test_every_command_of_the_page_runs(sounds, small_networks, monkeypatch):
    (sounds.parent / "clips.csv").write_text("path,start,end\nsounds/even/00.wav,,\n")
    listed = "\n".join(map(str, sounds.rglob("*.wav"))).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(listed)))
    commands = pages.commands(PAGE)
    assert len(commands) == 6
    for words in commands:
        arguments = words[words.index("vggish-tf") + 1 :]  # behind a pipe
        assert cli.main([*arguments, "--untrained"]) == 0, words


def test_the_session_prints_what_the_page_says(sounds, embedder):
    assert pages.run_session(PAGE, {"embedder": embedder}) == (0, 13)
