"""docs/fad.md is true: its commands and its session run in a folder of sounds."""

import pages
import pytest
from sound_files import write_sets

from vggish_tf import Embedder, cli
from vggish_tf.jobs import fad

pytestmark = pytest.mark.thorough

PAGE = "fad.md"


@pytest.mark.filterwarnings("ignore:.*the Fréchet distance depends on the number of rows")
def test_the_page_is_true(tmp_path, monkeypatch, small_networks):
    monkeypatch.chdir(tmp_path)
    write_sets(tmp_path, 12)
    commands = pages.commands(PAGE)
    assert len(commands) == 7
    # of 1,000 draws each; how right they are is shown by test_resampling.py
    monkeypatch.setitem(fad.p_value.__kwdefaults__, "times", 50)
    for _, *words in commands:
        untrained = [] if any(word.endswith(".npz") for word in words[:-1]) else ["--untrained"]
        arguments = ["50" if word == "1000" else word for word in words]
        assert cli.main([*arguments, *untrained]) == 0, words
    assert pages.run_session(PAGE, {"embedder": Embedder(None)}) == (0, 11)
