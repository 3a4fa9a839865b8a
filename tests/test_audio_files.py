"""Files that are as they should be: every format, whole and in blocks. Damage is in test_audio_damage.py.

Oracles: the array that was written, scipy.io.wavfile for the scale of PCM.
"""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
import soundfile

from vggish_tf.audio import audio_info, load_audio, read_blocks, to_mono

RECORDINGS = Path(__file__).parents[2] / "shared" / "data" / "audio"
LOSSLESS = [
    *[("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")],
    *[(container, "PCM_16") for container in ("WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "VOC")],
    ("AIFF", "FLOAT"),
    ("FLAC", "PCM_24"),
    ("CAF", "ALAC_16"),
    ("AIFF", "DWVW_16"),
]
LOSSY = [
    *[("WAV", subtype) for subtype in ("ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610")],
    ("AIFF", "GSM610"),
    ("AU", "ULAW"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]
MONO_ONLY = ("GSM610", "DWVW_16")
STEP = {"PCM_U8": 2**-7, "FLOAT": 0.0, "DOUBLE": 0.0}  # the others have at least 16 bits


def sound(num_samples=40_000, num_channels=2, rate=16_000):
    """Two tones that differ between channels, with some noise so that no format compresses it to nothing."""
    time = np.arange(num_samples)[:, np.newaxis] / rate
    tones = 0.4 * np.sin(2 * np.pi * time * np.array([440, 660, 880])[:num_channels])
    return (tones + 0.02 * np.random.default_rng(0).standard_normal(tones.shape)).astype(np.float32)


def make(folder, container="WAV", subtype="PCM_16", rate=16_000, samples=None):
    """Writes a file of a container and subtype; returns its path and what was written."""
    samples = sound(num_channels=1 if subtype in MONO_ONLY else 2) if samples is None else samples
    path = folder / f"{container}_{subtype}.bin"  # the content says what it is, not the name
    soundfile.write(path, samples, rate, format=container, subtype=subtype)
    return path, samples


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS)
def test_lossless_formats_give_what_was_written(tmp_path, container, subtype):
    path, samples = make(tmp_path, container, subtype, rate=44_100)
    waveform, sample_rate = load_audio(path)
    assert (waveform.dtype, waveform.shape, sample_rate) == (np.float32, samples.shape, 44_100)
    np.testing.assert_allclose(waveform, samples, rtol=0, atol=STEP.get(subtype, 2**-15))


@pytest.mark.parametrize(("container", "subtype"), LOSSY)
def test_lossy_formats_give_about_what_was_written(tmp_path, container, subtype):
    path, samples = make(tmp_path, container, subtype)
    waveform, _ = load_audio(path)
    assert 0 <= len(waveform) - len(samples) < 1024  # ADPCM fills its last block
    error = waveform[: len(samples)] - samples
    assert error.std() < 0.2 * samples.std()  # 14 dB, and 3 dB worse than no signal at all if channels were swapped


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS + LOSSY)
@pytest.mark.parametrize("block_seconds", [0.013, 0.7, 10.0])
def test_blocks_of_a_file_are_the_whole_file_bit_for_bit(tmp_path, container, subtype, block_seconds):
    path, _ = make(tmp_path, container, subtype, rate=8000 if subtype == "GSM610" else 48_000)
    blocks = list(read_blocks(path, 16_000, block_seconds))
    assert all(len(block) for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), to_mono(*load_audio(path), 16_000))


@pytest.mark.parametrize(
    ("dtype", "divisor", "offset"), [(np.int16, 2**15, 0), (np.int32, 2**31, 0), (np.uint8, 2**7, 128)]
)
def test_pcm_has_the_scale_of_upstream(tmp_path, dtype, divisor, offset):
    limits = np.iinfo(dtype)
    written = np.linspace(limits.min, limits.max, 1000).astype(dtype)
    scipy.io.wavfile.write(tmp_path / "pcm.wav", 16_000, written)
    _, read = scipy.io.wavfile.read(tmp_path / "pcm.wav")
    waveform, _ = load_audio(tmp_path / "pcm.wav")
    expected = (read.astype(np.float64) - offset) / divisor
    np.testing.assert_allclose(waveform[:, 0], expected, rtol=0, atol=6e-8)  # half a float32 step at 1
    assert waveform.min() == -1


@pytest.mark.parametrize("num_channels", [1, 3, 8, 255])
@pytest.mark.parametrize("rate", [250, 11_025, 250_000, 2_000_000])
def test_any_number_of_channels_at_any_rate(tmp_path, num_channels, rate):
    samples = np.random.default_rng(0).uniform(-1, 1, (3000, num_channels))
    path, _ = make(tmp_path, "WAV", "FLOAT", rate, samples)
    mono = np.concatenate(list(read_blocks(path, 16_000)))
    assert abs(len(mono) - 3000 * 16_000 / rate) <= 1
    np.testing.assert_array_equal(mono, to_mono(samples, rate, 16_000))


def test_float_files_are_not_clipped(tmp_path):
    samples = np.array([[2.5, -3.0]], np.float32)
    np.testing.assert_array_equal(load_audio(make(tmp_path, "WAV", "FLOAT", samples=samples)[0])[0], samples)


def test_info_says_what_the_header_says(tmp_path):
    assert audio_info(make(tmp_path, "FLAC", "PCM_24", 44_100)[0]) == (44_100, 2, 40_000, "FLAC", "PCM_24")


@pytest.mark.parametrize("name", ["bus_chatter.wav", "mg-1634.opus", "mg-1648.opus", "mubert-806.opus"])
def test_real_recordings(name):
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout, in shared/data/audio")
    waveform, sample_rate = load_audio(str(path))
    info = audio_info(path)
    assert (info.sample_rate, info.num_channels, info.num_samples) == (sample_rate, *waveform.shape[::-1])
    assert 0.001 < waveform.std() < 1
    np.testing.assert_array_equal(
        np.concatenate(list(read_blocks(path, 16_000, 1.234))), to_mono(waveform, sample_rate, 16_000)
    )


@pytest.mark.parametrize("block_seconds", [10, 1e9])
def test_an_hour_is_read_in_constant_memory(tmp_path, block_seconds):
    path, _ = make(tmp_path, "FLAC", "PCM_16", 44_100, np.zeros((3600 * 44_100, 1), np.int16))
    tracemalloc.start()
    try:
        total = sum(len(block) for block in read_blocks(path, 16_000, block_seconds))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 3600 * 16_000
    assert peak < 32e6  # the hour is 635 MB; the largest block, 2^20 samples, is 4 MB, and its float64 mean 8 MB
