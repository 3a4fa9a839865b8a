"""docs/profiles.md is true: its commands and its sessions run, and its table is the records'."""

import re

import pages
import pytest
from sound_files import write_noise, write_sets

from vggish_tf import cli
from vggish_tf.profiles import PROFILES

pytestmark = pytest.mark.thorough

PAGE = "profiles.md"


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
    commands = pages.commands(PAGE)
    assert len(commands) == 5
    for _, *arguments in commands:
        untrained = [] if arguments == ["profiles"] else ["--untrained"]
        assert cli.main([*arguments, *untrained]) == 0, arguments


def test_the_sessions_of_the_page_run(small_checkpoint, small_networks, monkeypatch):
    monkeypatch.setattr("vggish_tf.weights.registry.fetch", lambda name: small_checkpoint)
    assert pages.run_session(PAGE) == (0, 5)


def test_every_profile_is_in_the_table_and_was_run_beside_its_program():
    rows = re.findall(r"^\| `([\w-]+)` \|", pages.text_of(PAGE), re.MULTILINE)
    assert rows[: len(PROFILES)] == [*PROFILES]
    ours = {"tf-2020", "tf-2017", "audioset"}  # whose oracle is the published code
    assert {*rows[len(PROFILES) :]} == {*PROFILES} - ours
