"""docs/fad.md is true: its commands and its session run in a folder of sounds."""

import doctest
import re
import shlex

import places
import pytest
from sound_files import write_sets

from vggish_tf import Embedder, cli
from vggish_tf.jobs import fad

pytestmark = pytest.mark.thorough

PAGE = places.ROOT / "docs" / "fad.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.filterwarnings("ignore:.*the Fréchet distance depends on the number of rows")
def test_the_page_is_true(tmp_path, monkeypatch, small_networks):
    monkeypatch.chdir(tmp_path)
    write_sets(tmp_path, 12)
    lines = "".join(block for language, block in BLOCKS if language == "sh").splitlines()
    assert len(lines) == 7
    # of 1,000 draws each; how right they are is shown by test_resampling.py
    monkeypatch.setitem(fad.p_value.__kwdefaults__, "times", 50)
    for line in lines:
        untrained = [] if ".npz made" in line else ["--untrained"]
        arguments = [*shlex.split(line.replace(" 1000 ", " 50 "), comments=True)[1:], *untrained]
        assert cli.main(arguments) == 0, line
    text = "".join(block for language, block in BLOCKS if language == "python")
    session = doctest.DocTestParser().get_doctest(
        text, {"embedder": Embedder(None)}, "fad.md", str(PAGE), 0
    )
    assert len(session.examples) == 11
    assert doctest.DocTestRunner().run(session).failed == 0
