"""Embedded sounds against what soundfile reads, log-mels against the reference, and the limits."""

import io

import archives
import numpy as np
import pytest
import signals
import soundfile

from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.map import segments, sounds
from vggish_tf.profiles import DEFAULT, named
from vggish_tf.reference import vggish_input
from vggish_tf.rows import Archive

PROFILE = named(DEFAULT)
STEP = 2.0**-15  # of 16 bits


def found_in(clips):
    return segments.read(Archive(clips, {}))


def rows(path, count, first=0.0):
    return archives.clip(path, archives.normal(count, 128), first)


@pytest.fixture
def demo(tmp_path):
    """The first 11.5 s of the demo clip as a file, whose rows are in two stretches with a gap."""
    path = tmp_path / "demo.wav"
    soundfile.write(path, signals.demo_clip()[: 12 * 15_360 + 240], signals.RATE, subtype="FLOAT")
    found = found_in([rows("demo.wav", 5), rows("none.wav", 1), rows("demo.wav", 4, 8 * 0.96)])
    return found, [path, None]


def test_the_stretches_that_segments_cover_are_embedded_once(demo):
    found, files = demo
    heard = sounds.read(found, files, PROFILE, embed=True, log_mel=False)
    assert heard.clip.tolist() == [0] * 5 + [-1] + [1] * 4
    assert heard.clip_start.tolist() == pytest.approx([0, 8 * 0.96])
    whole = signals.demo_clip()
    for data, start, count in zip(heard.clips, heard.clip_start, (5, 4), strict=True):
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
        first = round(start * signals.RATE)
        assert rate == signals.RATE
        assert len(samples) == count * 15_360 + 240
        np.testing.assert_allclose(samples, whole[first : first + len(samples)], atol=STEP)
    assert heard.log_mel is None


def test_log_mels_are_those_of_the_reference(demo):
    found, files = demo
    heard = sounds.read(found, files, PROFILE, embed=False, log_mel=True)
    reference = vggish_input.waveform_to_examples(
        signals.demo_clip()[: 12 * 15_360 + 240].astype(np.float64), signals.RATE
    )
    expected = np.concatenate([reference[:5], reference[8:12]])
    step = (heard.high - heard.low) / 254
    values = heard.low + (heard.log_mel.astype(np.float64) - 1) * step
    there = [number for number in range(10) if number != 5]
    np.testing.assert_allclose(values[there], expected, atol=0.51 * step)
    assert (heard.log_mel[5] == 0).all()
    assert (heard.log_mel[there] > 0).all()
    assert (heard.clips, heard.low) == ([], pytest.approx(expected.min(), abs=1e-4))


def test_rows_of_whole_clips_have_their_mean_spectrum(tmp_path):
    """Of 4.8 s in 96 columns, each is the mean of five frames."""
    sound = signals.demo_clip()[: 5 * 15_360 + 240]
    soundfile.write(tmp_path / "a.wav", sound, signals.RATE, subtype="FLOAT")
    pooled = rows("a.wav", 5).pooled("mean")
    heard = sounds.read(found_in([pooled]), [tmp_path / "a.wav"], PROFILE, False, True)
    frames = vggish_input.waveform_to_examples(sound.astype(np.float64), signals.RATE)
    expected = frames.reshape(96, 5, 64).mean(axis=1)
    step = (heard.high - heard.low) / 254
    values = heard.low + (heard.log_mel[0].astype(np.float64) - 1) * step
    np.testing.assert_allclose(values, expected, atol=0.51 * step)


@pytest.mark.parametrize("frames", [1, 50, 95, 96, 97, 1000])
def test_any_number_of_frames_fits(frames):
    values = np.random.default_rng(0).normal(size=(2, frames, 3))
    found = sounds.fitted(values, 96)
    assert found.shape == (2, 96, 3)
    assert found.min() >= values.min() - 1e-9
    assert found.max() <= values.max() + 1e-9
    if frames == 96:
        np.testing.assert_allclose(found, values, atol=1e-9)


