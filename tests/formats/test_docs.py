"""docs/formats.md is true: its session prints what it says, and its commands run."""

import doctest
import re
import shlex

import numpy as np
import places
import pytest
import some_rows

from vggish_tf import cli, formats
from vggish_tf.rows import Archive, ClipRows

PAGE = places.ROOT / "docs" / "formats.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


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
    text = "".join(block for language, block in BLOCKS if language == "python")
    session = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(session.examples) > 8
    assert doctest.DocTestRunner().run(session).failed == 0


def test_the_commands_run():
    formats.write("rows", formats.read("quantized"))  # a TFRecord holds bytes
    lines = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]
    assert len(lines) == 3
    assert [cli.main(shlex.split(line)[1:]) for line in lines] == [0, 0, 0]


def test_the_table_lists_every_format():
    page = PAGE.read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == sorted(formats.FORMATS)
