"""Containers read through ffmpeg: decoded, cut, hostile, stopped; and ffmpeg not installed.

Oracles: the array that ffmpeg was given to encode, and what it decodes to a WAV by itself.
"""

import functools
import os
import shutil
import subprocess
import tracemalloc

import numpy as np
import pytest
import soundfile
from cases import those
from damage import assert_refused, rewrite
from scipy import signal
from sound_files import sound

from vggish_tf import audio
from vggish_tf.audio import audio_info, load_audio, read_blocks, to_mono
from vggish_tf.errors import AudioError

INSTALLED = bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))
needs_ffmpeg = pytest.mark.skipif(
    not INSTALLED, reason="ffmpeg is not installed: apt-get install ffmpeg"
)
FAST = "-movflags +faststart"
LOSSLESS = [("m4a", "alac"), ("mka", "flac"), ("wv", "wavpack")]
# The largest delay that no header takes back is 2048 samples: AAC without an edit list.
LOSSY = [
    ("m4a", "aac"),
    ("mp4", f"aac {FAST}"),
    ("mp4", "aac -movflags +frag_keyframe+empty_moov"),
    ("mov", "aac"),
    ("webm", "libopus"),
    ("webm", "libopus -live 1"),
    ("webm", "libvorbis"),
    ("mka", "aac"),
    ("aac", "aac"),
]

USUAL = ("m4a", "webm", "aac")


def usual(case):
    """One coder in a container that people have, and the stream that has no container."""
    suffix, codec = case
    return suffix in USUAL and " " not in codec


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    """(suffix, codec) → a file of three seconds and its samples, made once. Do not change it."""
    return functools.cache(lambda *kind: make(tmp_path_factory.mktemp("encoded"), *kind))


def make(folder, suffix="m4a", codec="aac", rate=48_000, samples=None):
    """Encodes 16-bit sound; returns the path, without a telling name, and the encoded samples."""
    samples = sound(rate=rate, num_samples=3 * rate) if samples is None else samples
    source, target = folder / "source.wav", folder / f"encoded.{suffix}"
    soundfile.write(source, samples, rate, subtype="PCM_16")
    ffmpeg("-i", source, "-c:a", *codec.split(), target)
    return target.rename(folder / "encoded.bin"), load_audio(source)[0]


@needs_ffmpeg
@pytest.mark.parametrize(("suffix", "codec"), LOSSLESS)
def test_lossless_containers_give_what_was_encoded(encoded, suffix, codec):
    path, samples = encoded(suffix, codec)
    waveform, sample_rate = load_audio(path)
    assert (waveform.dtype, sample_rate) == (np.float32, 48_000)
    np.testing.assert_array_equal(waveform, samples)
    assert audio_info(path).num_samples == len(samples)


@needs_ffmpeg
@pytest.mark.parametrize(("suffix", "codec"), those(usual, LOSSY))
def test_lossy_containers_give_about_what_was_encoded(encoded, suffix, codec):
    path, samples = encoded(suffix, codec)
    waveform, sample_rate = load_audio(path)
    assert (waveform.shape[1], sample_rate) == (2, 48_000)
    assert abs(len(waveform) - len(samples)) <= 4096
    middle = samples[20_000:60_000]
    delayed = waveform[20_000 : 60_000 + 4096, 0]
    best = signal.correlate(delayed, middle[:, 0], mode="valid", method="fft").argmax()
    error = waveform[20_000 + best :][:40_000] - middle
    assert error.std() < 0.2 * samples.std()  # as for the lossy formats of libsndfile


@needs_ffmpeg
@pytest.mark.parametrize(("suffix", "codec"), those(usual, LOSSLESS + LOSSY))
def test_blocks_are_the_whole_and_the_whole_is_ffmpegs(encoded, tmp_path, suffix, codec):
    path, _ = encoded(suffix, codec)
    ffmpeg("-i", path, "-c:a", "pcm_f32le", tmp_path / "decoded.wav")
    expected, rate = load_audio(tmp_path / "decoded.wav")
    np.testing.assert_array_equal(load_audio(path)[0], expected)
    blocks = np.concatenate(list(read_blocks(path, 16_000, 0.013)))
    np.testing.assert_array_equal(blocks, to_mono(expected, rate, 16_000))


