"""Lines and bars while clips are embedded: a bar on a terminal, two lines where there is none."""

import io
import re

import pytest
import soundfile
from terminals import Terminal

from vggish_tf.jobs.embed import Failure, embed_archive
from vggish_tf.jobs.embed.progress import Bar


@pytest.fixture
def said(monkeypatch):
    """A function of a stream in the place of standard error; it runs a bar and returns the text."""

    def run(stream, total=lambda: 5400.0):
        monkeypatch.setattr("sys.stderr", stream)
        now = iter(range(1000))
        monkeypatch.setattr("time.monotonic", lambda: next(now))
        bar = Bar()
        bar.begin(4, 1, 0, total)
        bar._bar.mininterval = 0  # draws each change
        for number in range(3):
            bar.decoded(1800)
            bar.failed(Failure("b", "AudioError", "b is bad")) if number == 1 else bar.done("a", 3)
        bar.end([Failure("b", "AudioError", "b is bad")], {})
        return stream.getvalue()

    return run


def frames_of(text: str) -> list[str]:
    return [frame.strip() for frame in re.split(r"[\r\n]", text) if frame.strip()]


def test_a_terminal_shows_sound_speed_time_left_clips_and_failures(said, capsys):
    frames = frames_of(said(Terminal()))
    assert re.fullmatch(r"0%\| +\| 0/5,400 s of sound, \? left", frames[0])
    assert "b is bad" in frames
    speed = r", [\d,]+× real time, 00:00 left, 4/4 clips, 1 failed"
    assert re.fullmatch(r"100%\|#+\| 5,400/5,400 s of sound" + speed, frames[-1])
    first, last = capsys.readouterr().out.splitlines()
    assert first == "4 clips, 1 of them done before"
    assert re.fullmatch(r"3 of 4 clips embedded, [\d,]+ times real time", last)


def test_without_a_terminal_only_the_failures_are_said(said):
    assert said(io.StringIO()).splitlines() == ["b is bad"]


def test_the_seconds_are_those_of_the_sound(sounds, embedder):
    bar = Bar()
    embed_archive([sounds], "rows", embedder, progress=bar)
    assert bar._seconds == 4 * (1 + 2 + 3)


def test_without_headers_the_total_is_estimated_from_the_clips_that_are_done(said):
    """Of three clips to embed one is done, 1,800 s long: all would have 5,400 s."""
    frames = frames_of(said(Terminal(), total=lambda: None))
    assert frames[0] == "0 s of sound"
    assert any("1,800/5,400 s of sound" in frame for frame in frames)
    assert re.search(r"5,400/5,400 s of sound.*, 4/4 clips", frames[-1])


def test_the_total_is_that_of_the_headers(sounds):
    from vggish_tf.jobs.embed import inputs
    from vggish_tf.jobs.embed.clips import Clip, seconds_of

    clips = inputs.find([str(sounds)])
    expected = sum(soundfile.info(clip.file).duration for clip in clips)
    assert seconds_of(clips) == pytest.approx(expected)
    assert seconds_of([Clip("a", clips[0].file, 1.0, 1.5), *clips]) == pytest.approx(expected + 0.5)
    assert seconds_of([*clips, Clip("shard::a", "shard.tar", part=("member", 0, 9))]) is None


def test_a_run_within_one_tick_of_the_clock_has_no_speed(monkeypatch, capsys):
    monkeypatch.setattr("time.monotonic", lambda: 7.0)
    bar = Bar()
    bar.begin(2, 2, 0, lambda: 0.0)
    bar.end([], {})
    bar.begin(2, 0, 0, lambda: 2.0)
    bar.decoded(2.0)
    bar.end([], {})
    assert capsys.readouterr().out.count("2 of 2 clips embedded\n") == 2
