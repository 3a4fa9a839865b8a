"""Intact sound files: every format, whole and in blocks. Damage is in test_damage.py.

Oracles: the array that was written, scipy.io.wavfile for the scale of PCM.
"""

import tracemalloc

import numpy as np
import places
import pytest
import scipy.io.wavfile
from sound_files import LOSSLESS, LOSSY, make

from vggish_tf.audio import audio_info, load_audio, read_blocks, to_mono

RECORDINGS = places.SHARED_DATA / "audio"
STEP = {"PCM_U8": 2**-7, "FLOAT": 0.0, "DOUBLE": 0.0}  # the others have at least 16 bits


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
    # 14 dB, and 3 dB worse than no signal at all if channels were swapped
    assert error.std() < 0.2 * samples.std()


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS + LOSSY)
@pytest.mark.parametrize("block_seconds", [0.013, 0.7, 10.0])
def test_blocks_of_a_file_are_the_whole_file_bit_for_bit(
    tmp_path, container, subtype, block_seconds
):
    path, _ = make(tmp_path, container, subtype, rate=8000 if subtype == "GSM610" else 48_000)
    blocks = list(read_blocks(path, 16_000, block_seconds))
    assert all(len(block) for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), to_mono(*load_audio(path), 16_000))


@pytest.mark.parametrize(
    ("dtype", "divisor", "offset"),
    [(np.int16, 2**15, 0), (np.int32, 2**31, 0), (np.uint8, 2**7, 128)],
)
def test_pcm_has_the_scale_of_upstream(tmp_path, dtype, divisor, offset):
    limits = np.iinfo(dtype)
    written = np.linspace(limits.min, limits.max, 1000).astype(dtype)
    scipy.io.wavfile.write(tmp_path / "pcm.wav", 16_000, written)
    _, read = scipy.io.wavfile.read(tmp_path / "pcm.wav")
    waveform, _ = load_audio(tmp_path / "pcm.wav")
    expected = (read.astype(np.float64) - offset) / divisor
    # half a float32 step at 1
    np.testing.assert_allclose(waveform[:, 0], expected, rtol=0, atol=6e-8)
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
    np.testing.assert_array_equal(
        load_audio(make(tmp_path, "WAV", "FLOAT", samples=samples)[0])[0], samples
    )


def test_info_says_what_the_header_says(tmp_path):
    assert audio_info(make(tmp_path, "FLAC", "PCM_24", 44_100)[0]) == (
        44_100,
        2,
        40_000,
        "FLAC",
        "PCM_24",
    )


@pytest.mark.parametrize(
    "name", ["bus_chatter.wav", "mg-1634.opus", "mg-1648.opus", "mubert-806.opus"]
)
def test_real_recordings_have_what_their_headers_promise(name):
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout, in shared/data/audio")
    waveform, sample_rate = load_audio(str(path))
    info = audio_info(path)
    assert (info.sample_rate, info.num_channels, info.num_samples) == (
        sample_rate,
        *waveform.shape[::-1],
    )
    assert 0.001 < waveform.std() < 1
    np.testing.assert_array_equal(
        np.concatenate(list(read_blocks(path, 16_000, 1.234))),
        to_mono(waveform, sample_rate, 16_000),
    )


@pytest.mark.slow
@pytest.mark.parametrize("block_seconds", [1e9, 10])
def test_an_hour_is_read_in_constant_memory(tmp_path, block_seconds):
    path, _ = make(tmp_path, "FLAC", "PCM_16", 44_100, np.zeros((3600 * 44_100, 1), np.int16))
    tracemalloc.start()
    try:
        total = sum(len(block) for block in read_blocks(path, 16_000, block_seconds))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 3600 * 16_000
    # the hour is 635 MB; the largest block, 2^20 samples, is 4 MB, and its float64 mean 8 MB
    assert peak < 32e6
