"""The Python sessions of the pages print what the pages say, on a small network.

Pages with a fixture of their own are run beside their job; the last test sees that each is.
"""

import shlex
import shutil
from importlib import resources

import pages_of_docs
import places
import pytest

from vggish_tf import cli

HERE = ("index.md", "embed.md", "export.md", "numerics.md")


@pytest.fixture
def readers_machine(tmp_path, monkeypatch, small_networks, small_checkpoint, pca_params):
    """A folder with a clip, and a cache with the PCA parameters and a small checkpoint."""
    files = {"audioset": small_checkpoint, "audioset_pca": pca_params}
    pages_of_docs.publish(monkeypatch, tmp_path / "cache", **files)
    monkeypatch.chdir(tmp_path)
    shutil.copy(str(resources.files("vggish_tf") / "data" / "demo.flac"), "clip.flac")


@pytest.mark.parametrize("name", HERE)
def test_the_sessions_print_what_the_page_says(name, readers_machine):
    assert pages_of_docs.failures(pages_of_docs.DOCS / name, {}) == 0


@pytest.mark.parametrize("name", ["embed.md", pytest.param("export.md", marks=pytest.mark.slow)])
def test_the_commands_run(name, readers_machine):
    lines = [line for line in pages_of_docs.lines(pages_of_docs.DOCS / name) if "-o " in line]
    assert len(lines) >= 2
    for line in lines:
        if "classifier.keras" not in line:  # as docs/finetune.md trains it
            assert cli.main(shlex.split(line, comments=True)[1:]) == 0, line


def test_a_session_that_prints_something_else_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\n>>> 1 + 1\n3\n```\n")
    assert pages_of_docs.failures(page, {}) == 1


def test_every_page_with_python_is_run_by_a_test():
    tests = "".join(path.read_text("utf-8") for path in places.TESTS.rglob("test_*.py"))
    pages = [
        page.name
        for page in pages_of_docs.PAGES
        if any(language == "python" for language, _ in pages_of_docs.blocks(page))
    ]
    assert {*HERE} <= {*pages}
    assert [name for name in pages if f'"{name}"' not in tests] == []
