"""Damaged files: cut short, false headers, no numbers, no audio. Each raises an AudioError.

Oracles: byte counts made by hand, and the same file undamaged. libsndfile's log is read for the
sizes that a header declares; the cut files below are what holds its wording.
"""

import ctypes
import os
import re
import struct

import numpy as np
import pytest
import soundfile
from damage import assert_refused, rewrite
from sound_files import LOSSLESS, LOSSY, make, sound

from vggish_tf.audio import audio_info, load_audio, read_blocks
from vggish_tf.errors import AudioError, UsageError


def put(path, place, layout, *values):
    """Overwrites a field of a header."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, place, *values)
    path.write_bytes(data)
    return path


# the last two frames of an MP3 may be missing unseen
@pytest.mark.parametrize("part", [0.03, 0.5, 0.9])
@pytest.mark.parametrize(("container", "subtype"), LOSSLESS + LOSSY)
def test_a_file_that_was_cut_is_refused(tmp_path, container, subtype, part):
    path, _ = make(tmp_path, container, subtype)
    rewrite(path, lambda data: data[: int(len(data) * part)])
    assert_refused(path, "cut short|damaged")


def test_the_message_has_the_figures(tmp_path):
    path, _ = make(tmp_path, "WAV", "PCM_16")  # 40,000 samples of 4 bytes, behind a header of 44
    rewrite(path, lambda data: data[: 44 + 80_000])
    assert_refused(
        path,
        "the header promises 160,000 bytes, the file holds 80,000. It may be cut short: copy it "
        "again",
    )
    with pytest.raises(AudioError, match="promises 160,000 bytes"):
        audio_info(path)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_cut_between_two_pages_is_refused(tmp_path, subtype):
    path, _ = make(tmp_path, "OGG", subtype)
    assert_refused(
        rewrite(path, lambda data: data[: data.rindex(b"OggS")]), "the last Ogg page is missing"
    )


def test_blocks_before_a_late_discovery_are_not_all_there_is(tmp_path):
    path, _ = make(tmp_path, "MP3", "MPEG_LAYER_III")
    rewrite(path, lambda data: data[: len(data) // 2])
    blocks = read_blocks(path, 16_000, 0.25)
    assert len(next(blocks)) == 4000
    with pytest.raises(AudioError, match="the header promises 40,000 samples, the file holds"):
        list(blocks)


def test_a_cut_is_seen_behind_metadata_that_fills_the_log_of_libsndfile(tmp_path):
    path, samples = make(tmp_path, "WAV", "PCM_16")
    rewrite(
        path, lambda data: data[:36] + (b"LIST" + struct.pack("<I", 4) + b"INFO") * 300 + data[36:]
    )
    put(path, 4, "<I", path.stat().st_size - 8)
    np.testing.assert_allclose(load_audio(path)[0], samples, rtol=0, atol=2**-15)
    assert_refused(rewrite(path, lambda data: data[:-1000]), "cut short")


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFD8])
def test_a_wav_from_a_pipe_does_not_know_its_size_and_is_read(tmp_path, size):
    path, _ = make(tmp_path, "WAV", "PCM_16")
    expected, _ = load_audio(path)
    put(put(path, 4, "<I", min(size + 36, 0xFFFFFFFF)), 40, "<I", size)
    np.testing.assert_array_equal(load_audio(path)[0], expected)


def test_a_sloppy_size_and_what_follows_the_sound_are_forgiven(tmp_path):
    path, _ = make(tmp_path, "WAV", "PCM_16")
    expected, _ = load_audio(path)
    put(path, 40, "<I", 160_000 + 36)
    np.testing.assert_array_equal(load_audio(path)[0], expected)
    put(path, 40, "<I", 160_000)
    np.testing.assert_array_equal(
        load_audio(rewrite(path, lambda data: data + b"junk" * 99))[0], expected
    )


@pytest.mark.parametrize(
    ("promised", "message"), [(50_000, "cut short"), (2**36 - 1, "cut short"), (9000, "end to")]
)
def test_a_flac_header_that_lies_is_refused(tmp_path, promised, message):
    path, _ = make(tmp_path, "FLAC", "PCM_16")
    # STREAMINFO: rate 20, channels 3, width 5, samples 36 bits
    bits = int.from_bytes(path.read_bytes()[18:26], "big")
    put(path, 18, ">Q", (bits >> 36 << 36) | promised)
    assert_refused(path, message)


def test_a_flac_from_a_pipe_has_no_count_and_is_read(tmp_path):
    path, _ = make(tmp_path, "FLAC", "PCM_16")
    expected, _ = load_audio(path)
    bits = int.from_bytes(path.read_bytes()[18:26], "big")
    put(path, 18, ">Q", bits >> 36 << 36)
    assert audio_info(path).num_samples is None
    np.testing.assert_array_equal(load_audio(path)[0], expected)
    assert_refused(rewrite(path, lambda data: data[:-1000]), "decoding failed")


@pytest.mark.parametrize(
    ("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", "PCM_16"), LOSSY[-1]]
)
def test_files_joined_end_to_end_are_not_read_as_the_first(tmp_path, container, subtype):
    path, _ = make(tmp_path, container, subtype)
    assert_refused(rewrite(path, lambda data: data + data), "end to end|decoding failed")


def without_xing(data):
    return data[data.index(data[:2], 4) :]  # the first frame of an MP3 has the count


def test_an_mp3_without_a_count_is_read_if_its_bit_rate_is_constant(tmp_path):
    path = tmp_path / "constant.mp3"
    with soundfile.SoundFile(
        path, "w", 44_100, 1, bitrate_mode="CONSTANT", compression_level=0.5
    ) as file:
        file.write(sound(200_000, 1, 44_100))
    rewrite(path, without_xing)
    # the encoder's delay and padding are no longer known
    assert abs(len(load_audio(path)[0]) - 200_000) <= 3 * 1152


def variable_mp3(path, envelope):
    """An MP3 of 400,000 samples without a count, whose first frame misleads about the length."""
    with soundfile.SoundFile(
        path, "w", 44_100, 1, bitrate_mode="VARIABLE", compression_level=0.2
    ) as file:
        file.write(sound(400_000, 1, 44_100) * envelope(np.arange(400_000))[:, np.newaxis])
    return rewrite(path, without_xing), soundfile.info(path).frames


def test_an_mp3_that_libsndfile_would_stop_in_the_middle_of_is_refused(tmp_path):
    path, guess = variable_mp3(tmp_path / "loud_first.mp3", lambda sample: sample < 40_000)
    if guess > 350_000:
        pytest.skip(
            f"this libsndfile takes {guess} of 400,000 samples: it no longer guesses from the "
            "first frame"
        )
    assert_refused(path, "MP3 of variable bit rate without a Xing header")


def test_an_mp3_that_is_shorter_than_libsndfile_guesses_is_whole(tmp_path):
    path, guess = variable_mp3(tmp_path / "quiet_first.mp3", lambda sample: sample > 1000)
    if guess < 500_000:
        pytest.skip(
            f"this libsndfile takes {guess} of 400,000 samples: it no longer guesses from the "
            "first frame"
        )
    assert abs(len(load_audio(path)[0]) - 400_000) <= 3 * 1152


@pytest.mark.parametrize("tag", [b"TAG" + bytes(125), b"APETAGEX" + bytes(4000)])
def test_tags_around_an_mp3_are_no_damage(tmp_path, tag):
    path, _ = make(tmp_path, "MP3", "MPEG_LAYER_III")
    picture = b"ID3\x04\x00\x00\x00\x01\x00\x00" + bytes(1 << 14)
    rewrite(path, lambda data: picture + data + tag)
    assert len(load_audio(path)[0]) == 40_000
    rewrite(path, lambda data: data[: -len(data) // 3])
    assert_refused(path, "the header promises 40,000 samples")


@pytest.mark.parametrize(
    ("place", "layout", "value", "message"),
    [
        (22, "<H", 65_535, "cannot|damaged"),
        (22, "<H", 0, "damaged"),
        (24, "<I", 0, "damaged"),
        (24, "<I", 1, r"sample_rate must be from 100 to 10,000,000 Hz; received 1\."),
        (24, "<I", 100_000_000, "received 100000000"),
        (24, "<I", 0xFFFFFFFF, "damaged"),
        (40, "<I", 4_000_000_000, "promises 4,000,000,000 bytes, the file holds 160,000"),
        (40, "<I", 0, "no samples"),
    ],
)
def test_a_wav_header_that_lies_is_refused(tmp_path, place, layout, value, message):
    path, _ = make(tmp_path, "WAV", "PCM_16")
    assert_refused(put(path, place, layout, value), message)


def test_a_count_that_no_file_of_this_size_can_have_is_refused(tmp_path):
    """libsndfile takes the size as negative, and would decode 42 thousand million samples."""
    path, _ = make(tmp_path, "W64", "GSM610")
    whole = path.read_bytes()
    put(path, whole.index(b"data") + 16, "<Q", 2**63 + 3000)
    assert_refused(path, f"samples, more than {len(whole):,} bytes can hold")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_that_are_no_numbers_are_found_and_counted(tmp_path, subtype, bad):
    samples = sound()
    samples[[20_011, 30_000], 1] = bad
    path, _ = make(tmp_path, "WAV", subtype, samples=samples)
    message = (
        f"{path}: 2 values are NaN, infinite or beyond ±2^31; "
        f"the first is {bad} at sample 20,011, channel 1."
    )
    with pytest.raises(AudioError, match=re.escape(message)):
        load_audio(path)
    with pytest.raises(AudioError, match=r"is .* at sample 20,011, channel 1\."):
        list(read_blocks(path, 16_000, 0.1))


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("AU", "PCM_16")],
)
def test_a_header_without_samples_is_refused(tmp_path, container, subtype):
    path, _ = make(tmp_path, container, subtype, samples=np.zeros((0, 2)))
    assert_refused(path, "header and no samples|damaged|is empty")
    with pytest.raises(AudioError):
        audio_info(path)


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


@pytest.mark.parametrize(
    "content",
    [b"hello\n" * 999, PNG, b"RIFF", b"OggS", b"fLaC", b"ID3", bytes(5000), b"\xff\xfb" * 99],
)
@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".raw", ".txt", ""])
def test_what_is_not_audio_is_refused_whatever_its_name(tmp_path, content, suffix):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    assert_refused(path, "is not audio that libsndfile can read|no samples|cut short")


def test_a_midi_sample_dump_is_refused_before_libsndfile_prints_its_damage(tmp_path, capfd):
    path, _ = make(tmp_path, "SDS", "PCM_16", samples=sound(num_channels=1))
    assert_refused(rewrite(path, lambda data: data[:500] + data[501:]), "is a MIDI sample dump")
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr().out == ""


# 40,000 samples are ten packets; sizes that are too long, that end in the middle, or are zero
@pytest.mark.parametrize(
    "sizes",
    [b"\xff" * 5, b"\x80" * 8, b"", b"\xff" * 99, b"\x01\x00" * 10, b"\x80\x00" + b"\x01" * 9],
)
def test_a_caf_with_a_damaged_table_of_packets_is_refused(tmp_path, sizes, capfd):
    path, _ = make(tmp_path, "CAF", "ALAC_16")
    whole = path.read_bytes()
    place = whole.index(b"pakt") + 4
    (length,) = struct.unpack_from(">q", whole, place)
    end = place + 8 + length
    table = whole[place + 8 : place + 32] + sizes
    path.write_bytes(whole[:place] + struct.pack(">q", len(table)) + table + whole[end:])
    assert_refused(path, "the packet table of the CAF is damaged")
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr().out == ""


def test_paths_that_are_no_files_are_refused(tmp_path):
    (tmp_path / "empty.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")  # opening it would wait for ever
    assert_refused(tmp_path / "empty.wav", r"empty \(0 bytes\)")
    assert_refused(tmp_path / "pipe.wav", "is a pipe or a device")
    assert_refused(tmp_path, "is a folder")
    assert_refused(tmp_path / "absent.wav", "does not exist")
    assert_refused(tmp_path / "empty.wav" / "x.wav", "does not exist")
    assert_refused(tmp_path / ("x" * 300), "cannot be read: File name too long")
    assert_refused(b"bytes.wav", "path must be a string or a Path; received bytes")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_file_without_permission_is_refused(tmp_path):
    path, _ = make(tmp_path, "WAV", "PCM_16")
    path.chmod(0)
    assert_refused(path, "cannot be read: Permission denied")


def test_an_error_of_the_system_while_opening_is_an_audio_error(tmp_path, monkeypatch):
    path, _ = make(tmp_path, "WAV", "PCM_16")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert_refused(path, "cannot be read: Permission denied")


@pytest.mark.parametrize("block_seconds", [0, -1, np.nan, np.inf, "10", None, True])
def test_blocks_of_no_length_are_refused(tmp_path, block_seconds):
    with pytest.raises(UsageError, match="block_seconds must be a positive number"):
        list(read_blocks(make(tmp_path, "WAV", "PCM_16")[0], 16_000, block_seconds))
