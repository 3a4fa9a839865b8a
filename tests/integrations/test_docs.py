"""docs/beam.md is true: its commands run."""

import re
import shlex

import places
import pytest

from vggish_tf import cli, formats

pytestmark = pytest.mark.thorough

pytest.importorskip("apache_beam", reason="Apache Beam is absent: the extra `beam`")


def test_every_command_of_the_page_runs(sounds, embedder, tmp_path):
    (sounds / "bad.wav").unlink()
    page = (places.ROOT / "docs" / "beam.md").read_text(encoding="utf-8")
    lines = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).splitlines()
    assert lines.pop(0) == "pip install '.[beam]'"
    assert len(lines) == 2
    for line in lines:
        arguments = shlex.split(line, comments=True)[1:]
        place = arguments.index("--beam")
        weights = ["--weights", str(tmp_path / "small.keras")]
        assert cli.main([*arguments[:place], *weights, *arguments[place:]]) == 0, line
    assert len([*formats.read("rows").clips]) == 9
