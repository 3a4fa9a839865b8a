"""formats.read knows an archive by what is in it, and says in a line what else it was given."""

import contextlib
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import some_rows
import tensorflow as tf

from vggish_tf import VGGishError, formats
from vggish_tf.errors import UsageError
from vggish_tf.formats.content import _crc32c
from vggish_tf.rows import Archive

OUTPUTS = {
    "parquet": ("rows.parquet", None),
    "csv": ("rows.csv", None),
    "npz": ("rows.npz", None),
    "tfrecord": ("rows.tfrecord", None),
}
FOLDERS = {"parquet": None, "npz": "npz", "memmap": "memmap"}
READ_AS_ANOTHER = {"youtube8m"}  # a TFRecord of another layout; see test_records.py


def test_every_format_is_here():
    assert {*LAST} == {*formats.FORMATS}
    assert {*OUTPUTS, *FOLDERS} | READ_AS_ANOTHER == {*formats.FORMATS}


def one_clip() -> Archive:
    return some_rows.archive(np.uint8, ["a.wav"])


SUFFIXES = (".parquet", ".csv", ".npz", ".tfrecord", ".npy", ".wav", "")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", OUTPUTS)
def test_a_file_under_any_name(kind, suffix, tmp_path):
    name, format = OUTPUTS[kind]
    path = formats.write(tmp_path / name, one_clip(), format)
    assert formats.format_of(path) == kind
    renamed = path.rename(tmp_path / f"renamed{suffix}")
    assert formats.format_of(renamed) == kind
    assert some_rows.described(formats.read(renamed)) == some_rows.described(one_clip())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_under_any_name(kind, suffix, tmp_path):
    path = formats.write(tmp_path / f"rows{suffix}.d", one_clip(), FOLDERS[kind] or "parquet")
    path = path.rename(tmp_path / f"renamed{suffix}")
    assert formats.format_of(path) == kind
    assert some_rows.described(formats.read(path)) == some_rows.described(one_clip())


@pytest.mark.parametrize("kind", formats.FORMATS)
@pytest.mark.parametrize("suffix", ["", ".parquet"])
def test_a_name_that_is_no_utf_8(kind, suffix, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9" + suffix.encode())
    formats.write(path, one_clip(), kind)
    assert some_rows.described(formats.read(path)) == some_rows.described(one_clip())
    assert kind != "parquet" or formats.parquet.holds_rows(path)


def test_the_folder_that_embed_writes(tmp_path):
    """It keeps its records beside the shards."""
    formats.write(tmp_path / "rows", one_clip())
    (tmp_path / "rows" / "_embed" / "units").mkdir(parents=True)
    (tmp_path / "rows" / "_embed" / "settings.json").write_text("{}")
    (tmp_path / "rows" / "_failures.csv").write_text("path,kind,message\n")
    found = formats.read(tmp_path / "rows")
    assert some_rows.described(found) == some_rows.described(one_clip())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"RIFF\x00\x00\x00\x00WAVE", r"it begins with b'RIFF.*'\. Known are Parquet, CSV, npz"),
        (b"", "it is empty"),
        (b"path,start,end\na.wav,0,1\n", "it begins with b'path,start,e'"),
        (b"\x00" * 40, "it begins with"),
    ],
)
def test_other_files_are_told_in_a_line(content, said, tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(content)
    with pytest.raises(VGGishError, match=f"rows.parquet is not an archive of embeddings: {said}"):
        formats.read(path)


def test_other_folders_and_nothing_are_told(tmp_path):
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "a.wav").touch()
    with pytest.raises(VGGishError, match=r"sounds is not an archive .*: it is a folder wi"):
        formats.read(tmp_path / "sounds")
    with pytest.raises(VGGishError, match=r"rows does not exist. Give an archive"):
        formats.read(tmp_path / "rows")


def test_an_unknown_format_or_suffix_is_told_with_those_known(tmp_path):
    with pytest.raises(UsageError, match=r"format must be None, 'parquet', .*; received 'zarr'"):
        formats.write(tmp_path / "rows", one_clip(), "zarr")
    with pytest.raises(UsageError, match=r"rows\.h5 belongs to no format.*: parquet, csv, npz"):
        formats.write(tmp_path / "rows.h5", one_clip())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["no/rows.csv", "no/rows"])
def test_an_output_without_a_folder_is_told_before_anything_is_read(name, tmp_path):
    with pytest.raises(VGGishError, match=r"the folder .*no does not exist"):
        formats.check_output(tmp_path / name)


