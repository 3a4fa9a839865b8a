"""Other libraries read an archive in Parquet by the calls that docs/formats.md lists, and read the
same rows: a file, a folder of shards, and what `vggish-tf embed` leaves with its records beside.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import places
import pyarrow.parquet as pq
import pytest
import small_network
import some_rows
from sound_files import write_noise

import vggish_tf
from vggish_tf import formats
from vggish_tf.formats import parquet
from vggish_tf.jobs.embed import embed_archive
from vggish_tf.rows import Archive

LISTS = ("labels", "embedding")
CALLS = {
    "pandas": 'pandas.read_parquet("rows")',
    "polars": 'polars.read_parquet("rows/*.parquet")',
    "duckdb": "duckdb.sql(\"select * from 'rows/*.parquet'\")",
    "datasets": 'datasets.load_dataset("parquet", data_files="rows/*.parquet", split="train")',
    "Spark": 'spark.read.parquet("rows")',
}
AS_DICTIONARIES = {
    "pandas": lambda frame: frame.to_dict("records"),
    "polars": lambda frame: frame.to_dicts(),
    "duckdb": lambda relation: relation.to_arrow_table().to_pylist(),
    "datasets": list,
    "Spark": lambda frame: [row.asDict() for row in frame.collect()],
}


@pytest.fixture(scope="module")
def spark():
    """A session in a process of its own, which ends with the tests of this file."""
    sql = pytest.importorskip(
        "pyspark.sql", reason="pyspark is not installed: pip install '.[test]'"
    )
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs java, which is not installed")
    settings = {
        "spark.driver.memory": "512m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    session = sql.SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    gateway = session.sparkContext._gateway
    yield session
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()  # at which it ends
    gateway.proc.wait(60)


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.slow if name == "Spark" else []) for name in CALLS]
)
def library(request):
    return request.param


@pytest.fixture
def scope(library, request, tmp_path, monkeypatch):
    """The names of a call, in a folder to be in."""
    monkeypatch.chdir(tmp_path)
    if library == "Spark":
        return {"spark": request.getfixturevalue("spark")}
    module = pytest.importorskip(
        library, reason=f"{library} is not installed: pip install '.[test]'"
    )
    if library == "datasets":
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    return {library: module}


def rows_of(library: str, scope: dict, path: Path) -> list[dict]:
    """A dictionary a row, of `rows` in the current folder, or of a file there."""
    call = CALLS[library]
    if path.is_file():
        call = call.replace("/*.parquet", "").replace("rows", path.name)
    if library == "Spark":  # whose own current folder stays the first one
        call = call.replace(path.name, str(path))
    rows = AS_DICTIONARIES[library](eval(call, scope))
    return in_order(library, [plain(row) for row in rows])


def plain(row: dict) -> dict:
    """A row with lists for every kind of sequence."""
    return {name: list(row[name]) if name in LISTS else row[name] for name in row}


def in_order(library: str, rows: list[dict]) -> list[dict]:
    """Spark reads the largest shard first."""
    key = ("path", "start") if library == "Spark" else ()
    return sorted(rows, key=lambda row: [row[name] for name in key])


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("name", ["rows.parquet", "rows"])
def test_the_same_rows(library, scope, dtype, name, labelled, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "SHARD_ROWS", 10)
    names = [name for name in some_rows.ODD_NAMES if "\udc80" not in name]
    archive = some_rows.archive(dtype, names, labelled)
    path = formats.write(tmp_path / name, archive)
    assert rows_of(library, scope, path) == in_order(library, [*rows_in(archive)])


def rows_in(archive: Archive) -> Iterator[dict]:
    for clip in archive.clips:
        labels = {} if clip.labels is None else {"labels": clip.labels.tolist()}
        for start, end, row in zip(*clip[1:4], strict=True):
            times = {"start": start, "end": end}
            yield {"path": clip.path, **times, **labels, "embedding": row.tolist()}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """A folder that embed wrote: two shards, a file that failed, and an index."""
    folder = tmp_path_factory.mktemp("embedded")
    (folder / "sounds").mkdir()
    for number in range(3):
        write_noise(folder / "sounds" / f"{number}.wav", 2 + number, number)
    (folder / "sounds" / "bad.wav").write_bytes(b"RIFF")
    with small_network.shrunken():
        embedder = vggish_tf.Embedder(small_network.randomize(vggish_tf.VGGish(None)))
        embed_archive([folder / "sounds"], folder / "rows", embedder)
        write_noise(folder / "new.wav", 3, 9)
        embed_archive([folder / "sounds", folder / "new.wav"], folder / "rows", embedder)
    (folder / "rows" / "_index").mkdir()
    (folder / "rows" / "_index" / "about.json").write_text("{}", encoding="utf-8")
    return folder / "rows", embedder.provenance


def test_the_folder_of_embed_with_its_records_beside(library, scope, embedded, tmp_path):
    """pyarrow says what is in each shard."""
    folder, _ = embedded
    shutil.copytree(folder, tmp_path / "rows")
    shards = sorted((tmp_path / "rows").glob("*.parquet"))
    assert len(shards) == 2
    assert {"_embed", "_failures.csv", "_index"} <= set(os.listdir(tmp_path / "rows"))
    expected = [row for shard in shards for row in pq.ParquetFile(shard).read().to_pylist()]
    assert len(expected) == 2 + 3 + 4 + 3
    assert rows_of(library, scope, tmp_path / "rows") == in_order(library, expected)


def test_every_shard_says_with_which_weights_and_settings(embedded):
    folder, provenance = embedded
    assert {"weights", "params", "resampler", "vggish_tf"} <= set(provenance)
    for shard in folder.glob("*.parquet"):
        found = json.loads(pq.read_schema(shard).metadata[b"vggish_tf"])
        assert found == {**json.loads(json.dumps(provenance)), "pool": None}


def test_the_page_lists_the_calls():
    page = (places.ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert [call for call in CALLS.values() if call not in page] == []
