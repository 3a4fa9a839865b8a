"""Lines and bars while clips are embedded: a bar on a terminal, two lines where there is none."""

import io
import re

import pytest

from vggish_tf.jobs.embed import Failure, embed_archive
from vggish_tf.jobs.embed.progress import Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def said(monkeypatch):
    """A function of a stream in the place of standard error; it runs a bar and returns the text."""

    def run(stream):
        monkeypatch.setattr("sys.stderr", stream)
        now = iter(range(1000))
        monkeypatch.setattr("time.monotonic", lambda: next(now))
        bar = Bar()
        bar.begin(4, 1, 0)
        bar._bar.mininterval = bar._bar.miniters = 0  # draws each change
        for number in range(3):
            bar.heard(1800)
            bar.failed(Failure("b", "AudioError", "b is bad")) if number == 1 else bar.done("a", 3)
        bar.end([Failure("b", "AudioError", "b is bad")])
        return stream.getvalue()

    return run


def test_a_terminal_shows_clips_hours_speed_time_left_and_failures(said, capsys):
    frames = [frame.strip() for frame in re.split(r"[\r\n]", said(Terminal())) if frame.strip()]
    assert frames[0] == "25% 1 of 4 clips, ? left"
    assert "b is bad" in frames
    pattern = r"100% 4 of 4 clips, 1\.50 h, [\d,]+ times real time, 1 failed, 00:00 left"
    assert re.fullmatch(pattern, frames[-1])
    first, last = capsys.readouterr().out.splitlines()
    assert first == "4 clips, 1 of them done before"
    assert re.fullmatch(r"3 of 4 clips embedded, [\d,]+ times real time", last)


def test_without_a_terminal_only_the_failures_are_said(said):
    assert said(io.StringIO()).splitlines() == ["b is bad"]


def test_the_seconds_are_those_of_the_sound(sounds, embedder):
    bar = Bar()
    embed_archive([sounds], "rows", embedder, progress=bar)
    assert bar._seconds == 4 * (1 + 2 + 3)