def test_a_sidecar_is_no_more_replaced_than_its_file(tmp_path):
    (tmp_path / "rows.csv.json").write_text("{}")
    with pytest.raises(VGGishError, match=r"rows\.csv\.json already exists"):
        formats.check_output(tmp_path / "rows.csv", overwrite=False)


@pytest.mark.parametrize("num_rows", [1, 4097])
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_labelled_row_that_is_alone_in_its_batch(kind, num_rows, tmp_path):
    """Parquet and CSV are read in batches; that of 4,096 rows leaves one over."""
    archive = some_rows.archive(np.uint8, ["a.wav"], labelled=True, count=num_rows)
    path = formats.write(tmp_path / f"rows.{kind}", archive)
    assert some_rows.described(formats.read(path)) == some_rows.described(archive)


WRITTEN = {  # into a folder, by format: what embed and search add
    "parquet": (
        *("_failures.csv", "_embed/settings.json", "_embed/units/a.json", "_embed/pending/0.jsonl"),
        *("_embed/lock", "_embed/stop", "_embed/writing/.a.0.parquet", "_index/rows.usearch"),
        *("_index/about.json", "_index/name_end.npy"),
    ),
    "npz": (),
    "memmap": (),
}
OF_FILE_MANAGERS = (".DS_Store", "Thumbs.db", "desktop.ini")


@pytest.mark.parametrize("kind", FOLDERS)
def test_an_archive_with_all_that_we_write_into_it_is_replaced(kind, tmp_path):
    path = formats.write(tmp_path / "rows", some_rows.archive(np.uint8), kind)
    for name in (*WRITTEN[kind], *OF_FILE_MANAGERS):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    formats.write(path, one_clip(), kind)
    assert some_rows.described(formats.read(path)) == some_rows.described(one_clip())


@pytest.mark.parametrize(
    "name",
    [
        *("results.npy", "start.npy", "clips.jsonl", "package.json", "poetry.lock", "lock", "stop"),
        *("more/provenance.json", "more/table.parquet", "more/_embed/lock", "_index/page.json"),
        *("_embed/thesis.txt", "_embed/units/notes.txt", "_embed/writing/thesis.txt"),
        *("cut.npz", "cut.parquet"),
    ],
)
@pytest.mark.parametrize("kind", [None, "parquet"])
def test_a_folder_with_a_file_of_others_is_not_replaced(kind, name, tmp_path):
    folder = tmp_path / "rows"
    if kind:
        formats.write(folder, one_clip(), kind)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    with pytest.raises(VGGishError, match=f"other files than embeddings, such as {name}. Choose"):
        formats.write(folder, one_clip(), kind)
    assert (folder / name).exists()


OF_OTHERS = {
    "model.npz": lambda path: np.savez(path, weights=np.zeros(3)),
    "more/experiment.npz": lambda path: np.savez(path, embedding=np.zeros(3)),
    "sales.parquet": lambda path: pq.write_table(pa.table({"price": [1.5]}), path),
    "embedding.npy": lambda path: np.save(path, np.zeros(3)),
    "link": lambda path: path.symlink_to(".."),
    "link.npz": lambda path: path.symlink_to("absent"),
    "empty/": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_folder_with_other_content_is_not_replaced(name, beside, tmp_path):
    folder = tmp_path / "rows"
    if beside:
        formats.write(folder, one_clip(), "npz")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    OF_OTHERS[name](path)
    for kind in FOLDERS:
        with pytest.raises(VGGishError, match=f"other files than embeddings, such as {name}. Ch"):
            formats.check_output(folder, kind, overwrite=True)


def test_the_npz_of_one_embed_each_are_replaced(tmp_path):
    """Without the path and the ends, as the first release wrote them."""
    (tmp_path / "rows").mkdir()
    formats.npz.write(tmp_path / "rows" / "a.npz", (np.zeros((1, 128)), np.zeros(1)), {})
    formats.check_output(tmp_path / "rows", "npz", overwrite=True)


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_file_is_not_replaced_by_a_folder(overwrite, tmp_path):
    (tmp_path / "rows").touch()
    with pytest.raises(
        VGGishError, match=r"rows: it is a file, .* makes a folder\. Choose another"
    ):
        formats.check_output(tmp_path / "rows", "npz", overwrite=overwrite)


@pytest.mark.parametrize("path", [".", "..", "rows/.."])
@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_needs_a_name(kind, path, tmp_path, monkeypatch):
    (tmp_path / "empty" / "rows").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(VGGishError, match=r"it has no name. Give the name of a new folder"):
        formats.write(path, one_clip(), kind)
    assert [*tmp_path.rglob("*")] == [tmp_path / "empty", tmp_path / "empty" / "rows"]


def _spoil_shard(path):
    """Changes the head of the last rows, and not the footer, which is read first."""
    (shard,) = path.glob("*.parquet")
    metadata = pq.read_metadata(shard)
    column = metadata.row_group(metadata.num_row_groups - 1).column(3)
    _overwrite(shard, column.data_page_offset)


def _overwrite(path, place):
    with open(path, "r+b") as file:
        file.seek(place, os.SEEK_END if place < 0 else os.SEEK_SET)
        file.write(b"\n,x\n" * 16)


LAST = {  # of an archive in each format, how its last clip is spoiled
    "parquet": _spoil_shard,
    "csv": lambda path: _overwrite(path, -200),
    "npz": lambda path: _overwrite(sorted(path.rglob("*.npz"))[-1], 0),
    "memmap": lambda path: _overwrite(path / "clips.jsonl", -9),
    "tfrecord": lambda path: _overwrite(path, -200),
    "youtube8m": lambda path: _overwrite(path, -200),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind == "csv")) for kind in LAST]
)
def test_reading_is_lazy(kind, tmp_path):
    """The first clips are read before the last one is found to be damaged."""
    archive = some_rows.archive(np.uint8, "abc", count=5000)
    name = "rows.csv" if kind == "csv" else "rows"
    path = formats.write(tmp_path / name, archive, kind)
    LAST[kind](path)
    found = []
    with pytest.raises(VGGishError):
        list(map(found.append, formats.read(path).clips))
    expected = Archive(archive.clips[: len(found)], archive.provenance)
    assert found
    assert some_rows.described(Archive(found, {})) == some_rows.described(expected)


