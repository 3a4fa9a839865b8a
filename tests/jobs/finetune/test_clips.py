"""Tables and folders of users: odd encodings, rows and spellings, files that are not audio."""

import os

import numpy as np
import pytest
import soundfile
from labelled_clips import refusal, waveform, write_csv, write_folder

from vggish_tf import audio
from vggish_tf.errors import VGGishError
from vggish_tf.jobs import finetune
from vggish_tf.jobs.finetune import clips as tables


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "sounds", takes=3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"path,label\na.wav,x\nb.wav,caf\xe9\n", "t.csv, line 3: this is not UTF-8 (byte 0xe9)"),
        (b"\xff\xfep\0a\0t\0h\0", "t.csv, line 1: this is not UTF-8 (byte 0xff)"),
        (
            b"path,label\na.wav,x\n" + b"b" * 200_000 + b",y\n",
            "t.csv, line 3: field larger than field limit",
        ),
        (
            b'path,label\na.wav,x\n"b.wav,y\n' + b"c.wav,z\n" * 25_000,
            "t.csv, line 3: field larger than",
        ),
        (b"p" * 200_000, "t.csv, line 1: field larger than field limit"),
        (
            b"path,label\na.wav,x\nb,c.wav,y\n",
            "t.csv, line 3: 3 values in 2 columns; received 'b,c.wav,y'",
        ),
        (b"path,label\na.wav,x,,\n", "t.csv, line 2: 4 values in 2 columns"),
        (b"path,label,label\na.wav,x,y\n", "must name the columns path,label"),
        (b"path,label\na\0.wav,x\n", "t.csv, line 2: a row needs a path"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path, content, words):
    (tmp_path / "t.csv").write_bytes(content)
    message = refusal(tmp_path / "t.csv")
    assert words in message
    assert "\n" not in message
    assert len(message) < 1_000


def test_quoted_lines_and_empty_ones_do_not_move_the_line_number(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'path,label\n\n"a\n.wav",x\nb.wav,y,surplus\n')
    assert "line 5: 3 values" in refusal(tmp_path / "t.csv")


def test_windows_lines_and_a_mark_of_utf_8_are_fine(tmp_path):
    (tmp_path / "t.csv").write_bytes("﻿path,label\r\na.wav,é\r\n".encode())
    assert [clip.labels for clip in tables.find(tmp_path / "t.csv")] == [("é",)]


SPELLINGS = ["sub/../a.wav", "link.wav", "dir/a.wav", "./a.wav"]  # pathlib knows the last one


@pytest.fixture
def spelled(tmp_path):
    """A file that has several names."""
    soundfile.write(tmp_path / "a.wav", waveform("sine"), 16_000)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.wav").symlink_to("a.wav")
    (tmp_path / "dir").symlink_to(".")
    return tmp_path


@pytest.mark.parametrize("spelling", SPELLINGS[:3])
def test_a_file_is_in_one_split_however_it_is_spelled(spelled, spelling):
    rows = [("a.wav", "x", "train"), (spelling, "x", "test"), ("b.wav", "y", "validation")]
    table = write_csv(spelled / "t.csv", rows, ("path", "label", "split"))
    message = refusal(table)
    assert (
        f"is in both train and test, the second time as {spelled / spelling}. Choose one" in message
    )


def test_splits_that_are_dealt_keep_a_file_together(spelled):
    """16 clips of one file under four names, and 7 other files: chance would separate them."""
    names = ["a.wav", *SPELLINGS[:3]]
    rows = [(names[place % 4], "x", place / 50, (place + 1) / 50) for place in range(16)]
    for number in range(7):
        soundfile.write(spelled / f"other{number}.wav", waveform("noise", seed=number), 16_000)
        rows.append((f"other{number}.wav", "xy"[number % 2], "", ""))
    table = write_csv(spelled / "t.csv", rows, ("path", "label", "start", "end"))
    for seed in range(4):
        data = finetune.dataset(table, seed=seed)
        assert (
            len({clip.split for clip in data.clips if clip.path.name in ("a.wav", "link.wav")}) == 1
        )


