"""The Python sessions of the pages print what the pages say, on a small network.

Pages that need more than a clip are run beside their job; the last test sees that each is run.
"""

import shlex
import shutil

import pages
import places
import published
import pytest

from vggish_tf import cli
from vggish_tf.files import DATA

HERE = ("index.md", "embed.md", "export.md", "numerics.md")


@pytest.fixture
def readers_machine(tmp_path, monkeypatch, small_networks, small_checkpoint, pca_params):
    """A folder with a clip, and a cache with a small checkpoint and the PCA parameters."""
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("VGGISH_TF_CACHE", str(cache))
    published.stand_in(cache, small_checkpoint, pca_params, monkeypatch.setitem)
    monkeypatch.chdir(tmp_path)
    shutil.copy(str(DATA / "demo.flac"), "clip.flac")


@pytest.mark.parametrize("name", HERE)
def test_the_sessions_print_what_the_page_says(name, readers_machine):
    failed, attempted = pages.run_session(name, flags=pages.FLAGS)
    assert (failed, attempted > 0) == (0, True)


@pytest.mark.parametrize("name", ["embed.md", pytest.param("export.md", marks=pytest.mark.slow)])
def test_the_commands_run(name, readers_machine):
    lines = [line for line in pages.lines(name, r"\w*") if "-o " in line]
    assert len(lines) >= 2
    for line in lines:
        if "classifier.keras" not in line:  # as docs/finetune.md trains it
            assert cli.main(shlex.split(line, comments=True)[1:]) == 0, line


def test_a_session_that_prints_something_else_is_seen():
    assert pages.run_examples(">>> 1 + 1\n3\n", flags=pages.FLAGS) == (1, 1)


def test_every_page_with_python_is_run_by_a_test():
    tests = "".join(path.read_text("utf-8") for path in places.TESTS.rglob("test_*.py"))
    names = [name for name in pages.NAMES if pages.code(name, "python")]
    assert {*HERE} <= {*names}
    assert [name for name in names if f'"{name}"' not in tests] == []