def test_pyarrow_and_tensorflow_are_imported_where_they_are_used(tmp_path):
    """Not by the modules themselves, nor by reading and writing what needs neither."""
    path = formats.write(tmp_path / "rows.npz", one_clip())
    code = (
        "import sys\n"
        "from vggish_tf import formats\n"
        "for name in formats.__all__: getattr(formats, name)\n"
        f"formats.write({str(tmp_path / 'mapped')!r}, formats.read({str(path)!r}), 'memmap')\n"
        "assert not {'pyarrow', 'tensorflow'} & set(sys.modules)\n"
        f"formats.write({str(tmp_path / 'rows.parquet')!r}, formats.read({str(path)!r}))\n"
        "assert 'pyarrow' in sys.modules and 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_checksum_is_the_one_of_records(tmp_path):
    """The check value of CRC-32C; TensorFlow's own file is found in the tests above."""
    assert _crc32c(b"123456789") == 0xE3069283
    with tf.io.TFRecordWriter(str(tmp_path / "other")) as writer:
        writer.write(b"anything")
    assert formats.format_of(tmp_path / "other") == "tfrecord"


DAMAGED = ("rows.parquet", "rows.csv", "rows.npz", "rows.tfrecord", "rows", "mapped")


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("left", [0.999, 0.9, 0.5, 0.1, 0.01])
def test_a_cut_file_is_a_line(name, left, tmp_path):
    """At many places; of a folder each of its files."""
    names = ["a.wav"] if name.endswith(".npz") else ["a.wav", "b.wav", "c\n.wav"]
    archive = some_rows.archive(np.uint8, names)
    path = formats.write(tmp_path / name, archive, "memmap" if name == "mapped" else None)
    files = [path] if path.is_file() else sorted(path.iterdir())
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content[: max(0, int(len(content) * left) - 1)])
        if file.name == "clip.npy":  # which is for others
            continue
        with pytest.raises(VGGishError) as raised:
            list(formats.read(path).clips)
        assert "\n" not in str(raised.value), file
        file.write_bytes(content)


@pytest.mark.parametrize("name", DAMAGED)
def test_changed_bytes_are_an_archive_or_a_line(name, tmp_path):
    names = ["a.wav"] if name.endswith(".npz") else ["a.wav", "b.wav"]
    archive = some_rows.archive(np.uint8, names, count=2)
    path = formats.write(tmp_path / name, archive, "memmap" if name == "mapped" else None)
    rng = np.random.default_rng(0)
    files = [path] if path.is_file() else sorted(path.iterdir())
    for file in files * (60 // len(files)):
        content = file.read_bytes()
        changed = bytearray(content)
        for place in rng.integers(0, len(changed), 1 + rng.integers(3)):
            changed[place] = rng.integers(256)
        file.write_bytes(changed)
        with contextlib.suppress(VGGishError):
            list(formats.read(path).clips)
        file.write_bytes(content)
