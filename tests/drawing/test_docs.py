"""docs/inspect.md is true: its sessions, its commands, its table and its picture."""

import io
import re
import shutil

import numpy as np
import pages
import published
import pytest
from PIL import Image

from vggish_tf import cli, drawing
from vggish_tf.drawing.pages import png
from vggish_tf.files import DATA

pytestmark = pytest.mark.thorough

PAGE = "inspect.md"
DOTS_PER_INCH = 70  # of the picture, for a file under 150 kB


@pytest.fixture(autouse=True)
def readers_machine(tmp_path, monkeypatch, small_networks, small_checkpoint):
    """A folder with a clip, and a cache in which a small checkpoint passes as published."""
    published.stand_in(tmp_path, small_checkpoint, setitem=monkeypatch.setitem)
    monkeypatch.setenv("VGGISH_TF_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copy(str(DATA / "demo.flac"), "clip.flac")


def test_the_sessions_print_what_the_page_says():
    assert pages.run_session(PAGE, flags=pages.FLAGS) == (0, 16)


@pytest.mark.slow
def test_every_command_of_the_page_runs(tmp_path):
    commands = pages.commands(PAGE)
    assert len(commands) == 3
    for words in commands:
        assert cli.main(words[1:]) == 0, words
    assert {"report.html", "native.html"} <= {path.name for path in tmp_path.iterdir()}


def test_every_panel_is_in_the_table():
    panels = {name for name in drawing.__all__ if name.startswith("draw_")} - {"draw_segments"}
    table = "".join(re.findall(r"^\|.*", pages.text_of(PAGE), re.MULTILINE))
    assert {*re.findall(r"`(draw_\w+)`", table)} == panels


def test_the_picture_is_that_of_the_page():
    pytest.importorskip("matplotlib", "3.11")  # which places the panels a few pixels elsewhere
    path = pages.DOCS / "inspect.png"
    assert path.stat().st_size < 150_000
    drawn = png(drawing.show("clip.flac"), DOTS_PER_INCH)
    kept, fresh = Image.open(path).convert("L"), Image.open(io.BytesIO(drawn)).convert("L")
    assert kept.size == fresh.size
    # another matplotlib draws letters otherwise; another spectrogram is more than that
    assert np.abs(np.asarray(kept, float) - np.asarray(fresh, float)).mean() < 4
