"""The approximate index: its recall, and that it is never out of date or half-built."""

import os
import shutil
import sys

import archives
import numpy as np
import pytest

from vggish_tf.cosines import blocks
from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.formats import parquet
from vggish_tf.jobs.search import Index, index, nearest, open_index
from vggish_tf.rows import Archive

pytest.importorskip("usearch", reason="usearch is not installed: pip install '.[search]'")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder of two shards, 40 clips of 50 rows, and their index. Do not change it."""
    folder = tmp_path_factory.mktemp("built")
    for shard in range(2):
        rows = archives.clusters(1000, seed=shard)
        clips = [archives.clip(f"{shard}/ä {k}.wav", rows[50 * k : 50 * k + 50]) for k in range(20)]
        archives.written(folder / f"{shard}.parquet", clips)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_ROWS", 130)  # clips lie in several blocks
        open_index(folder)
    return folder


@pytest.fixture
def indexed(built, tmp_path):
    """A copy of it, with the same times, and so with an index that counts."""
    folder = shutil.copytree(built, tmp_path / "rows")
    open_index(folder, lambda line: pytest.fail(f"it is built again: {line}"))
    return folder


@pytest.fixture
def archive(built, tmp_path):
    """A copy without the index."""
    return shutil.copytree(built, tmp_path / "rows", ignore=shutil.ignore_patterns("_index"))


def places(hits):
    return [(hit.path, hit.start, hit.end, hit.example) for hit in hits]


@pytest.mark.parametrize("options", [{}, {"per_file": True}, {"unlike": archives.normal(3, 128)}])
def test_it_finds_what_the_exact_search_finds(options, indexed, monkeypatch):
    """Not always all, but of 2,000 rows in clusters it does."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 130)  # clips lie in several blocks
    query = archives.clusters(3, seed=7)
    found = nearest(indexed, query, index=open_index(indexed), **options)
    exact = nearest(indexed, query, **options)
    assert places(found) == places(exact)
    assert [hit.cosine for hit in found] == pytest.approx([hit.cosine for hit in exact], abs=1e-6)
    assert len(found) == 20


def test_it_looks_further_until_there_are_enough_hits(indexed):
    """All the rows near to the query are near to the negative too, or of one file."""
    rows = np.concatenate([clip.embedding for clip in parquet.read(indexed).clips])
    query, options = rows[:1], {"unlike": [rows[1:600]], "per_file": True, "top": 25}
    assert places(nearest(indexed, query, index=open_index(indexed), **options)) == places(
        nearest(indexed, query, **options)
    )


def test_the_recall_is_that_of_numpy(indexed):
    """Of 100 rows of the archive, each compared with all others one by one."""
    opened = open_index(indexed)
    rows = np.concatenate([clip.embedding for clip in parquet.read(indexed).clips])
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    asked = np.unique(np.linspace(0, len(rows) - 1, 100).astype(int))
    found = 0
    for number in asked:
        tenth = np.sort(unit @ unit[number])[-10]
        near, _ = opened.near(unit[number : number + 1], 10)
        found += np.sum(near.embedding @ unit[number] >= tenth - 1e-6)
    assert opened.recall == pytest.approx(found / 10 / len(asked), abs=1e-9)
    assert opened.recall > 0.95
    assert str(opened) == f"2,000 rows, recall@10 {opened.recall:.3f}"


def test_the_recall_shows_what_is_missed(archive, monkeypatch):
    whole = Index.near
    monkeypatch.setattr(Index, "near", lambda self, query, count: whole(self, query, 5))
    assert open_index(archive).recall == pytest.approx(0.5, abs=0.01)


def test_it_is_built_once_and_again_when_the_archive_changed(archive):
    said = []
    open_index(archive, said.append)
    open_index(archive, said.append)
    assert said == [f"building the index {archive / '_index'} …"]
    shard = archive / "0.parquet"
    stat = shard.stat()
    os.utime(shard, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    open_index(archive, said.append)
    assert len(said) == 2
    extra = archives.clip("new.wav", archives.normal(1, 128, seed=50))
    archives.written(archive / "2.parquet", [extra])
    (best,) = nearest(archive, extra.embedding, top=1, index=open_index(archive, said.append))
    assert (best.path, len(said)) == ("new.wav", 3)
    assert parquet.shards_of(archive)[-1].name == "2.parquet"  # the index is no shard


def test_it_is_built_again_for_rows_of_other_weights(tmp_path):
    """The file has the same size and time; its rows are of other weights."""
    keys = []
    for digest in ("a", "b"):
        path = archives.written(
            tmp_path / "a.parquet", [archives.clip("a.wav", archives.normal(3, 128))],
            {"weights": {"values_sha256": digest}},
        )  # fmt: skip
        os.utime(path, ns=(0, 0))
        keys.append(open_index(path).key)
    assert [key["weights"] for key in keys] == ["a", "b"]
    assert keys[0]["shards"] == keys[1]["shards"]
    assert sorted(os.listdir(tmp_path)) == ["a.parquet", "a.parquet.usearch"]


@pytest.mark.parametrize("name", ["about.json", "rows.usearch", "start.npy"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_index_is_built_again(name, damage, indexed):
    path = indexed / "_index" / name
    path.unlink() if damage == "missing" else path.write_bytes(path.read_bytes()[:-20])
    said = []
    assert len(open_index(indexed, said.append)) == 2000
    assert len(said) == 1


@pytest.mark.parametrize("name", ["about.json", "rows.usearch", "start.npy"])
@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"key": {}}'])
def test_an_index_with_other_content_is_built_again(name, content, indexed):
    (indexed / "_index" / name).write_bytes(content)
    said = []
    assert len(open_index(indexed, said.append)) == 2000
    assert len(said) == 1


def test_a_build_that_fails_leaves_what_was_there(indexed, monkeypatch):
    before = Index(indexed / "_index").key
    os.utime(indexed / "0.parquet", ns=(0, 0))

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "_recall", fail)
    with pytest.raises(OSError, match="No space"):
        open_index(indexed)
    assert Index(indexed / "_index").key == before
    assert sorted(os.listdir(indexed)) == ["0.parquet", "1.parquet", "_index"]


def test_rows_without_a_direction_are_not_in_it(tmp_path):
    rows = archives.normal(6, 128)
    rows[0], rows[2, 5], rows[3, 7] = 0, np.nan, np.inf
    path = archives.written(tmp_path / "a.parquet", [archives.clip("a.wav", rows)])
    opened, query = open_index(path), archives.normal(1, 128, seed=1)
    assert len(opened) == 3
    assert places(nearest(path, query, index=opened)) == places(nearest(path, query))


def test_an_empty_archive_has_an_empty_index(tmp_path):
    path = archives.written(tmp_path / "a.parquet", [])
    opened = open_index(path)
    assert (len(opened), opened.recall, str(opened)) == (0, None, "0 rows")
    assert nearest(path, np.ones((2, 128)), index=opened) == []


def test_rows_of_another_size_are_refused(indexed):
    with pytest.raises(UsageError, match="256 numbers, those of the archive 128"):
        nearest(indexed, np.ones((1, 256)), index=open_index(indexed))


def test_without_usearch_it_says_what_to_install(archive, monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(VGGishError, match=r"pip install '\.\[search\]'"):
        open_index(archive)
    assert len(nearest(Archive([], {}), np.ones((1, 128)))) == 0


def test_there_is_no_index_of_nothing(tmp_path):
    with pytest.raises(VGGishError, match=r"holds no \.parquet file"):
        open_index(tmp_path)
