"""The Fréchet distance: analytic cases, scipy's sqrtm, published statistics and known goldens."""

import numpy as np
import pytest
import scipy.linalg

from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.fad import Statistics, frechet, frechet_distance


def gaussian(rows):
    return Statistics.of(rows).gaussian


def test_the_golden_of_other_implementations(golden):
    x, y = map(gaussian, golden)
    assert frechet.distance(x, y) == pytest.approx(4.445374468942042, rel=1e-9)


def test_real_statistics_of_music(shared_data):
    """FMA-Pop's, of 4,839 songs: figures computed in extended precision."""
    with np.load(shared_data / "fma_pop_vggish_stats.npz") as file:
        mean, covariance = file[file.files[0]], file[file.files[1]]
    assert mean.shape == (128,)
    zeros, eye = np.zeros(128), np.eye(128)
    to_normal = frechet_distance(mean, covariance, zeros, eye)
    assert to_normal == pytest.approx(93.83619971, rel=1e-9)
    wider = frechet_distance(mean, covariance, mean, 4 * covariance)
    assert wider == pytest.approx(12.79619811, rel=1e-9)
    assert abs(frechet_distance(mean, covariance, mean, covariance)) < 1e-11


@pytest.mark.parametrize("size", [1, 2, 16, 128])
@pytest.mark.parametrize("spread", [1, 1e-3, 1e3])
def test_commuting_covariances_have_a_formula(size, spread):
    generator = np.random.default_rng(size)
    rotation = np.linalg.qr(generator.standard_normal((size, size)))[0]
    a, b = generator.uniform(0.1, 5, (2, size)) * spread
    means = generator.standard_normal((2, size))
    found = frechet_distance(
        means[0], (rotation * a) @ rotation.T, means[1], (rotation * b) @ rotation.T
    )
    expected = ((means[0] - means[1]) ** 2).sum() + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_scipy_s_square_root_agrees_on_full_rank(seed):
    generator = np.random.default_rng(seed)
    sets = [generator.standard_normal((400, 64)) * generator.uniform(0.1, 3, 64) for _ in "ab"]
    first, second = map(gaussian, sets)
    root = scipy.linalg.sqrtm(first.covariance @ second.covariance).real
    expected = (
        ((first.mean - second.mean) ** 2).sum()
        + np.trace(first.covariance + second.covariance)
        - 2 * np.trace(root)
    )
    assert frechet.distance(first, second) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("num_rows", [2, 3, 20, 127])
def test_fewer_rows_than_dimensions_stay_real_and_not_negative(num_rows):
    rows = np.random.default_rng(num_rows).standard_normal((num_rows, 128)) * 100
    statistics = gaussian(rows)
    scale = np.trace(statistics.covariance)
    assert abs(frechet.distance(statistics, statistics)) < 1e-12 * scale
    with pytest.warns(
        UserWarning, match=f"{num_rows} rows for 128 dimensions.*rank {num_rows - 1}"
    ):
        statistics.warn_of_few("the candidate")


def test_it_is_symmetric(golden):
    x, y = map(gaussian, golden)
    assert frechet.distance(x, y) == pytest.approx(frechet.distance(y, x), rel=1e-12)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(UsageError, match=r"received \(2,\), \(3,\)"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))
    with pytest.raises(UsageError, match="is not finite"):
        frechet_distance(np.zeros(2), np.eye(2), np.array([0, np.nan]), np.eye(2))
    with pytest.raises(UsageError, match=r"received \(2,\) and \(3, 3\)"):
        frechet_distance(np.zeros(2), np.eye(3), np.zeros(2), np.eye(2))
    with pytest.raises(VGGishError, match="at least 2 rows of each set; received 1 row"):
        gaussian(np.zeros((1, 3)))


@pytest.mark.parametrize("sizes", [[100], [1] * 100, [1, 99], [50, 0, 50], [33, 33, 34]])
def test_merged_parts_are_the_whole(sizes):
    """A part of one row counts, which fadtk turns into NaN, and a part of none does not."""
    rows = np.random.default_rng(0).standard_normal((100, 16)) + 1e4  # where squares would cancel
    parts = np.split(rows, np.cumsum(sizes)[:-1])
    found = Statistics.merged(map(Statistics.of, parts))
    assert (found.num_rows, found.num_files) == (100, len(sizes))
    np.testing.assert_allclose(found.mean, rows.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.gaussian.covariance, np.cov(rows.T), rtol=0, atol=1e-9)


def test_infinity_is_where_the_distances_of_larger_samples_lead():
    """Two samples of one distribution, whose distance is all bias."""
    generator = np.random.default_rng(1)
    reference, rows = generator.standard_normal((2, 4000, 16))
    found = frechet.infinity(gaussian(reference), rows)
    assert found.sizes[-1] == 4000
    assert found.distances[-1] == pytest.approx(
        frechet.distance(gaussian(reference), gaussian(rows)), rel=1e-12
    )
    assert found.r2 > 0.9  # each size is drawn once
    assert abs(found.value) < found.distances[-1]
    fit = np.polyfit(1 / found.sizes, found.distances, 1)
    assert (found.slope, found.value) == pytest.approx(tuple(fit), rel=1e-6)
    again = frechet.infinity(gaussian(reference), rows)
    assert again.value == found.value
    assert frechet.infinity(gaussian(reference), rows, seed=1).value != found.value


def test_the_standard_error_is_that_of_the_regression():
    import scipy.stats

    generator = np.random.default_rng(2)
    x = 1 / np.linspace(500, 5000, 25)
    y = 3 + 40 * x + generator.normal(0, 0.01, 25)
    value, error, r2, slope = frechet._line(x, y)
    expected = scipy.stats.linregress(x, y)
    assert value == pytest.approx(expected.intercept, rel=1e-9)
    assert error == pytest.approx(expected.intercept_stderr, rel=1e-6)
    assert (r2, slope) == pytest.approx((expected.rvalue**2, expected.slope), rel=1e-6)
