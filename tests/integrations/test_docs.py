"""docs/beam.md is true: its commands run."""

import pages
import pytest

from vggish_tf import cli, formats

pytestmark = pytest.mark.thorough

pytest.importorskip("apache_beam", reason="Apache Beam is absent: the extra `beam`")


def test_every_command_of_the_page_runs(sounds, embedder, tmp_path):
    (sounds / "bad.wav").unlink()
    first, *commands = pages.commands("beam.md")
    assert first == ["pip", "install", ".[beam]"]
    assert len(commands) == 2
    for _, *arguments in commands:
        place = arguments.index("--beam")
        weights = ["--weights", str(tmp_path / "small.keras")]
        assert cli.main([*arguments[:place], *weights, *arguments[place:]]) == 0, arguments
    assert len([*formats.read("rows").clips]) == 9
