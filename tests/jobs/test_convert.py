"""Conversion between any two formats is bit for bit, whole or not at all, and in bounded memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import some_rows
from cases import first

from vggish_tf import VGGishError, dequantize, formats
from vggish_tf.errors import UsageError
from vggish_tf.formats import tfrecord
from vggish_tf.jobs import convert
from vggish_tf.rows import Archive, ClipRows

OUTPUTS = {  # name of the output, format
    "parquet": ("rows.parquet", None),
    "shards": ("rows", None),
    "csv": ("rows.csv", None),
    "npz": ("rows", "npz"),
    "memmap": ("rows", "memmap"),
    "tfrecord": ("rows.tfrecord", None),
    "youtube8m": ("rows.tfrecord", "youtube8m"),
}
OF_FLOATS = ("parquet", "shards", "csv", "npz", "memmap")
WITHOUT_EMPTY_CLIPS = ("parquet", "shards", "csv")
PAIRS = [
    *((one, other, np.float32) for one in OF_FLOATS for other in OF_FLOATS),
    *((one, other, np.uint8) for one in OUTPUTS for other in OUTPUTS),
]


def written(folder: Path, kind: str, archive: Archive) -> Path:
    folder.mkdir(exist_ok=True)
    name, format = OUTPUTS[kind]
    formats.write(folder / name, archive, format)
    return folder / name


def converted(source: Path, folder: Path, kind: str, **options) -> Path:
    folder.mkdir(exist_ok=True)
    name, format = OUTPUTS[kind]
    convert.convert(source, folder / name, format, **options)
    return folder / name


@pytest.mark.parametrize(("one", "other", "dtype"), PAIRS)
def test_any_format_goes_into_any_other_bit_for_bit(one, other, dtype, tmp_path, capsys):
    archive = some_rows.archive(dtype, labelled=dtype == np.uint8)
    source = written(tmp_path / "1", one, archive)
    output = converted(source, tmp_path / "2", other)
    found = formats.read(output)
    in_order = "npz" not in (one, other)  # a tree of folders has the order of their names
    assert found.provenance == some_rows.PROVENANCE
    assert some_rows.described(found, in_order) == some_rows.described(archive, in_order)
    num_rows = sum(len(clip.start) for clip in archive.clips)
    assert capsys.readouterr().out == (
        f"{source} → {output}: {num_rows} rows of {len(archive.clips)} clips\n"
    )


@pytest.mark.parametrize(("one", "other", "dtype"), PAIRS)
def test_an_archive_without_clips_stays_one(one, other, dtype, tmp_path):
    source = written(tmp_path / "1", one, Archive([], some_rows.PROVENANCE))
    found = formats.read(converted(source, tmp_path / "2", other))
    assert (list(found.clips), found.provenance) == ([], some_rows.PROVENANCE)


@pytest.mark.parametrize("kind", first(2, OUTPUTS))
def test_the_release_through_every_format(kind, audioset_shard, tmp_path):
    """Its records come back but for the end of a clip: 40 s, where its last row ends at 39.6 s.

    What tfrecord.read gives tfrecord.write puts back byte for byte: tests/formats/test_tfrecord.py.
    """
    between = converted(audioset_shard, tmp_path / "1", kind)
    path = converted(between, tmp_path / "2", "tfrecord")
    expected = {_id(record): record for record in tfrecord.read(audioset_shard)}
    found = [*tfrecord.read(path)]
    if kind != "npz":  # a tree of folders has the order of their names
        assert [*map(_id, found)] == [*expected]
    assert len(found) == len(expected) == 328
    for record in found:
        theirs = expected[_id(record)]
        np.testing.assert_array_equal(record.embedding, theirs.embedding)
        for name in ("labels", "start_time_seconds"):
            np.testing.assert_array_equal(record.context[name], theirs.context[name])
        assert set(record.context) == set(theirs.context)


def _id(record: tfrecord.Record) -> bytes:
    return record.context["video_id"][0]


@pytest.mark.parametrize("kind", OUTPUTS)
def test_a_clip_without_rows_stays_where_clips_have_a_place(kind, tmp_path):
    """A table has rows alone."""
    names, counts = ("a.wav", "b.wav", "c.wav"), (0, 2, 0)
    pairs = zip(names, counts, strict=True)
    clips = [some_rows.clip(name, count, np.uint8) for name, count in pairs]
    found = formats.read(written(tmp_path, kind, Archive(clips, {})))
    expected = clips[1:2] if kind in WITHOUT_EMPTY_CLIPS else clips
    assert some_rows.described(found) == some_rows.described(Archive(expected, {}))


@pytest.mark.parametrize("kind", OF_FLOATS)
def test_rows_of_any_size(kind, tmp_path):
    """As embed --pool mean+std makes them."""
    archive = some_rows.archive(count=1, size=256)
    found = formats.read(written(tmp_path, kind, archive))
    assert some_rows.described(found, kind != "npz") == some_rows.described(archive, kind != "npz")


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_an_error_in_the_middle_leaves_nothing_and_loses_nothing(kind, there, tmp_path):
    archive = some_rows.archive(np.uint8)

    def clips():
        yield from archive.clips
        raise VGGishError("damaged")

    if there:
        written(tmp_path, kind, archive)
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    with pytest.raises(VGGishError, match="damaged"):
        written(tmp_path, kind, Archive(clips(), {}))
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("kind", OUTPUTS)
def test_what_is_there_is_replaced_on_request_alone(kind, tmp_path):
    source = written(tmp_path / "1", "parquet", some_rows.archive(np.uint8, ["new.wav"]))
    written(tmp_path / "2", kind, some_rows.archive(np.uint8))
    with pytest.raises(VGGishError, match="already exists"):
        converted(source, tmp_path / "2", kind)
    found = formats.read(converted(source, tmp_path / "2", kind, overwrite=True))
    assert [clip.path for clip in found.clips] == ["new.wav"]


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    source = written(tmp_path / "1", "parquet", some_rows.archive())
    (tmp_path / "sounds" / "more").mkdir(parents=True)
    (tmp_path / "sounds" / "more" / "clip.wav").touch()
    with pytest.raises(VGGishError, match=r"other files than embeddings, such as more/clip\.wav"):
        convert.convert(source, tmp_path / "sounds", "memmap", overwrite=True)
    assert (tmp_path / "sounds" / "more" / "clip.wav").exists()


@pytest.mark.parametrize("output", ["", "within", ".."])
def test_source_and_output_must_be_apart(output, tmp_path):
    source = written(tmp_path, "shards", some_rows.archive())
    with pytest.raises(UsageError, match="is the other or is inside it"):
        convert.convert(source, source / output, "memmap", overwrite=True)
    assert formats.read(source).provenance == some_rows.PROVENANCE


@pytest.mark.parametrize("kind", ["tfrecord", "youtube8m"])
def test_floats_do_not_fit_into_records_of_bytes(kind, tmp_path):
    source = written(tmp_path / "1", "parquet", some_rows.archive())
    with pytest.raises(VGGishError, match="--postprocess quantized"):
        converted(source, tmp_path / "2", kind)
    assert not list((tmp_path / "2").iterdir())


@pytest.mark.parametrize("convention", ["edge", "youtube8m"])
def test_bytes_become_floats_by_a_convention(convention, tmp_path):
    archive = some_rows.archive(np.uint8)
    source = written(tmp_path / "1", "tfrecord", archive)
    found = formats.read(converted(source, tmp_path / "2", "csv", dequantize=convention))
    assert found.provenance == {**some_rows.PROVENANCE, "dequantized": convention}
    for clip, expected in zip(found.clips, archive.clips, strict=True):
        np.testing.assert_array_equal(clip.embedding, dequantize(expected.embedding, convention))


def test_floats_cannot_be_dequantized(tmp_path):
    source = written(tmp_path / "1", "parquet", some_rows.archive())
    with pytest.raises(VGGishError, match=r"float32, not bytes\. Leave out dequantize \("):
        converted(source, tmp_path / "2", "csv", dequantize="edge")
    with pytest.raises(UsageError, match=r"dequantize must be None, 'edge' or 'youtube8m'; rec"):
        converted(source, tmp_path / "2", "csv", dequantize="middle")


def test_rows_of_two_kinds_are_refused(tmp_path):
    clips = [some_rows.clip("a.wav", 1), some_rows.clip("b.wav", 1, np.uint8)]
    for kind in OF_FLOATS:
        with pytest.raises(VGGishError, match=r"must be \(n, 128\) float32 without labels, as"):
            written(tmp_path, kind, Archive(clips, {}))
    bad = ClipRows("a.wav", np.zeros(1), np.zeros(2), np.zeros((1, 128), np.float32))
    with pytest.raises(VGGishError, match=r"with n times; received .* with 1 and 2"):
        written(tmp_path, "csv", Archive([bad], {}))
    assert not list(tmp_path.iterdir())


PEAK = r"""
import re, sys
from pathlib import Path
import numpy as np
from vggish_tf import formats
from vggish_tf.jobs import convert
from vggish_tf.rows import Archive, ClipRows
folder, number, size, *steps = sys.argv[1], *map(int, sys.argv[2:4]), *sys.argv[4:]
times, rows = np.arange(float(size)), np.random.default_rng(0).integers(0, 256, (size, 128))
rows = rows.astype(np.uint8 if {"tfrecord", "youtube8m"} & {*steps} else np.float32)
clips = (ClipRows(f"{n}.wav", times, times + 1, rows) for n in range(number // size))
names = [f"{place}.parquet" if step == "file" else str(place) for place, step in enumerate(steps)]
steps = ["parquet" if step == "file" else step for step in steps]
formats.write(Path(folder, names[0]), Archive(clips, {}), steps[0])
for source, output, format in zip(names, names[1:], steps[1:]):
    convert.convert(Path(folder, source), Path(folder, output), format)
# ru_maxrss would be that of the process that started this one
status = Path("/proc/self/status").read_text()
print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024)
"""


def peak_of(folder: Path, *arguments: str | int) -> int:
    folder.mkdir()
    command = [sys.executable, "-c", PEAK, str(folder), *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return int(process.stdout.split()[-1])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says the peak")
@pytest.mark.parametrize(
    ("steps", "size"),
    [
        (steps, size)
        for steps in (
            "file csv memmap parquet file",
            "parquet npz parquet",
            "parquet tfrecord youtube8m csv",
        )
        for size in (20, 1)
    ],
)
def test_memory_does_not_grow_with_the_archive(steps, size, tmp_path):
    """Every format is written from another, and read into another.

    20,000 rows fill a block, which 2,000 do not. Names of 180,000 npz are 20 MB.
    """
    few, many = (
        peak_of(tmp_path / str(number), number, size, *steps.split())
        for number in (20_000, 200_000)
    )
    print(f"{steps}, {size} rows a clip: {few} MB with 20,000 rows, {many} MB with 200,000")
    assert many - few < 50
