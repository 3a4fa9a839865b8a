"""The page of inspect(): dark pictures, the player, and captions."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from webpage import Page, write_tones

from vggish_tf import Params
from vggish_tf.jobs.inspect import page as pages
from vggish_tf.jobs.inspect import report

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    """The result of inspect() on the same file, and its page."""
    folder = tmp_path_factory.mktemp("inspected")
    result = report.inspect(write_tones(folder), output=folder / "report.html")
    return result, Page(folder / "report.html")


@pytest.mark.slow  # every picture twice
def test_a_dark_window_gets_dark_pictures_and_paper_light_ones(inspected):
    _, page = inspected
    dark, narrow = "(prefers-color-scheme: dark)", "(max-width: 600px)"
    sources = [f"screen and {dark} and {narrow}", f"screen and {narrow}", f"screen and {dark}"]
    assert [media for media in page.media if media] == sources * 6  # the first that fits is taken
    grounds = [picture.convert("RGB").getpixel((0, 0)) for picture in page.pictures()]
    ground = re.search(r"prefers-color-scheme: dark.*?--page: #(\w+)", page.source, re.DOTALL)[1]
    dark_ground, white = tuple(bytes.fromhex(ground)), (255, 255, 255)
    assert grounds == [dark_ground, white, dark_ground, white] * 6
    means = [np.asarray(picture.convert("L")).mean() for picture in page.pictures()]
    assert max(means[::2]) < 100
    assert all(light > dark + 60 for dark, light in zip(means[::2], means[1::2], strict=True))


def test_the_player_plays_the_recording(inspected):
    result, page = inspected
    (sound,) = page.inside("audio/mpeg")
    played, rate = soundfile.read(io.BytesIO(sound))
    assert (rate, sound[:1]) == (16_000, b"\xff")
    assert abs(len(played) - len(result.waveform)) < 3 * 1152
    tone = 2 * np.abs(np.fft.rfft(played[8000:24_000])) / 16_000  # a second: 1 Hz a bin
    assert (tone.argmax(), tone.max()) == (1000, pytest.approx(0.4, rel=0.1))  # MP3 is 8 % off
    assert len(sound) < 30_000


def test_a_rate_that_no_player_knows_is_resampled_and_long_recordings_have_no_player(inspected):
    stages = inspected[0]._replace(params=Params(sample_rate=100_000))
    seconds = np.arange(200_000) / 100_000
    stages = stages._replace(waveform=np.sin(2 * np.pi * 440 * seconds).astype(np.float32))
    encoded = re.search(r"base64,([^\"]+)", pages._player(stages))[1]
    played, rate = soundfile.read(io.BytesIO(base64.b64decode(encoded)))
    assert rate == 48_000
    assert np.abs(np.fft.rfft(played[24_000:72_000])).argmax() == 440
    for minutes, said in (
        (5.0, "48,000 Hz, MP3"),
        (5.1, "lasts 5.1 minutes, and a page holds up to 5"),
    ):
        waveform = np.zeros(round(6_000_000 * minutes), np.float32)
        html = pages._player(stages._replace(waveform=waveform))
        assert said in html
        assert ("<audio" in html) == (minutes == 5.0)


def test_captions_say_what_is_seen(inspected):
    spectrum, waveform, stft, filters, scale, log_mel = inspected[1].captions
    assert "strongest at 1 kHz; half of it lies below" in spectrum
    assert "Marked as removed: above 8 kHz, 20 % (−7.0 dB)." in spectrum
    assert waveform.startswith("Amplitude over 3.00 s: the peak is 0.4")
    assert "mean level -11 dBFS" in waveform  # 0.4²/2
    assert (
        "and 1 kHz, with -8 dBFS; nine tenths of the energy lie between 969 Hz and 1.03 kHz" in stft
    )
    assert filters.startswith("64 triangles over frequency, the first with its peak at 155 Hz")
    assert "to 2734 mel at 7.22 kHz" in scale
    assert "on average mel bin 19 (" in log_mel  # DESIGN, section 3: the largest is in bin 19
