"""docs/archives.md is true: its commands and its session run in a folder of sounds."""

import doctest
import io
import re
import shlex

import places
import pytest

from vggish_tf import cli

pytestmark = pytest.mark.thorough

PAGE = places.ROOT / "docs" / "archives.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_every_command_of_the_page_runs(sounds, small_networks, monkeypatch):
    (sounds.parent / "clips.csv").write_text("path,start,end\nsounds/even/00.wav,,\n")
    listed = "\n".join(map(str, sounds.rglob("*.wav"))).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(listed)))
    lines = "".join(block for language, block in BLOCKS if language == "sh").splitlines()
    assert len(lines) == 6
    for line in lines:
        arguments = shlex.split(line.rpartition("| ")[2], comments=True)[1:]
        assert cli.main([*arguments, "--untrained"]) == 0, line


def test_the_session_prints_what_the_page_says(sounds, embedder):
    text = "".join(block for language, block in BLOCKS if language == "python")
    names = {"embedder": embedder}
    session = doctest.DocTestParser().get_doctest(text, names, "archives.md", str(PAGE), 0)
    assert len(session.examples) == 13
    assert doctest.DocTestRunner().run(session).failed == 0
