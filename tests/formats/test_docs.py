"""docs/formats.md is true: its session prints what it says, and its commands run."""

import re

import numpy as np
import pages
import pytest
import some_rows

from vggish_tf import cli, formats
from vggish_tf.rows import Archive, ClipRows

PAGE = "formats.md"


def timed(name: str, count: int, dtype) -> ClipRows:
    times = np.arange(count) * 0.96
    clip = some_rows.clip(f"sounds/{name}.wav", count, dtype)
    return clip._replace(start=times, end=times + 0.96)


@pytest.fixture(autouse=True)
def readers_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, dtype in (("rows", np.float32), ("quantized", np.uint8)):
        clips = [timed("dawn", 3, dtype), timed("dusk", 2, dtype)]
        formats.write(name, Archive(clips, some_rows.PROVENANCE))


def test_the_session_prints_what_the_page_says():
    assert pages.run_session(PAGE) == (0, 13)


def test_the_commands_run():
    formats.write("rows", formats.read("quantized"))  # a TFRecord holds bytes
    assert [cli.main(words[1:]) for words in pages.commands(PAGE)] == [0, 0, 0]


def test_the_table_lists_every_format():
    assert sorted(re.findall(r"^\| `(\w+)` \|", pages.text_of(PAGE), re.MULTILINE)) == sorted(
        formats.FORMATS
    )