@needs_ffmpeg
@pytest.mark.parametrize(("rate", "num_channels"), [(8_000, 1), (44_100, 6)])
def test_rates_and_channels_are_the_files(tmp_path, rate, num_channels):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (rate, num_channels))
    path, samples = make(tmp_path, "mka", "flac", rate, samples)
    assert audio_info(path) == (rate, num_channels, rate, "MATROSKA", "FLAC")
    np.testing.assert_array_equal(load_audio(path)[0], samples)


@needs_ffmpeg
def test_the_sound_of_a_video_is_read(tmp_path):
    soundfile.write(tmp_path / "source.wav", sound(), 16_000)
    picture = ("-f", "lavfi", "-i", "testsrc=duration=4:size=64x64")
    ffmpeg(*picture, "-i", tmp_path / "source.wav", "-c:v", "mpeg4", tmp_path / "video.mp4")
    waveform, _ = load_audio(tmp_path / "video.mp4")
    assert abs(len(waveform) - 40_000) <= 2048
    ffmpeg("-i", tmp_path / "video.mp4", "-an", "-c", "copy", tmp_path / "silent.mp4")
    assert_refused(tmp_path / "silent.mp4", "holds no sound")


@needs_ffmpeg
@pytest.mark.parametrize(
    ("suffix", "codec"), those(usual, [*LOSSLESS, *LOSSY, ("m4a", f"alac {FAST}")])
)
def test_a_container_that_was_cut_is_refused(encoded, tmp_path, suffix, codec):
    whole = encoded(suffix, codec)[0].read_bytes()
    for part in (0.03, 0.5, 0.97):
        (tmp_path / "cut").write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(AudioError, match=r"^\S+/cut: .*cut short"):
            load_audio(tmp_path / "cut")


@needs_ffmpeg
def test_a_matroska_cut_between_two_clusters_is_refused(tmp_path):
    """Only the duration in the header shows it."""
    path, _ = make(tmp_path, "mka", "flac -cluster_time_limit 500")
    cluster = b"\x1f\x43\xb6\x75"
    rewrite(path, lambda data: data[: data.rindex(cluster)])
    assert_refused(path, "cut short")


@needs_ffmpeg
def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path):
    """No error of ffmpeg's shows it."""
    path, _ = make(tmp_path, "mka", "flac")
    duration = b"\x44\x89\x88" + np.array([3_000.0], ">f8").tobytes()
    longer = b"\x44\x89\x88" + np.array([4_000.0], ">f8").tobytes()
    rewrite(path, lambda data: data.replace(duration, longer).replace(b"00:00:03.0", b"00:00:04.0"))
    assert_refused(path, r"the header promises 4\.00 s, the file holds 3\.00 s")


