"""What an input stands for: files, folders, globs, lists, tables, shards; in a fixed order."""

import io
import os
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.embed import inputs


def names(*given) -> list[str]:
    return [clip.name for clip in inputs.find(given)]


def test_a_folder_is_its_audio_files_by_name_in_all_subfolders(sounds):
    (sounds / "notes.txt").write_text("no audio")
    (sounds / ".hidden.wav").write_bytes(b"x")
    expected = sorted(str(path) for path in sounds.rglob("*.wav") if path.name[0] != ".")
    assert names(sounds) == expected


def test_a_glob_a_file_and_a_folder_name_each_clip_once(sounds):
    first = names("sounds/even/*.wav")
    assert [os.path.basename(name) for name in first] == [f"{n:02}.wav" for n in range(0, 12, 2)]
    assert names("sounds/even/*.wav", "sounds/even/00.wav", "sounds/even") == first
    assert len(names("sounds/**/*.wav")) == 12


def test_the_same_name_in_two_folders_is_two_clips(sounds):
    for folder in ("even", "odd"):
        (sounds / folder / "same.wav").write_bytes(b"x")
    assert sum(name.endswith("same.wav") for name in names("sounds")) == 2


def test_lists_hold_a_path_a_line_or_a_path_a_zero_byte(sounds, monkeypatch):
    (sounds / "list.txt").write_bytes(b"a.wav\r\n\nb 'c' \"d\".wav\n")
    assert names(f"@{sounds}/list.txt") == ["a.wav", "b 'c' \"d\".wav"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\nb.wav\0c.wav\0")))
    assert names("-") == ["a\nb.wav", "c.wav"]


def test_names_that_are_no_utf_8_are_kept(sounds):
    (sounds / "list.txt").write_bytes(b"caf\xe9.wav\n")
    (clip,) = inputs.find([f"@{sounds}/list.txt"])
    assert os.fsencode(clip.file) == b"caf\xe9.wav"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_has_stretches_and_paths_beside_it(sounds, kind):
    table = sounds / f"table.{kind}"
    if kind == "csv":
        table.write_text('path,start,end\neven/00.wav,,\n"odd/01.wav",0.5,1.5\n')
    else:
        columns = {"path": ["even/00.wav", "odd/01.wav"], "start": [None, 0.5], "end": [None, 1.5]}
        pq.write_table(pa.table(columns), table)
    found = [(clip.name, clip.start, clip.end) for clip in inputs.find([table])]
    assert found == [
        (str(sounds / "even/00.wav"), 0.0, None),
        (str(sounds / "odd/01.wav"), 0.5, 1.5),
    ]


@pytest.mark.parametrize(
    "row", ["a.wav,2,1", "a.wav,-1,", "a.wav,x,", ",0,1", "a.wav,nan,", "a.wav,0,inf0"]
)
def test_a_row_that_makes_no_sense_is_named_by_its_line(sounds, row):
    (sounds / "table.csv").write_text(f"path,start,end\nok.wav,,\n{row}\n")
    with pytest.raises(VGGishError, match=r"table\.csv, line 3: a row needs a path"):
        inputs.find([sounds / "table.csv"])


def test_a_shard_is_its_members(sounds):
    with tarfile.open("shard.tar", "w") as file:
        file.add(sounds / "even/00.wav", "a/00.wav")
        file.add(sounds / "odd/01.wav", "b.wav")
        file.addfile(tarfile.TarInfo("b.json"), io.BytesIO())
    first, second = inputs.find(["shard.tar"])
    assert (first.name, second.name) == ("shard.tar::a/00.wav", "shard.tar::b.wav")
    with second.opened() as path:
        np.testing.assert_array_equal(
            soundfile.read(path)[0], soundfile.read(sounds / "odd/01.wav")[0]
        )


def test_a_column_of_bytes_is_a_clip_a_row(sounds):
    rows = [
        {"bytes": (sounds / f"even/{n:02}.wav").read_bytes(), "path": f"{n}.wav"} for n in (0, 2)
    ]
    pq.write_table(pa.table({"label": [0, 1], "audio": rows}), "data.parquet", row_group_size=1)
    clips = inputs.find(["data.parquet"])
    assert [clip.name for clip in clips] == ["data.parquet::0.wav", "data.parquet::2.wav"]
    for clip, row in zip(clips, rows, strict=True):
        with clip.opened() as path, open(path, "rb") as file:
            assert file.read() == row["bytes"]


def test_links_in_a_circle_end(sounds):
    os.symlink(sounds, sounds / "even" / "again")
    os.symlink("nowhere", sounds / "lost.wav")
    assert len(names("sounds")) == 13  # the link to nowhere fails in its turn, as a bad file


@pytest.mark.parametrize("given", ["empty", "*.nothing", "-"])
def test_an_input_that_stands_for_nothing_is_refused(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no audio files"):
        inputs.find([given])


@pytest.mark.parametrize("name", ["bad.tar", "bad.parquet", "bad.csv", "@list.txt"])
def test_a_damaged_list_is_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if name[0] != "@":
        (tmp_path / name).write_bytes(b"\x00\x01 nothing of the kind")
    with pytest.raises(VGGishError) as caught:
        inputs.find([name])
    assert "\n" not in str(caught.value)
