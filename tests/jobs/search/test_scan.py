"""The exact search against plain NumPy: the same hits in the same order, and what bounds it."""

import tracemalloc

import archives
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vggish_tf import dequantize
from vggish_tf.cosines import blocks
from vggish_tf.errors import UsageError
from vggish_tf.jobs.search import nearest
from vggish_tf.rows import Archive

COSINE_ATOL = 2e-12  # both are rounded to 12 decimals, and may be so to neighbours


def found(clips, query, **options):
    """Hits as the oracle gives them."""
    hits = nearest(Archive(clips, {}), query, **options)
    return [(hit.path, hit.start, hit.cosine, hit.example) for hit in hits]


def check_same(hits, expected):
    assert [(path, start, example) for path, start, _, example in hits] == [
        (path, start, example) for path, start, _, example in expected
    ]
    cosines = [cosine for _, _, cosine, _ in hits]
    np.testing.assert_allclose(cosines, [hit[2] for hit in expected], rtol=0, atol=COSINE_ATOL)


@st.composite
def searches(draw):
    """Clips, some of one file, with rows that are alike, zero, or not finite; a query; options."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, paths = draw(st.sampled_from([2, 128])), ["a.wav", "b.wav", "c.wav", "d.wav"]
    pool = generator.standard_normal((12, size)).astype(np.float32)
    pool[0], pool[1, 0], pool[2, 1] = 0, np.nan, -np.inf
    pool[3] = pool[4] / 1024
    lengths = draw(st.lists(st.integers(0, 9), max_size=8))
    clips = [
        archives.clip(
            draw(st.sampled_from(paths)), pool[generator.integers(0, 12, length)], 100 * place
        )
        for place, length in enumerate(lengths)
    ]
    query = pool[generator.integers(3, 12, draw(st.integers(1, 4)))]
    unlike = [pool[generator.integers(0, 12, draw(st.integers(1, 3)))]] * draw(st.integers(0, 1))
    return clips, query, draw(st.integers(1, 12)), draw(st.booleans()), unlike


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(searches(), st.integers(1, 20))
def test_hits_are_those_of_numpy(search, block_rows):
    clips, query, top, per_file, unlike = search
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_ROWS", block_rows)
        hits = found(clips, query, top=top, per_file=per_file, unlike=unlike)
    expected = archives.oracle(clips, query, top, per_file, *unlike)
    check_same(hits, expected)


def test_many_rows_in_several_blocks_of_the_real_size():
    clips = [archives.clip(f"{k}.wav", archives.normal(230, 128, seed=k)) for k in range(40)]
    query = archives.normal(2, 128, seed=99)
    check_same(found(clips, query, top=50), archives.oracle(clips, query, 50))


@pytest.mark.parametrize("per_file", [False, True])
def test_clips_of_any_length_in_a_file(per_file, tmp_path):
    """They are read in batches, whose borders are not those of clips."""
    lengths = [1] * 300 + [5000] + [3] * 20
    clips = [
        archives.clip(f"{k}.wav", archives.normal(n, 128, seed=k)) for k, n in enumerate(lengths)
    ]
    path, query = (
        archives.written(tmp_path / "rows.parquet", clips),
        archives.normal(2, 128, seed=999),
    )
    hits = nearest(path, query, top=40, per_file=per_file)
    found = [(hit.path, hit.start, hit.cosine, hit.example) for hit in hits]
    check_same(found, archives.oracle(clips, query, 40, per_file))


def test_equal_rows_come_in_the_order_of_the_archive():
    """BLAS gives the same row other last bits at the end of a block than in its middle."""
    rows = archives.normal(1, 128)
    clips = [archives.clip(f"{k}.wav", np.repeat(rows, n, axis=0)) for k, n in enumerate([9000, 7])]
    query = archives.normal(5, 128, seed=1)
    hits = found(clips, query, top=9007)
    assert [(path, start) for path, start, _, _ in hits] == [
        (clip.path, start) for clip in clips for start in clip.start
    ]
    assert len({(cosine, example) for *_, cosine, example in hits}) == 1


def test_rows_without_a_direction_are_never_hits():
    rows = archives.normal(6, 128)
    rows[0], rows[2, 5], rows[3, 7] = 0, np.nan, np.inf
    hits = found([archives.clip("a.wav", rows)], archives.normal(1, 128, seed=1))
    assert sorted(start for _, start, *_ in hits) == pytest.approx([0.96, 4 * 0.96, 5 * 0.96])


def test_examples_without_a_direction_are_passed_over_and_counted():
    rows = archives.normal(4, 128)
    query = np.stack([np.zeros(128), np.full(128, np.nan), rows[2]])
    best, *_ = found([archives.clip("a.wav", rows)], query)
    assert best == ("a.wav", 2 * 0.96, pytest.approx(1, abs=COSINE_ATOL), 2)


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_a_query_without_a_direction_is_refused(value):
    with pytest.raises(UsageError, match="no row that is finite and not zero"):
        found([archives.clip("a.wav", archives.normal(1, 128))], np.full((2, 128), value))


@pytest.mark.parametrize("scale", [1e-40, 1e-25, 1e25, 1e37])
def test_rows_of_any_length_have_their_direction(scale):
    """The squares of these are beyond float32; the smallest are not even normal numbers."""
    rows = archives.normal(5, 128)
    scaled = (rows * np.float32(scale)).astype(np.float32)
    query = archives.normal(1, 128, seed=1)
    clips = [archives.clip("a.wav", scaled)]
    check_same(found(clips, query), archives.oracle(clips, query, 20))


def test_bytes_are_dequantized_first():
    generator = np.random.default_rng(0)
    rows, query = (generator.integers(0, 256, (n, 128), np.uint8) for n in (50, 2))
    expected = archives.oracle([archives.clip("a.wav", dequantize(rows))], dequantize(query), 20)
    check_same(found([archives.clip("a.wav", rows)], query), expected)
    assert expected != archives.oracle([archives.clip("a.wav", rows)], query, 20)


def test_there_may_be_fewer_rows_than_hits_asked_for():
    clips = [archives.clip("a.wav", archives.normal(3, 128))]
    assert len(found(clips, archives.normal(1, 128), top=1000)) == 3
    assert found([], archives.normal(1, 128)) == []


def test_a_segment_nearer_to_a_negative_is_left_out_and_one_as_near_is_not():
    query, other = np.eye(128, dtype=np.float32)[:2]
    rows = np.stack([3 * query + other, query + 3 * other, query + other, other])
    hits = found([archives.clip("a.wav", rows)], query, unlike=[other])
    assert [start for _, start, *_ in hits] == [0, 2 * 0.96]


def test_one_hit_a_file_though_its_clips_lie_apart(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 4)
    names = ["a.wav", "b.wav", "a.wav", "c.wav", "b.wav", "a.wav"]
    clips = [
        archives.clip(name, archives.normal(3, 128, seed=k), 10 * k) for k, name in enumerate(names)
    ]
    query = archives.normal(1, 128, seed=9)
    hits = found(clips, query, top=2, per_file=True)
    assert len({path for path, *_ in hits}) == 2
    check_same(hits, archives.oracle(clips, query, 2, per_file=True))


def around(axis: int, *shares: float):
    """A clip of rows beside the first axis, towards another one."""
    return np.stack([np.eye(128)[0] + share * np.eye(128)[axis] for share in shares])


def test_one_file_does_not_crowd_out_the_others_of_a_block():
    rows = {"a.wav": [0.1, 0.2, 0.3], "b.wav": [0.4], "c.wav": [0.5]}
    clips = [archives.clip(name, around(1, s)) for name, shares in rows.items() for s in shares]
    paths = [path for path, *_ in found(clips, around(1, 0), top=2, per_file=True)]
    assert paths == ["a.wav", "b.wav"]


def test_what_is_left_out_does_not_crowd_out_the_others_of_a_block():
    """The three rows nearest to the query are nearer to the negative."""
    clips = [
        archives.clip(
            "a.wav", np.concatenate([around(1, 0.15, 0.2, 0.3), around(2, 0.5, 0.7, 0.9)])
        )
    ]
    hits = found(clips, around(1, 0), top=2, unlike=[around(1, 0.2)[0]])
    assert [start for _, start, *_ in hits] == pytest.approx([3 * 0.96, 4 * 0.96])


@pytest.mark.parametrize("queries", [{}, {"unlike": [np.ones((1, 256))]}])
def test_rows_of_another_size_are_refused(queries):
    size = 128 if queries else 256
    clips = [archives.clip("a.wav", archives.normal(1, 128))]
    with pytest.raises(UsageError, match="256 numbers, those of the archive 128"):
        found(clips, np.ones((1, size)), **queries)


@pytest.mark.parametrize("query", [np.zeros((1, 2, 3)), np.array([["a"]]), np.array([[1j]])])
def test_what_is_no_rows_is_refused(query):
    with pytest.raises(UsageError, match=r"a query must be \(n, size\) numbers; received"):
        found([], query)


def test_no_hits_cannot_be_asked_for():
    with pytest.raises(UsageError, match="top must be a whole number from 1; received 0"):
        found([], np.ones((1, 128)), top=0)


@pytest.mark.parametrize("rows_a_clip", [50, 40_000])
def test_memory_does_not_grow_with_the_archive(rows_a_clip):
    """80,000 rows are 41 MB; a block and what is made of it are 4 MB each, a clip is 20."""
    rows, query = archives.normal(rows_a_clip, 128), archives.normal(300, 128, seed=1)
    clips = (archives.clip(f"{k}.wav", rows) for k in range(80_000 // rows_a_clip))
    tracemalloc.start()
    found(clips, query, per_file=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6
