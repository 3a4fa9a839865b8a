"""Stretches of files: the samples of the whole file's decoding, without decoding all of it."""

import numpy as np
import pytest
import soundfile

from vggish_tf.audio import load_audio, read_stretch, sound_file, to_mono
from vggish_tf.errors import AudioError

# The resampler sums the same products in other groups; seen: 2.4e-7 at level 1.
ATOL = 1e-6
SECONDS = 8
FILES = {
    "16.wav": "PCM_16", "24.wav": "PCM_24", "float.wav": "FLOAT", "u8.wav": "PCM_U8",
    "law.au": "ULAW", "adpcm.wav": "IMA_ADPCM", "x.flac": "PCM_16", "x.aiff": "PCM_24",
    "x.caf": "PCM_16", "x.w64": "PCM_16", "x.ogg": "VORBIS", "x.mp3": "MPEG_LAYER_III",
}  # fmt: skip
STRETCHES = [(0, None), (0, 1), (0.5, 1.5), (1, 3.25), (2.00001, 4), (5.3333, None), (7.9, 20)]


def write(path, rate, subtype):
    """Noise at two levels, so that a sample in another place shows."""
    noise = np.random.default_rng(0).uniform(-0.7, 0.7, (SECONDS * rate, 2))
    soundfile.write(path, noise * np.linspace(0.2, 1, len(noise))[:, None], rate, subtype=subtype)
    return path


@pytest.mark.thorough
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000, 22_050])
@pytest.mark.parametrize("name", FILES)
def test_a_stretch_is_a_slice_of_the_whole(name, rate, tmp_path):
    path = write(tmp_path / name, rate, FILES[name])
    whole = to_mono(*load_audio(path), 16_000)
    for start, end in STRETCHES:
        found = np.concatenate(list(read_stretch(path, 16_000, start, end)))
        last = None if end is None else round(end * 16_000)
        expected = whole[round(start * 16_000) : last]
        np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL)
        if start <= 1:  # from the beginning on: to the last bit
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("name", "seconds"), [("16.wav", 2), ("x.flac", 2), ("x.ogg", 6)])
def test_what_lies_before_is_not_decoded_where_that_is_exact(name, seconds, tmp_path, monkeypatch):
    path = write(tmp_path / name, 44_100, FILES[name])
    read, lengths = soundfile.SoundFile.read, []

    def counted(self, *args, **options):
        block = read(self, *args, **options)
        lengths.append(len(block))
        return block

    monkeypatch.setattr(sound_file._Sound, "read", counted)
    list(read_stretch(path, 16_000, 5, 6, block_seconds=0.1))
    assert seconds - 0.2 < sum(lengths) / 44_100 < seconds + 0.2


@pytest.mark.parametrize("name", ["16.wav", "x.flac", "x.ogg"])
@pytest.mark.parametrize("start", [8, 9, 1000])
def test_a_stretch_behind_the_end_is_an_error(name, start, tmp_path):
    path = write(tmp_path / name, 44_100, FILES[name])
    with pytest.raises(AudioError, match=rf"/{name}: no samples from {start} s on\."):
        list(read_stretch(path, 16_000, start, None))


def test_a_stretch_under_half_a_sample_says_where_it_ends(tmp_path):
    path = write(tmp_path / "c.wav", 16_000, "PCM_16").rename(tmp_path / "c")
    with pytest.raises(AudioError, match=r"/c: no samples from 0\.5 s to 0\.50001 s\.$"):
        list(read_stretch(path, 16_000, 0.5, 0.50001))


@pytest.mark.parametrize("name", ["16.wav", "x.flac"])
def test_damage_in_a_stretch_is_an_error_still(name, tmp_path):
    path = write(tmp_path / name, 44_100, FILES[name])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(AudioError, match="cut short"):
        list(read_stretch(path, 16_000, 5, None))
