"""docs/profiles.md is true: its commands and its sessions run, and its table is the records'."""

import doctest
import re
import shlex

import places
import pytest
from sound_files import write_noise, write_sets

from vggish_tf import cli
from vggish_tf.profiles import PROFILES

pytestmark = pytest.mark.thorough

PAGE = places.ROOT / "docs" / "profiles.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch, pca_params):
    """A folder to be in, with the sounds that the page names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
    write_noise("clip.wav", 3)
    write_sets(tmp_path, 6, names=("sounds", "real", "made"))


@pytest.mark.filterwarnings("ignore:.*the Fréchet distance depends on the number of rows")
@pytest.mark.usefixtures("small_networks", "folder")
def test_every_command_of_the_page_runs():
    lines = "".join(block for language, block in BLOCKS if language == "sh").splitlines()
    assert len(lines) == 5
    for line in lines:
        arguments = shlex.split(line, comments=True)[1:]
        untrained = [] if arguments == ["profiles"] else ["--untrained"]
        assert cli.main([*arguments, *untrained]) == 0, line


def test_the_sessions_of_the_page_run(small_checkpoint, small_networks, monkeypatch):
    monkeypatch.setattr("vggish_tf.weights.registry.fetch", lambda name: small_checkpoint)
    text = "".join(block for language, block in BLOCKS if language == "python")
    session = doctest.DocTestParser().get_doctest(text, {}, "profiles.md", str(PAGE), 0)
    assert len(session.examples) == 5
    assert doctest.DocTestRunner().run(session).failed == 0


def test_every_profile_is_in_the_table_and_was_run_beside_its_program():
    rows = re.findall(r"^\| `([\w-]+)` \|", TEXT, re.MULTILINE)
    assert rows[: len(PROFILES)] == [*PROFILES]
    ours = {"tf-2020", "tf-2017", "audioset"}  # whose oracle is the published code
    assert {*rows[len(PROFILES) :]} == {*PROFILES} - ours
