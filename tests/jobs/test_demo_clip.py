"""The package's clip: readable, small, as its table says, all sounds different; its script."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import make_demo_clip
import numpy as np
import places
import pytest
import soundfile

import vggish_tf
from vggish_tf.drawing.pictures import read_segments

DATA = Path(vggish_tf.__file__).parent / "data"
SCRIPT = places.ROOT / "scripts" / "make_demo_clip.py"
TABLE = json.loads((DATA / "demo.json").read_text(encoding="utf-8"))
SEGMENTS = read_segments(DATA / "demo.json")
MOST_BYTES = 600_000
needs_programs = pytest.mark.skipif(
    not (
        shutil.which("espeak-ng")
        and shutil.which("fluidsynth")
        and Path(make_demo_clip.synthesizers.SOUND_FONT).is_file()
    ),
    reason="espeak-ng, fluidsynth or fluid-soundfont-gm is not installed",
)


def run_script(*arguments, **options):
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def clip():
    return soundfile.read(DATA / "demo.flac")


def segment_samples(clip, segment):
    samples, rate = clip
    return samples[round(segment.start * rate) : round(segment.end * rate)]


def centroid(samples, rate):
    """The mean frequency in Hz, weighted by power."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    return np.sum(np.fft.rfftfreq(len(samples), 1 / rate) * power) / power.sum()


def test_the_file_is_small_and_as_the_table_says(clip):
    samples, rate = clip
    assert (DATA / TABLE["clip"]).stat().st_size < MOST_BYTES
    assert (len(samples), rate) == (TABLE["num_samples"], TABLE["sample_rate"])
    assert samples.ndim == 1
    assert "FluidR3" in TABLE["licence"]


def test_the_segments_are_whole_examples_and_fill_the_clip(clip):
    samples, rate = clip
    assert [segment.start for segment in SEGMENTS] == [
        0.0,
        *(segment.end for segment in SEGMENTS[:-1]),
    ]
    examples = np.array([(segment.end - segment.start) / 0.96 for segment in SEGMENTS])
    np.testing.assert_allclose(examples, examples.round(), atol=1e-9)
    # room for the last window, not for one more example
    assert 0.015 < len(samples) / rate - SEGMENTS[-1].end < 0.1


def test_at_16_khz_the_clip_gives_an_example_for_each_table_row_of_0_96_seconds(clip):
    samples, rate = clip
    num_frames = 1 + (len(samples) * 16_000 // rate - 400) // 160
    assert num_frames // 96 == round(SEGMENTS[-1].end / 0.96) == 20


@pytest.mark.parametrize("segment", SEGMENTS, ids=lambda segment: segment.label)
def test_every_sound_is_heard_and_not_clipped(clip, segment):
    samples = segment_samples(clip, segment)
    assert np.sqrt(np.mean(samples**2)) > 0.05
    assert np.abs(samples).max() < 0.75


def test_the_sounds_differ(clip):
    centroids = {
        segment.label: centroid(segment_samples(clip, segment), clip[1]) for segment in SEGMENTS
    }
    assert centroids["birds"] > 2500
    assert centroids["rain"] > 2500
    assert centroids["piano"] < 600
    ordered = np.sort(list(centroids.values()))
    assert (np.diff(ordered) > 0.02 * ordered[:-1]).all(), centroids


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "00"),
        (0x7F, "7f"),
        (0x80, "8100"),
        (0x3FFF, "ff7f"),
        (0x4000, "818000"),
        (0x0FFFFFFF, "ffffff7f"),
    ],
)
def test_midi_numbers_are_those_of_the_specification(value, expected):
    # the table in the Standard MIDI Files specification
    assert make_demo_clip.synthesizers.midi_number(value).hex() == expected


def test_a_missing_program_is_one_line_that_names_the_package(tmp_path):
    result = run_script("-o", str(tmp_path / "clip.flac"), env={"PATH": str(tmp_path)})
    assert result.returncode == 1
    assert (
        result.stderr
        == "make_demo_clip: espeak-ng was not found. Install it: apt-get install espeak-ng\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_missing_sound_font_is_one_line_that_names_the_package():
    with pytest.raises(vggish_tf.VGGishError, match="apt-get install fluid-soundfont-gm"):
        make_demo_clip.play([], make_demo_clip.PIANO, Path("no-such-font.sf2"))


@needs_programs
def test_the_script_makes_the_same_clip_twice_and_nothing_else(tmp_path):
    result = run_script("-o", str(tmp_path / "first.flac"))
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.flac", "first.json"]
    made, segments = make_demo_clip.make_clip()
    np.testing.assert_array_equal(soundfile.read(tmp_path / "first.flac", dtype="int16")[0], made)
    assert (
        json.loads((tmp_path / "first.json").read_text())["segments"]
        == segments
        == TABLE["segments"]
    )
    shipped, rate = soundfile.read(DATA / "demo.flac", dtype="int16")
    # siren, birds and rain come from NumPy alone; the rest from other programs
    own = slice(round(11.52 * rate), None)
    # another libm may round apart
    np.testing.assert_allclose(made[own].astype(int), shipped[own].astype(int), atol=2)


def test_without_o_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        make_demo_clip, "make_clip", lambda sound_font: (np.zeros(9, np.int16), TABLE["segments"])
    )
    assert make_demo_clip.main([]) == 0
    assert "not written: no -o" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
