"""Parquet: shards are one table, and other tables are refused; see also test_readers.py."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import some_rows

from vggish_tf import VGGishError, files, formats
from vggish_tf.formats import parquet
from vggish_tf.rows import Archive


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_the_columns_and_their_types_are_those_of_the_page(dtype, tmp_path):
    path = formats.write(tmp_path / "rows.parquet", some_rows.archive(dtype))
    schema, column = pq.read_schema(path), pq.read_metadata(path).row_group(0).column
    values = pa.list_(pa.float32() if dtype == np.float32 else pa.uint8(), 128)
    assert dict(zip(schema.names, schema.types, strict=True)) == {
        "path": pa.string(),
        "start": pa.float64(),
        "end": pa.float64(),
        "embedding": values,
    }
    assert json.loads(schema.metadata[b"vggish_tf"]) == some_rows.PROVENANCE
    assert {column(place).compression for place in range(4)} == {"ZSTD"}


def test_shards_are_cut_between_clips_and_read_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "SHARD_ROWS", 10)
    archive = some_rows.archive()
    path = formats.write(tmp_path / "rows", archive)
    counts = [pq.read_metadata(shard).num_rows for shard in parquet.shards_of(path)]
    assert len(counts) > 3
    assert all(10 <= count < 14 for count in counts[:-1])
    assert some_rows.described(formats.read(path)) == some_rows.described(archive)


def test_a_shard_that_is_being_written_is_not_read(tmp_path):
    path = formats.write(tmp_path / "rows", some_rows.archive())
    with files.replacing(path / "rows-1.parquet") as temporary:
        temporary.write_bytes(b"PAR1, and no more yet")
        assert some_rows.described(formats.read(path)) == some_rows.described(some_rows.archive())


def test_a_clip_may_be_in_many_groups_and_batches(tmp_path):
    archive = Archive([some_rows.clip("long.wav", 10_000), some_rows.clip("b.wav", 1)], {})
    path = formats.write(tmp_path / "rows.parquet", archive)
    assert pq.read_metadata(path).num_row_groups > 2
    assert some_rows.described(formats.read(path)) == some_rows.described(archive)


def test_a_clip_that_is_kept_does_not_keep_the_rows_around_it(tmp_path):
    archive = Archive([some_rows.clip(f"{number}.wav", 1) for number in range(50)], {})
    for clip in formats.read(formats.write(tmp_path / "rows.parquet", archive)).clips:
        assert all(array.flags.owndata and array.flags.writeable for array in clip[1:4])


def test_shards_of_other_settings_are_refused(tmp_path):
    path = formats.write(tmp_path / "rows", some_rows.archive())
    other = Archive([some_rows.clip("b.wav", 1)], {**some_rows.PROVENANCE, "pad": "always"})
    formats.write(path / "rows-1.parquet", other)
    with pytest.raises(VGGishError, match=r"rows-1\.parquet was made with other settings .*: pad"):
        list(formats.read(path).clips)
    version = {**some_rows.PROVENANCE, "vggish_tf": "0.2.0"}
    formats.write(path / "rows-1.parquet", other._replace(provenance=version))
    assert list(formats.read(path).clips)[-1].path == "b.wav"


FLOATS = pa.array([[0.0] * 128], pa.list_(pa.float32(), 128))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"path": None}, "it has the columns start, end, embedding"),
        ({"embedding": pa.array([[0.5]])}, r"its embedding is list<.*double>, not a fixed-size"),
        (
            {"embedding": pa.array([[0.5]], pa.list_(pa.float64(), 1))},
            "its embedding is fixed_size",
        ),
        ({"embedding": pa.array([None], FLOATS.type)}, "damaged"),
        ({"start": pa.array([0])}, "its start is int64, not double"),
        ({"end": pa.array([None], pa.float64())}, "damaged"),
        ({"path": pa.array([None], pa.string())}, "a row has no path"),
    ],
)
def test_other_tables_are_refused_in_a_line(changes, said, tmp_path):
    columns = {"path": ["a.wav"], "start": [0.0], "end": [1.0], "embedding": FLOATS, **changes}
    kept = {name: column for name, column in columns.items() if column is not None}
    pq.write_table(pa.table(kept), tmp_path / "rows.parquet")
    with pytest.raises(VGGishError, match=said):
        list(formats.read(tmp_path / "rows.parquet").clips)
