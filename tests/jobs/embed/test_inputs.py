"""Clips of an input: files, folders, globs, lists, tables, shards; in a fixed order."""

import io
import os
import tarfile
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.embed import Failure, inputs, units
from vggish_tf.jobs.embed.clips import decoded, embedded


def names(*given) -> list[str]:
    return [clip.name for clip in inputs.find(given)]


def write(table, columns):
    """A table of one row: a path, a start, an end, and two other values."""
    row = ["a.wav", 0.5, 1.0, 7, 8]
    if table.suffix == ".csv":
        table.write_text(f"{','.join(columns)}\n{','.join(map(str, row))}\n")
    else:
        pq.write_table(pa.table([[value] for value in row], columns), table)


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


def test_a_mark_of_utf_8_belongs_to_no_path(sounds):
    (sounds / "list.txt").write_bytes("\ufeffa.wav\r\n\ufeffb.wav\r\n".encode())
    assert names(f"@{sounds}/list.txt") == ["a.wav", "\ufeffb.wav"]


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


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_spaces_around_the_names_of_columns_are_no_part_of_them(sounds, kind):
    """The start and end were ignored: the whole file was embedded."""
    write(sounds / f"table.{kind}", ["path ", " start", "end\t", "note", "note"])
    (clip,) = inputs.find([sounds / f"table.{kind}"])
    assert (clip.name, clip.start, clip.end) == (str(sounds / "a.wav"), 0.5, 1.0)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("doubled", ["path", "start", " end"])
def test_a_column_that_is_read_is_there_once(sounds, kind, doubled):
    table = sounds / f"table.{kind}"
    write(table, ["path", "start", "end", "x", "x"])
    assert len(inputs.find([table])) == 1  # another column may be doubled
    write(table, ["path", "start", "end", "x", doubled])
    with pytest.raises(
        VGGishError, match=rf"table\.{kind}: .* path and, if wanted, start,end, each once; received"
    ):
        inputs.find([table])


def test_a_row_with_more_values_than_columns_is_named_by_its_line(sounds):
    (sounds / "table.csv").write_text("path,start,end\nok.wav\na.wav,0,1,zzz\n")
    with pytest.raises(VGGishError, match=r"table\.csv, line 3: 4 values in 3 columns"):
        inputs.find([sounds / "table.csv"])


@pytest.mark.parametrize(
    "row",
    [
        *("a.wav,2,1", "a.wav,-1,", "a.wav,x,", ",0,1", "a.wav,nan,", "a.wav,0,inf0"),
        *("a.wav,0,inf", "a.wav,inf,", "a.wav,0,1e999"),
    ],
)
def test_a_row_that_makes_no_sense_is_named_by_its_line(sounds, row):
    (sounds / "table.csv").write_text(f"path,start,end\nok.wav,,\n{row}\n")
    with pytest.raises(VGGishError, match=r"table\.csv, line 3: a row needs a path"):
        inputs.find([sounds / "table.csv"])


@pytest.mark.parametrize(
    ("column", "value"),
    [("path", 7), ("path", b"a.wav"), ("start", timedelta(seconds=1)), ("end", [1.0])],
)
def test_a_cell_of_another_type_is_named_by_its_line(sounds, column, value):
    row = {"path": "a.wav", "start": 0.0, "end": 1.0, column: value}
    pq.write_table(pa.Table.from_pylist([row]), "table.parquet")
    with pytest.raises(VGGishError, match=r"table\.parquet, line 1: a row needs a path") as caught:
        inputs.find(["table.parquet"])
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("line", [1, 3])
def test_a_quote_left_open_in_a_table_is_named_by_its_line(sounds, line):
    lines = ["path,start,end", *["a.wav,0,1"] * 20_000]
    lines[line - 1] = f'"{lines[line - 1]}'
    (sounds / "table.csv").write_text("\n".join(lines))
    with pytest.raises(
        VGGishError, match=rf"table\.csv, line {line}: field .*\. Is a quote left open there\?"
    ):
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


def test_clips_of_one_name_in_a_table_or_a_shard_are_as_many_clips(sounds):
    """Many tables call each of their clips the same, or do not say."""
    paths = ["audio.wav", "audio.wav", None, "audio.wav", None]
    data = (sounds / "even/00.wav").read_bytes()
    rows = [{"bytes": data, "path": path} for path in paths]
    pq.write_table(pa.table({"audio": [*rows, None]}), "data.parquet", row_group_size=3)
    assert names("data.parquet") == [
        f"data.parquet::{name}"
        for name in ("audio.wav", "audio.wav#0-1", "0-2", "audio.wav#1-0", "1-1", "1-2")
    ]
    with tarfile.open("shard.tar", "w") as file:
        for _ in range(3):
            file.add(sounds / "even/00.wav", "a.wav")
    assert len(set(names("shard.tar"))) == 3


def test_a_glob_may_match_shards_and_tables(sounds):
    for number in range(2):
        with tarfile.open(f"{number}.tar", "w") as file:
            file.add(sounds / f"even/0{2 * number}.wav", "a.wav")
    assert names("*.tar") == ["0.tar::a.wav", "1.tar::a.wav"]


def test_units_hold_as_many_clips_of_a_shard_as_of_a_folder(sounds):
    """Each clip of a shard counted with the bytes of the whole shard, and was a unit of its own."""
    with tarfile.open("shard.tar", "w") as file:
        for number in range(40):
            file.add(sounds / "even/00.wav", f"{number}.wav")
        padding = tarfile.TarInfo("pad.bin")
        padding.size = units.UNIT_BYTES
        file.addfile(padding, io.BytesIO(bytes(padding.size)))
    table = "path,start,end\n" + "".join(f"shard.tar,{n},{n + 10}\n" for n in range(70))
    (sounds.parent / "table.csv").write_text(table)
    data = (sounds / "even/00.wav").read_bytes()
    rows = [{"bytes": data, "path": f"{number}"} for number in range(40)]
    pq.write_table(pa.table({"audio": rows}), "data.parquet")
    for given, lengths in {
        "shard.tar": [40],
        "data.parquet": [40],
        "table.csv": [34, 34, 2],
    }.items():
        made = list(units.units_of(enumerate(inputs.find([given]))))
        assert [len(unit.clips) for unit in made] == lengths, given


@pytest.mark.parametrize("damage", ["shorter", "zeros", "gone"])
def test_a_table_of_bytes_that_is_damaged_later_costs_its_clips_alone(damage, sounds, embedder):
    """It was whole when the clips were listed."""
    rows = [{"bytes": (sounds / "even/00.wav").read_bytes(), "path": f"{n}.wav"} for n in range(4)]
    pq.write_table(pa.table({"audio": rows}), "data.parquet", row_group_size=2)
    clips = inputs.find(["data.parquet"])
    if damage == "shorter":
        pq.write_table(pa.table({"audio": rows[:1]}), "data.parquet")
    elif damage == "zeros":
        content = bytearray((sounds.parent / "data.parquet").read_bytes())
        content[100 : len(content) // 2] = bytes(len(content) // 2 - 100)
        (sounds.parent / "data.parquet").write_bytes(content)
    else:
        os.unlink("data.parquet")
    results = list(embedded(clips, decoded(clips, embedder), embedder))
    failures = [result for result in results if isinstance(result, Failure)]
    assert len(results) == 4
    assert len(failures) == {"shorter": 3, "zeros": len(failures) or 1, "gone": 4}[damage]
    assert {failure.kind for failure in failures} == {"AudioError"}


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
