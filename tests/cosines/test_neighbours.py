"""The neighbours of every row: one by one in plain NumPy, and as `nearest` finds them."""

import archives
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vggish_tf import dequantize
from vggish_tf.cosines import neighbours, neighbours_of
from vggish_tf.errors import UsageError
from vggish_tf.jobs import search
from vggish_tf.rows import Archive

COSINE_ATOL = 2e-12  # both are rounded to 12 decimals, and may be so to neighbours


def oracle(rows, count):
    """Of each row the numbers and cosines of the others, all pairs one at a time."""
    cosines = [[archives.cosine(a, b) for b in rows] for a in rows]
    table = np.array(cosines).reshape(len(rows), len(rows))
    np.fill_diagonal(table, np.nan)
    numbers = [sorted(np.flatnonzero(~np.isnan(line)), key=lambda n: -line[n]) for line in table]
    return [kept[:count] for kept in numbers], table


def check(rows, count, compared=None):
    """Compares with the oracle; rows that are as near as rounding tells may change places."""
    found = neighbours_of(rows, count)
    numbers, table = oracle(rows if compared is None else compared, count)
    for line, expected in enumerate(numbers):
        kept = found.number[line][: len(expected)]
        cosines = found.cosine[line][: len(expected)]
        np.testing.assert_allclose(table[line][kept], table[line][expected], atol=COSINE_ATOL)
        np.testing.assert_allclose(cosines, table[line][expected], rtol=0, atol=COSINE_ATOL)
        assert line not in kept
        assert len({*kept}) == len(kept)
        assert (found.number[line][len(expected) :] == -1).all()
        assert np.isnan(found.cosine[line][len(expected) :]).all()
    return found


@st.composite
def tables(draw):
    """Rows that are alike, scaled, zero or not finite."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pool = generator.standard_normal((12, draw(st.sampled_from([2, 128])))).astype(np.float32)
    pool[0], pool[1, 0], pool[2, 1] = 0, np.nan, -np.inf
    pool[3] = pool[4] / 1024
    pool[5] = pool[6] + 1e-4
    return pool[generator.integers(0, 12, draw(st.integers(0, 40)))]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(tables(), st.integers(1, 12), st.integers(1, 9), st.integers(1, 9), st.sampled_from([0, 64]))
def test_neighbours_are_those_of_numpy(rows, count, at_once, others, many):
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(neighbours, "ROWS_AT_ONCE", at_once)
        patch.setattr(neighbours, "OTHERS_AT_ONCE", others)
        patch.setattr(neighbours, "MANY", many)
        check(rows, count)


def test_they_are_what_search_finds(monkeypatch):
    """Each row as a query, in blocks of both sizes; some rows are there three times."""
    monkeypatch.setattr(neighbours, "ROWS_AT_ONCE", 100)
    monkeypatch.setattr(neighbours, "OTHERS_AT_ONCE", 300)
    rows = archives.clusters(700)
    rows[400:500], rows[650:] = rows[:100], rows[50:100]
    rows[7] = 0
    found = neighbours_of(rows, 10)
    clips = [archives.clip("a.wav", rows)]
    for number in {*range(0, 700, 13)} - {7}:
        hits = search.nearest(Archive(clips, {}), rows[number], top=14)
        others = [round(hit.start / archives.SECONDS) for hit in hits]
        cosines = [hit.cosine for hit, other in zip(hits, others, strict=True) if other != number]
        assert found.number[number].tolist() == [n for n in others if n != number][:10]
        assert found.cosine[number].tolist() == cosines[:10]


def test_equal_rows_come_in_their_order():
    rows = np.repeat(archives.normal(1, 128), 9000, axis=0)
    found = neighbours_of(rows, 3)
    assert found.number[[0, 1, 2, 3, 8999]].tolist() == [
        [1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2],
    ]  # fmt: skip
    assert (found.cosine == 1).all()


def test_rows_that_float32_does_not_tell_apart(monkeypatch):
    """All cosines are within 1e-6: float32 alone would keep every pair."""
    monkeypatch.setattr(neighbours, "ROWS_AT_ONCE", 64)
    monkeypatch.setattr(neighbours, "MANY", 4)
    noise = 1e-4 * archives.normal(150, 16, seed=1)
    check((archives.normal(1, 16) + noise).astype(np.float32), 5)


def test_bytes_are_dequantized_first():
    rows = np.random.default_rng(0).integers(0, 256, (60, 16), np.uint8)
    check(rows, 5, compared=dequantize(rows))


def test_progress_hears_of_every_row_that_has_a_direction(monkeypatch):
    monkeypatch.setattr(neighbours, "ROWS_AT_ONCE", 4)
    rows, heard = archives.normal(21, 128), []
    rows[3], rows[20] = 0, rows[1]
    neighbours_of(rows, 2, heard.append)
    assert sum(heard) == 20
    assert len(heard) == 5


def test_no_neighbours_cannot_be_asked_for():
    with pytest.raises(UsageError, match="count must be a whole number from 1; received 0"):
        neighbours_of(archives.normal(2, 2), 0)
