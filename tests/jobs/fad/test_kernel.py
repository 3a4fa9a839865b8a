"""Kernel distances: known goldens, blocks of any size, and medians by sorting."""

import numpy as np
import pytest
import scipy.spatial.distance

from vggish_tf.errors import UsageError
from vggish_tf.jobs.fad import kernel, kernel_distance

GOLDEN = {  # of float64, ×100
    "reference": (5.666805320229473, 4.012686306952995, 2.061335228944494),
    "kadtk": (1.7541432547446112, 1.866764632114215, 0.8060370007982653),
    5.894216292934996 / 2: (8.208408708371218, 5.046191544822721, 2.9480066530054527),
}


@pytest.mark.parametrize("bandwidth", GOLDEN)
@pytest.mark.parametrize("number", range(3))
def test_the_goldens_of_other_implementations(bandwidth, number, golden):
    name = ("gaussian", "iq", "imq")[number]
    found = kernel_distance(*golden, kernel=name, bandwidth=bandwidth)
    assert found == pytest.approx(GOLDEN[bandwidth][number], rel=1e-9)


def test_the_cubic_kernel_of_kid(golden):
    x, y = golden
    found = kernel_distance(x[:30], y, kernel="cubic", scale=1)
    assert found == pytest.approx(0.5963059046978465, rel=1e-9)


def test_a_set_to_itself_is_negative(golden):
    x, _ = golden
    assert kernel_distance(x, x.copy()) == pytest.approx(-1.9898100694370147, rel=1e-9)


def test_the_medians_are_the_lower_ones(golden):
    x, y = golden
    assert kernel.median_distance(x) == pytest.approx(3.8296450920001424, rel=1e-12)
    assert kernel.median_distance(y) == pytest.approx(5.894216292934996, rel=1e-12)


@pytest.mark.parametrize("name", ["gaussian", "iq", "imq", "cubic"])
@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_blocks_change_nothing(name, block, golden, monkeypatch):
    expected = kernel_distance(*golden, kernel=name)
    monkeypatch.setattr(kernel, "BLOCK", block)
    assert kernel_distance(*golden, kernel=name) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("count", [2, 3, 4, 50, 301])
@pytest.mark.parametrize("most", [1, 10, 1 << 22])
def test_the_median_is_that_of_all_sorted(count, most, monkeypatch):
    monkeypatch.setattr(kernel, "MOST_SORTED", most)
    monkeypatch.setattr(kernel, "BLOCK", 64)
    rows = np.random.default_rng(count).standard_normal((count, 5))
    every = np.sort(scipy.spatial.distance.pdist(rows))
    assert kernel.median_distance(rows) == pytest.approx(every[(len(every) - 1) // 2], rel=1e-9)


def test_the_median_of_rows_that_are_all_alike(monkeypatch):
    monkeypatch.setattr(kernel, "MOST_SORTED", 3)
    assert kernel.median_distance(np.ones((40, 3))) == 0
    corners = np.repeat(np.eye(2) * np.sqrt(2), 20, axis=0)
    assert kernel.median_distance(corners) == pytest.approx(2, rel=1e-9)


def test_what_cannot_be_compared_is_refused():
    rows = np.zeros((3, 4))
    with pytest.raises(UsageError, match="at least 2 rows are needed"):
        kernel_distance(rows[:1], rows)
    with pytest.raises(UsageError, match=r"received \[\(3, 4\), \(3, 2\)\]"):
        kernel_distance(rows, rows[:, :2])
    with pytest.raises(UsageError, match="not finite"):
        kernel_distance(rows, rows + np.inf)
    with pytest.raises(UsageError, match="bandwidth must be 'reference' or 'kadtk'"):
        kernel_distance(rows, rows, bandwidth="median")
    with pytest.raises(UsageError, match="bandwidth must be positive"):
        kernel_distance(rows, rows, bandwidth=0.0)
    with pytest.raises(UsageError, match="kernel must be 'gaussian'"):
        kernel_distance(rows, rows, kernel="rbf")