def test_an_open_quote_hides_no_rows(tmp_path):
    (tmp_path / "t.csv").write_text('path,label\na.wav,"rain\nb.wav,wind\nc.wav,sea\n')
    with pytest.raises(VGGishError, match=r"line 2: .*Is a quote left open there\?"):
        finetune.dataset(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a.wav", "x", "", ""), ("a.wav", "y", "", "")),
        (("a.wav", "x", "", ""), ("link.wav", "y", "", "")),
        (("a.wav", "x", "", ""), ("a.wav", "y", "0.2", "0.5")),
        (("a.wav", "x", "0.2", "0.5"), ("sub/../a.wav", "y", "0", "0.5")),
    ],
)
def test_one_stretch_of_a_file_has_one_label(spelled, first, second):
    table = write_csv(spelled / "t.csv", [first, second], ("path", "label", "start", "end"))
    message = refusal(table)
    assert "'x'" in message
    assert "'y'" in message
    assert "--multi-label" in message
    clips = tables.find(table)
    assert tables.label_set(clips, None, multi_label=True) == ["x", "y"]


def test_stretches_side_by_side_have_labels_of_their_own(spelled):
    rows = [("a.wav", "x", "0", "0.5"), ("link.wav", "y", "0.45", "1"), ("a.wav", "x", "", "0.3")]
    table = write_csv(spelled / "t.csv", rows, ("path", "label", "start", "end"))
    assert tables.label_set(tables.find(table), None, multi_label=False) == ["x", "y"]


def test_a_link_into_another_class_is_one_file_under_two_labels(folder):
    (folder / "noise" / "copy.wav").symlink_to(folder / "sine" / "0.wav")
    assert "'noise'" in refusal(folder)


def test_files_that_are_ignored_are_known_and_printed(folder, tmp_path, capsys):
    (folder / "noise" / "phone.mid").write_bytes(b"MThd")
    (folder / "noise" / ".hidden.txt").write_bytes(b"")
    soundfile.write(folder / "stray.wav", waveform("sine"), 16_000)
    data = finetune.dataset(folder)
    assert data.ignored == [folder / "noise" / "phone.mid", folder / "stray.wav"]
    finetune.job._describe_data(data)
    printed = capsys.readouterr().out
    assert (
        f"ignored, not audio by their names or in no class: 2 files: {data.ignored[0]}, "
        f"{data.ignored[1]}" in printed
    )
    assert "ffmpeg" not in printed


def test_without_ffmpeg_what_needs_it_is_listed_with_the_remedy(folder, monkeypatch, capsys):
    (folder / "noise" / "phone.M4A").write_bytes(b"")
    monkeypatch.setenv("PATH", os.fspath(folder))
    finetune.job._describe_data(finetune.dataset(folder))
    assert (
        "phone.M4A (.m4a needs ffmpeg, which is not installed: apt-get install ffmpeg"
        in capsys.readouterr().out
    )
    for path in (folder / "noise").glob("*.wav"):
        path.rename(path.with_suffix(".webm"))
    message = refusal(folder)
    assert "no audio files in 'noise'" in message
    assert ".m4a, .webm need ffmpeg" in message


@pytest.mark.skipif(
    not audio.ffmpeg.is_installed(), reason="ffmpeg is not installed: apt-get install ffmpeg"
)
def test_with_ffmpeg_phones_are_heard(folder):
    import subprocess

    phone = folder / "noise" / "phone.m4a"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", folder / "noise" / "0.wav", "-c:a", "alac", phone],
        check=True,
    )
    data = finetune.dataset(folder)
    (clip,) = [clip for clip in data.clips if clip.path == phone]
    expected, _ = audio.load_audio(folder / "noise" / "0.wav")
    np.testing.assert_array_equal(finetune.read_clip(clip, 16_000), expected[:, 0])
    assert not data.ignored
