"""The vggish-tf commands of the pages are those of the command line; their files are there.

Most of them run, too: beside their jobs.
"""

import re
import shlex

import pages
import places
import pytest

from vggish_tf import cli
from vggish_tf.cli import options, process

PAGES = pytest.mark.parametrize("page", pages.NAMES)
COMMAND = re.compile(r"(?:^|[|] *|&& *|; *)(?:RUN |\$ )?(vggish-tf .*?)(?= [|>] | && |; |$)")


def commands(line: str) -> list[list[str]]:
    """Arguments of the vggish-tf commands of a line of a page."""
    return [shlex.split(found, comments=True)[1:] for found in COMMAND.findall(line.strip())]


@pytest.fixture
def parse(monkeypatch, capsys):
    """The command line as far as its parser, without the names of before; None, or the line that
    refuses the arguments.
    """
    monkeypatch.setattr(process, "run", lambda args: None)
    monkeypatch.setattr(options, "add_hidden", lambda *names, **how: None)

    def parse(arguments):
        try:
            return cli.main(arguments)
        except SystemExit:
            return capsys.readouterr().err.splitlines()[-1]

    return parse


@PAGES
def test_every_command_of_a_page_is_one_of_the_command_line(page, parse):
    for line in pages.lines(page, r"\w*"):
        for arguments in commands(line):
            assert parse(arguments) is None, line


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("vggish-tf map rows   # a page", [["map", "rows"]]),
        ("find . | vggish-tf embed - -o rows", [["embed", "-", "-o", "rows"]]),
        ("pip install . && vggish-tf demo", [["demo"]]),
        ("vggish-tf completion bash > ~/vggish-tf", [["completion", "bash"]]),
        ("RUN vggish-tf fetch", [["fetch"]]),
        ("vggish-tf: no such file", []),
        ("a page of vggish-tf export", []),
    ],
)
def test_commands_of_a_line(line, arguments):
    assert commands(line) == arguments


def test_a_command_of_another_version_is_refused(parse):
    assert "--maximum" in parse(["map", "rows", "--maximum", "3"])
    assert "maps" in parse(["maps", "rows"])
    assert "--per-file" in parse(["fad", "a", "b", "--per-file", "scores.csv"])  # a name of before


@PAGES
def test_options_in_the_text_of_a_page_are_options_of_its_command(page, capsys):
    for command in re.findall(r"`(vggish-tf [a-z-]+[^`…]*)`", pages.text_of(page)):
        name, *words = shlex.split(command)[1:]
        with pytest.raises(SystemExit):
            cli.main([name, "--help"])
        text = capsys.readouterr().out
        assert text, command
        assert [word for word in words if word[:2] == "--" and word not in text] == [], command


@PAGES
def test_every_path_of_the_repository_in_a_page_exists(page):
    folders = "scripts|examples|tests|vggish_tf|checkpoints"
    paths = re.findall(rf"\b(?:{folders})/[\w./-]*\w", pages.text_of(page))
    paths = [path for path in paths if "NAME" not in path]  # a name of the reader's own
    assert [path for path in paths if not (places.ROOT / path).exists()] == []
