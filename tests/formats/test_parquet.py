"""Parquet: everybody reads the same rows, shards are one table, other tables are refused."""

import duckdb
import numpy as np
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import some_rows

from vggish_tf import VGGishError, files, formats
from vggish_tf.formats import parquet
from vggish_tf.rows import Archive


def columns_of(archive: Archive) -> dict[str, list]:
    clips = list(archive.clips)
    return {
        "path": [clip.path for clip in clips for _ in clip.start],
        "start": [start for clip in clips for start in clip.start],
        "embedding": [row.tolist() for clip in clips for row in clip.embedding],
    }


def with_pandas(path):
    frame = pandas.read_parquet(path)
    return {name: [*frame[name]] for name in ("path", "start")} | {
        "embedding": [row.tolist() for row in frame["embedding"]]
    }


def with_polars(path):
    frame = polars.read_parquet(path / "*.parquet" if path.is_dir() else path)
    return {name: frame[name].to_list() for name in ("path", "start", "embedding")}


def with_duckdb(path):
    files = path / "*.parquet" if path.is_dir() else path
    rows = duckdb.sql(f"select path, start, embedding from '{files}'").fetchall()
    return {
        name: [list(row[place]) if name == "embedding" else row[place] for row in rows]
        for place, name in enumerate(("path", "start", "embedding"))
    }


@pytest.mark.parametrize("read", [with_pandas, with_polars, with_duckdb])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("name", ["rows.parquet", "rows"])
def test_everybodys_readers(read, dtype, name, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "SHARD_ROWS", 10)
    archive = some_rows.archive(
        dtype, [name for name in some_rows.ODD_NAMES if "\udc80" not in name]
    )
    path = formats.write(tmp_path / name, archive)
    assert read(path) == columns_of(archive)


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
        ({"embedding": pa.array([[0.5]])}, r"its embedding is list<.*double>, no fixed-size"),
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
