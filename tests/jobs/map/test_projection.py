"""Points against scikit-learn's PCA; what is degenerate; UMAP keeps near what is near."""

import builtins
import importlib.util

import archives
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize

from vggish_tf import dequantize
from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.map.projection import project

ATOL = 1e-5  # of rows of length 1, in float32; scikit-learn's solver is in float64 too


def oracle(rows):
    """Scikit-learn's points of unit rows, with each axis's largest number positive."""
    made = PCA(2, svd_solver="full").fit(normalize(rows.astype(np.float64)))
    largest = np.abs(made.components_).argmax(axis=1)
    signs = np.sign(made.components_[[0, 1], largest])
    points = made.transform(normalize(rows.astype(np.float64)))
    return points * signs, made.explained_variance_ratio_


@pytest.mark.parametrize("rows", [archives.clusters(500), archives.normal(30, 256, seed=1)])
def test_pca_is_scikit_learns(rows):
    points, variance = project(rows)
    expected, shares = oracle(rows)
    np.testing.assert_allclose(points, expected, atol=ATOL)
    np.testing.assert_allclose(variance, shares, rtol=1e-6)


def test_blocks_change_nothing(monkeypatch):
    rows = archives.clusters(50)
    whole = project(rows).points
    monkeypatch.setattr("vggish_tf.jobs.map.projection.BLOCK_ROWS", 7)
    np.testing.assert_allclose(project(rows).points, whole, atol=ATOL)


def test_bytes_are_dequantized_first():
    rows = np.random.default_rng(0).integers(0, 256, (40, 128), np.uint8)
    np.testing.assert_allclose(project(rows).points, oracle(dequantize(rows))[0], atol=ATOL)


def test_the_length_of_rows_does_not_count():
    rows = archives.normal(20, 128)
    scaled = rows * np.logspace(-30, 30, 20, dtype=np.float64)[:, np.newaxis].astype(np.float32)
    np.testing.assert_allclose(project(scaled).points, project(rows).points, atol=ATOL)


@pytest.mark.parametrize("count", [1, 2, 50])
def test_equal_rows_are_one_point(count):
    points, variance = project(np.repeat(archives.normal(1, 128), count, axis=0))
    assert points.dtype == np.float32
    assert (points == 0).all()
    assert variance == [0, 0]


def test_two_rows_lie_on_a_line():
    points, variance = project(archives.normal(2, 128))
    assert points[0, 0] == -points[1, 0] != 0
    assert (points[:, 1] == 0).all()
    np.testing.assert_allclose(variance, [1, 0], atol=1e-9)


def test_rows_of_one_number_lie_on_a_line():
    points, _ = project(np.array([[2.0], [-3.0]], np.float32))
    np.testing.assert_allclose(points, [[1, 0], [-1, 0]], atol=ATOL)


def test_an_unknown_projection_is_refused():
    with pytest.raises(UsageError, match="projection must be 'pca' or 'umap'; received 'tsne'"):
        project(archives.normal(5, 128), "tsne")


def test_without_umap_learn_the_error_says_how_to_install_it(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "umap" else found(name)
    )
    with pytest.raises(VGGishError, match=r"needs umap-learn.*pip install '.\[umap\]'"):
        project(archives.normal(5, 128), "umap")


def needs_umap():
    pytest.importorskip("umap", reason="umap-learn is not installed: pip install '.[umap]'")


@pytest.mark.slow
def test_umap_keeps_clusters_together_and_is_the_same_again():
    """Of each point's nearest one, nearly all are of its own cluster; a plane's PCA mixes them."""
    needs_umap()
    generator = np.random.default_rng(0)
    cluster = generator.integers(0, 40, 400)
    noise = 0.5 * generator.standard_normal((400, 128))
    rows = (generator.standard_normal((40, 128))[cluster] + noise).astype(np.float32)
    points, variance = project(rows, "umap", seed=4)
    assert variance == []
    assert own(points, cluster) > 0.95 > own(project(rows).points, cluster)
    np.testing.assert_array_equal(project(rows, "umap", seed=4).points, points)
    assert (project(rows, "umap", seed=5).points != points).any()


def own(points, cluster):
    """The part of the points of which the nearest other one has the same cluster."""
    distance = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
    np.fill_diagonal(distance, np.inf)
    return np.mean(cluster[distance.argmin(axis=1)] == cluster)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows",
    [
        archives.normal(4, 128),
        np.repeat(archives.normal(1, 128), 6, axis=0),
        np.repeat(archives.normal(2, 128), 9, axis=0),
        np.random.default_rng(0).integers(0, 256, (20, 128), np.uint8),
    ],
)
def test_umap_of_few_or_equal_rows_is_finite(rows):
    needs_umap()
    points = project(rows, "umap").points
    assert points.shape == (len(rows), 2)
    assert np.isfinite(points).all()


def test_umap_of_too_few_rows_is_refused(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: builtins)
    with pytest.raises(UsageError, match="needs 4 rows; the archive has 3 rows"):
        project(archives.normal(3, 128), "umap")
