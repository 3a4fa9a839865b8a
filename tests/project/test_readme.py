"""The README's sessions print the output that it shows, and its commands run."""

import re
import shlex
import shutil
from pathlib import Path

import pages
import places
import published
import pytest
import signals
import soundfile

from vggish_tf import cli
from vggish_tf.drawing import pictures
from vggish_tf.files import DATA

README = places.ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)
TABLE = re.findall(r"\| `(vggish-tf .*)` \|", TEXT)
LINKS = re.findall(r"\]\((.*?)\)|src=\"(.*?)\"", TEXT)


@pytest.fixture
def readers_machine(tmp_path, monkeypatch, sized_checkpoint, pca_params):
    """A clone, the files that the table names, and a cache in which a seeded checkpoint passes as
    published.
    """
    cache = tmp_path / "cache"
    cache.mkdir()
    published.stand_in(cache, sized_checkpoint, pca_params, monkeypatch.setitem)
    monkeypatch.setenv("VGGISH_TF_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    Path("vggish_tf").mkdir()
    shutil.copytree(str(DATA), "vggish_tf/data")
    for folder in ("sounds/noise", "sounds/tones", "reference", "generated"):
        _write_clips(Path(folder))


def _write_clips(folder: Path):
    folder.mkdir(parents=True)
    for number in range(3):
        soundfile.write(folder / f"{number}.wav", signals.noise(40_000), signals.RATE)


def test_the_sessions_print_what_the_readme_says(readers_machine):
    """The command in front of them writes the table that they read."""
    for command in commands():
        assert cli.main(shlex.split(command)[1:]) == 0, command
    text = "".join(block for language, block in BLOCKS if language == "python")
    failed, attempted = pages.run_examples(text)
    assert (failed, attempted >= 8) == (0, True)


def commands() -> list[str]:
    """The commands of the shell blocks."""
    lines = [
        line.split("  #")[0].strip()
        for language, block in BLOCKS
        if language == "sh"
        for line in block.splitlines()
    ]
    return [line for line in lines if line.startswith("vggish-tf")]


@pytest.mark.parametrize("command", TABLE)
def test_each_task_has_a_command_that_exists(command):
    cli.parser().parse_args(shlex.split(command)[1:])


def test_the_table_has_the_tasks():
    named = {shlex.split(command)[1] for command in TABLE}
    tasks = {"inspect", "fad", "search", "map", "finetune", "classify", "export", "convert-weights"}
    assert named >= tasks


# a foreign file, a download, a cluster, the published weights themselves
NEED_MORE = ("convert-weights", "--format web", "--beam", "verify")


@pytest.mark.slow
def test_the_tasks_run(readers_machine, capsys):
    """In the order of the table: search needs the rows of embed, classify the model."""
    for command in [*commands(), *TABLE]:
        if not any(words in command for words in NEED_MORE):
            assert cli.main(shlex.split(command)[1:]) == 0, command


def test_links_lead_to_files_of_the_clone():
    paths = ["".join(link) for link in LINKS]
    assert len(paths) > 8
    assert [path for path in paths if not (places.ROOT / path).is_file()] == []


def test_the_printed_demo_is_what_it_prints(tmp_path, monkeypatch, capsys, small_networks):
    monkeypatch.chdir(tmp_path)
    # drawn by tests/cli/test_commands.py, in seconds
    monkeypatch.setattr(pictures, "overview", lambda *_, **__: None)
    monkeypatch.setattr(pictures, "save", lambda *_: None)
    assert cli.main(["demo"]) == 0
    printed = next(block for language, block in BLOCKS if not language)
    assert _without_numbers(capsys.readouterr().out) == _without_numbers(printed)


def _without_numbers(text: str) -> str:
    """The random weights' own range may differ in the last digit from one processor to another."""
    text = re.sub(
        r"^(why: cannot download 'vggish_model.ckpt': ).*", r"\1", text, flags=re.MULTILINE
    )
    return re.sub(r"(embedding .*float32).*", r"\1", text)


@pytest.mark.parametrize("module", ["formats", "jobs", "reference"])
def test_rooms_open_by_attribute(module):
    import vggish_tf

    room = getattr(vggish_tf, module)
    assert all(getattr(room, name).__doc__ for name in room.__all__)


def test_ci_runs_the_readmes_commands():
    script = (README.parent / ".ci" / "run").read_text(encoding="utf-8")
    install = [
        line.split("  #")[0].strip()
        for _, block in BLOCKS
        for line in block.splitlines()
        if line[:3] == "pip"
    ]
    assert install == [
        "pip install . && vggish-tf demo",
        "pip install '.[test]' && python -m pytest -n 2",
    ]
    assert all(f'"{line}"' in script for line in install)