@needs_ffmpeg
@pytest.mark.parametrize(
    ("suffix", "codec"), [("m4a", f"alac {FAST}"), ("mka", "flac"), ("wv", "wavpack")]
)
def test_a_damaged_middle_is_refused(tmp_path, suffix, codec):
    path, _ = make(tmp_path, suffix, codec)
    rewrite(
        path, lambda data: data[: len(data) // 2] + bytes(20_000) + data[len(data) // 2 + 20_000 :]
    )
    assert_refused(path, "damaged")


@needs_ffmpeg
def test_a_container_of_another_kind_is_refused_in_one_line(tmp_path):
    heads = [bytes(4) + b"ftypM4A ", b"\x1aE\xdf\xa3", b"wvpk", b"\xff\xf1"]
    for number, head in enumerate(heads):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(head + np.random.default_rng(number).bytes(5_000))
        assert_refused(path, "cut short|damaged|holds no sound")


@needs_ffmpeg
def test_a_playlist_opens_no_other_file(tmp_path):
    """Neither by its own content, nor behind the mark of a container."""
    make(tmp_path)
    names = {
        "hls.m4a": f"#EXTM3U\n#EXTINF:3,\n{tmp_path}/encoded.bin\n#EXT-X-ENDLIST\n",
        "concat.m4a": f"ffconcat version 1.0\nfile '{tmp_path}/encoded.bin'\n",
        "marked.m4a": f"\0\0\0\x0cftyp#EXTM3U\n{tmp_path}/encoded.bin\n",
    }
    for name, text in names.items():
        (tmp_path / name).write_text(text)
        assert_refused(tmp_path / name, "not audio that libsndfile can read|cut short")


@needs_ffmpeg
@pytest.mark.parametrize(
    "name", ["-i.m4a", "a:b.m4a", "100%.m4a", "pipe:0.m4a", "with 'quotes' and spaces.m4a"]
)
def test_any_name_is_a_file_to_ffmpeg(encoded, tmp_path, monkeypatch, name):
    path, _ = encoded("m4a", "aac")
    monkeypatch.chdir(tmp_path)
    shutil.copy(path, tmp_path / name)
    assert len(load_audio(name)[0])


@pytest.fixture
def processes(monkeypatch):
    """The ffmpeg processes that are started."""
    started = []

    class Remembered(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            started.append(self)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", Remembered)
    return started


@needs_ffmpeg
@pytest.mark.parametrize("stop", ["close", "throw", "forget"])
def test_a_consumer_that_stops_leaves_no_process(tmp_path, processes, stop):
    path, _ = make(tmp_path, "mka", "flac", samples=sound(num_samples=4_000_000))
    processes.clear()
    blocks = read_blocks(path, 16_000, 0.1)
    next(blocks)
    decoder = processes[-1]
    assert decoder.poll() is None, "it is done already: nothing is shown"
    if stop == "throw":
        with pytest.raises(KeyboardInterrupt):
            blocks.throw(KeyboardInterrupt)
    if stop == "close":
        blocks.close()
    del blocks
    assert decoder.returncode is not None  # waited for, so no zombie
    assert decoder.stdout.closed


@needs_ffmpeg
def test_a_file_that_is_read_to_its_end_leaves_no_process(encoded, processes):
    path, _ = encoded("m4a", "aac")
    processes.clear()
    load_audio(path)
    assert len(processes) == 2  # ffprobe and ffmpeg
    assert all(process.returncode == 0 for process in processes)


@needs_ffmpeg
def test_a_decoder_that_is_killed_is_damage_not_the_end(tmp_path, processes):
    path, _ = make(tmp_path, "mka", "flac", samples=sound(num_samples=4_000_000))
    blocks = read_blocks(path, 16_000, 0.1)
    next(blocks)
    processes[-1].kill()
    with pytest.raises(AudioError, match="ffmpeg stopped"):
        list(blocks)


@pytest.mark.slow
@needs_ffmpeg
def test_half_an_hour_is_read_in_constant_memory(tmp_path):
    path, _ = make(tmp_path, "mka", "flac", 16_000, np.zeros((1800 * 16_000, 1), np.int16))
    tracemalloc.start()
    try:
        total = sum(len(block) for block in read_blocks(path, 16_000, 1e9))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 1800 * 16_000
    assert peak < 32e6  # as for libsndfile's files; the half hour is 115 MB


@needs_ffmpeg
def test_embedder_and_suffixes_take_it(encoded, small_networks):
    from vggish_tf import Embedder

    path, samples = encoded("m4a", "alac")
    embedder = Embedder(None)
    np.testing.assert_array_equal(
        embedder.embed_file(path).embedding, embedder(samples, 48_000).embedding
    )
    assert {".m4a", ".webm", ".mp4", ".wav"} <= set(audio.suffixes())


HEADS = {"MP4": b"\0\0\0\x1cftypM4A " + bytes(999), "MATROSKA": b"\x1aE\xdf\xa3" + bytes(999)}


@pytest.mark.parametrize(("name", "head"), HEADS.items())
def test_without_ffmpeg_the_message_says_so(tmp_path, monkeypatch, name, head):
    (tmp_path / "phone.m4a").write_bytes(head)
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    message = (
        f"{name}, which needs ffmpeg, and that is not installed: "
        "apt-get install ffmpeg, or brew install ffmpeg"
    )
    assert_refused(tmp_path / "phone.m4a", message)
    assert ".m4a" not in audio.suffixes()
    assert ".wav" in audio.suffixes()
