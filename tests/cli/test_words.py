"""The words of the command line: one flag, one thing; examples that parse; help in 80 columns."""

import argparse
import re
import shlex

import places
import pytest

from vggish_tf import cli
from vggish_tf.cli import process

EVERYWHERE = {"--help", "--quiet", "--verbose", "--json"}
# Flags that are one thing in two forms: the values that a command takes, or what it is said of.
FORMS = {"--format", "--pool", "--postprocess", "--precision", "--output", "--pca"}


def parsers() -> dict[str, argparse.ArgumentParser]:
    (commands,) = (action for action in cli.parser()._actions if isinstance(action.choices, dict))
    return commands.choices


def flags_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    shown = (action for action in parser._actions if action.help != argparse.SUPPRESS)
    return {name: action for action in shown for name in action.option_strings}


def form(action: argparse.Action) -> tuple:
    return type(action), action.nargs, action.metavar, action.choices and tuple(action.choices)


def differing(every: dict[str, dict[str, argparse.Action]]) -> set[str]:
    """Flags that do not take the same value in each command that has them."""
    forms: dict[str, set] = {}
    for flags in every.values():
        for name, action in flags.items():
            forms.setdefault(name, set()).add(form(action))
    return {name for name, found in forms.items() if len(found) > 1}


def test_a_flag_is_the_same_in_each_command():
    every = {name: flags_of(parser) for name, parser in parsers().items()}
    assert differing(every) <= FORMS | {"-o"}
    assert all(set(flags) >= EVERYWHERE for flags in every.values())


def test_a_flag_with_two_meanings_fails_the_test_above():
    one, other = argparse.ArgumentParser(), argparse.ArgumentParser()
    one.add_argument("--per-file", action="store_true")
    other.add_argument("--per-file", metavar="OUT")
    assert differing({"one": flags_of(one), "other": flags_of(other)}) == {"--per-file"}


@pytest.mark.parametrize("name", parsers())
def test_help_fits_and_its_example_is_a_command(name, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    text = parsers()[name].format_help()
    assert max(map(len, text.splitlines())) <= 80
    example = text.rstrip().splitlines()[-1].strip()
    first, *arguments = shlex.split(example.partition(">")[0])
    args = cli.parser().parse_args(arguments)
    assert (first, args.run.__module__) == (
        "vggish-tf",
        parsers()[name].get_default("run").__module__,
    )


def test_the_first_help_has_a_line_a_command(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli.parser().format_help().splitlines()
    assert max(map(len, lines)) <= 80
    for name in parsers():
        assert any(re.match(rf"    {name}  +\w", line) for line in lines), name


def test_statuses_are_written_down():
    page = (places.ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for text in (cli.parser().format_help(), page):
        numbers = {int(number) for number in re.findall(r"(?m)^[ |]*(\d+)(?: |;)", text)}
        assert numbers >= {0, 1, *(status for _, status in process.STATUSES), 129}, text
        assert "130" in text
        assert "143" in text


@pytest.mark.parametrize(
    ("before", "now", "dest"),
    [
        ("classify m.keras a.wav -o s.csv", "classify m.keras a.wav --csv s.csv", "csv"),
        ("fad a b --per-file f.csv", "fad a b --csv-per-file f.csv", "csv_per_file"),
        ("map rows --labels l.csv", "map rows --labels-from l.csv", "labels_from"),
        ("finetune d -o m --pca", "finetune d -o m --postprocess pca", "postprocess"),
    ],
)
def test_names_of_before_still_work(before, now, dest):
    values = [getattr(cli.parser().parse_args(line.split()), dest) for line in (before, now)]
    assert values[0] == values[1] != None  # noqa: E711


@pytest.mark.parametrize("line", ["-q --json profiles", "profiles -q --json", "-q profiles --json"])
def test_output_flags_stand_before_or_after_the_command(line):
    args = cli.parser().parse_args(line.split())
    assert (args.level, args.json) == ("quiet", True)
    assert cli.parser().parse_args(["-q", "profiles", "-v"]).level == "verbose"
    args = cli.parser().parse_args(["profiles"])
    assert (args.level, args.json) == (None, False)
