"""Intervals and p-values: SciPy's, simulations with fresh sets, and every order of few files."""

import numpy as np
import pytest
import scipy.stats

from vggish_tf.errors import UsageError
from vggish_tf.jobs.fad import Gaussian, frechet, resampling

SIZE = 3
REFERENCE = Gaussian(np.zeros(SIZE), np.eye(SIZE))


def files(seed, count=30, shift=1.0):
    """Files of 1 to 6 rows; those of one file are alike."""
    generator = np.random.default_rng(seed)
    return [
        generator.standard_normal(SIZE) + generator.standard_normal((1 + number % 6, SIZE)) + shift
        for number in range(count)
    ]


def distance(sets):
    """By NumPy's covariance and SVD-free formula of a reference with the covariance 1."""
    rows = np.concatenate(sets)
    values = np.linalg.eigvalsh(np.cov(rows.T))
    return (rows.mean(0) ** 2).sum() + ((np.sqrt(values) - 1) ** 2).sum()


def test_a_set_that_is_drawn_has_each_file_as_often_as_it_was_drawn():
    parts = [rows + 1e5 for rows in files(0)]  # where squares would cancel
    drawn = np.array([3, 3, 7, 0, 29, 3])
    found = resampling._Files(parts).drawn(drawn)
    expected = np.concatenate([parts[number] for number in drawn])
    np.testing.assert_allclose(found.mean, expected.mean(0), rtol=1e-13)
    np.testing.assert_allclose(found.covariance, np.cov(expected.T), rtol=0, atol=1e-9)
    assert (found.num_rows, found.num_files) == (len(expected), 6)


def test_the_interval_is_scipy_s_but_for_its_centre():
    parts = files(1)
    low, high = resampling.interval(REFERENCE, parts, times=4000, seed=1)
    scipys = scipy.stats.bootstrap(
        (np.arange(len(parts)),), lambda drawn: distance([parts[number] for number in drawn]),
        vectorized=False, n_resamples=4000, method="percentile",
        random_state=2,  # named rng since SciPy 1.15, which takes both
    )  # fmt: skip
    spread = scipys.confidence_interval
    assert high - low == pytest.approx(spread.high - spread.low, rel=0.08)  # of random draws
    shift = scipys.bootstrap_distribution.mean() - distance(parts)
    assert shift > 0
    assert low == pytest.approx(spread.low - shift, abs=0.05 * (high - low))


@pytest.mark.slow
def test_the_interval_covers_the_distance_of_fresh_sets():
    """The mean over fresh sets of as many files is inside for 19 of 20 of them."""
    mean = np.mean([distance(files(seed)) for seed in range(1000, 3000)])
    intervals = [resampling.interval(REFERENCE, files(seed), times=300) for seed in range(200)]
    inside = sum(low <= mean <= high for low, high in intervals)
    assert 0.87 * 200 < inside < 0.99 * 200  # 30 files are few: bootstraps cover a little less


def test_rows_of_one_file_count_as_one():
    """Each row ten times over tells nothing new."""
    parts = files(2)
    repeated = [np.repeat(rows, 10, axis=0) for rows in parts]
    once, ten_times = (
        resampling.interval(REFERENCE, each, times=400) for each in (parts, repeated)
    )
    assert ten_times[1] - ten_times[0] == pytest.approx(once[1] - once[0], rel=0.05)


def test_the_p_value_is_that_of_every_order_of_few_files():
    first, second = files(3, 4), files(4, 4, shift=1.7)

    def difference(one, other):
        sets = [*first, *second]
        return abs(distance([sets[n] for n in one]) - distance([sets[n] for n in other]))

    exact = scipy.stats.permutation_test(
        (np.arange(4), np.arange(4, 8)), difference, vectorized=False,
        n_resamples=np.inf, alternative="greater",
    ).pvalue  # fmt: skip
    assert 0.05 < exact < 0.6
    found = resampling.p_value(REFERENCE, first, second, times=4000)
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000))


def test_sets_of_one_kind_have_every_p_value_alike():
    found = [
        resampling.p_value(REFERENCE, files(seed, 10), files(seed + 500, 10), times=99)
        for seed in range(100)
    ]
    assert scipy.stats.kstest(found, "uniform").pvalue > 0.01
    assert resampling.p_value(REFERENCE, files(0), files(1, shift=3.0), times=99) == 0.01


def test_one_file_cannot_be_drawn_anew():
    with pytest.raises(UsageError, match="a set of 1 file cannot be resampled"):
        resampling.interval(REFERENCE, [np.zeros((0, SIZE)), np.ones((5, SIZE))])
    with pytest.raises(UsageError, match="Give at least 2 with rows"):
        resampling.p_value(REFERENCE, files(0), [np.ones((5, SIZE))])


def test_distances_from_one_reference_are_the_distance():
    rows = np.concatenate(files(5))
    candidate = Gaussian(rows.mean(0), np.cov(rows.T))
    assert frechet.distance_from(REFERENCE)(candidate) == pytest.approx(distance([rows]), rel=1e-12)