def test_a_row_beyond_the_end_of_its_file_is_filled_with_zeros(tmp_path):
    soundfile.write(tmp_path / "a.wav", signals.demo_clip()[:20_000], signals.RATE)
    heard = sounds.read(found_in([rows("a.wav", 2)]), [tmp_path / "a.wav"], PROFILE, True, True)
    assert heard.log_mel[1, 40:].max() == 1  # the logarithm of the offset, the lowest value
    assert heard.log_mel[1, :20].max() > 1


def test_damaged_files_are_said_and_the_others_read(tmp_path):
    soundfile.write(tmp_path / "a.wav", signals.demo_clip()[:20_000], signals.RATE)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    found = found_in([rows("a.wav", 1), rows("b.wav", 1), rows("a.wav", 1, 900.0)])
    heard = sounds.read(found, [tmp_path / "a.wav", tmp_path / "b.wav"], PROFILE, True, True)
    assert heard.clip.tolist() == [0, -1, -1]
    assert len(heard.failures) == 2
    assert heard.log_mel.max(axis=(1, 2)).astype(bool).tolist() == [True, False, False]
    with pytest.raises(VGGishError, match=r"no sound could be read: .*b\.wav"):
        sounds.read(found_in([rows("b.wav", 1)]), [tmp_path / "b.wav"], PROFILE, True, False)


def test_segments_without_a_time_have_no_sound(tmp_path):
    soundfile.write(tmp_path / "a.wav", signals.demo_clip()[:20_000], signals.RATE)
    clip = rows("a.wav", 3)
    start = np.array([np.nan, 0, -1])
    found = found_in([clip._replace(start=start, end=start + 0.96)])
    heard = sounds.read(found, [tmp_path / "a.wav"], PROFILE, True, True)
    assert heard.clip.tolist() == [-1, 0, -1]
    assert heard.log_mel.max(axis=(1, 2)).astype(bool).tolist() == [False, True, False]
    nowhere = found._replace(start=np.full(3, np.nan))
    with pytest.raises(VGGishError, match="no segment of the existing files has a time"):
        sounds.read(nowhere, [tmp_path / "a.wav"], PROFILE, True, True)


@pytest.mark.parametrize("end", [np.nan, np.inf])
def test_ends_that_nobody_knows_are_an_example_later(end):
    clip = rows("a.wav", 1)
    found = found_in([clip._replace(end=np.array([end]))])
    (piece,) = sounds.pieces_of(found, PROFILE.params)
    assert (piece.start, piece.end) == (0, 0.96)


def check(found, embed, log_mel, places=(True,)):
    sounds.check(found, [*places], PROFILE, embed, log_mel)


def test_the_limits_are_numbers_in_the_message():
    seconds, rows_ = sounds.MOST_SECONDS, sounds.MOST_LOG_MELS
    fitting = found_in([rows("a.wav", int(seconds / 0.96))])
    check(fitting, True, True)
    more = found_in([rows("a.wav", int(seconds / 0.96) + 1)])
    check(more, False, True)
    with pytest.raises(UsageError, match=r"at most 20 minutes.* have 20\.0 \(38 MB in 16 bits\)"):
        check(more, True, True)
    check(found_in([rows("a.wav", rows_)]), False, True)
    with pytest.raises(UsageError, match=r"at most 5,000 segments; the archive has 5,001 \(31 MB"):
        check(found_in([rows("a.wav", rows_ + 1)]), False, True)
    check(found_in([rows("a.wav", rows_ + 1)]), False, False)


def test_overlapping_segments_count_once():
    clip = rows("a.wav", 2000)
    start = np.arange(2000) * 0.48
    found = found_in([clip._replace(start=start, end=start + 0.96)])
    check(found, True, True)


def test_sounds_that_are_not_there_are_said_before_the_work():
    found = found_in([rows("s/a.wav", 1)])
    check(found, False, False, [None])
    with pytest.raises(VGGishError, match=r"none of 1 file was found, such as 's/a\.wav'.*--audio"):
        check(found, True, True, [None])
