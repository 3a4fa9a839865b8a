"""The Postprocessor layer against upstream's, byte for byte, and dequantize()."""

import contextlib
import tracemalloc

import keras
import numpy as np
import pytest
import tensorflow as tf

from vggish_tf import CheckpointError, Postprocessor, dequantize
from vggish_tf.files import DATA
from vggish_tf.jobs.verify import smoke_test
from vggish_tf.reference import vggish_postprocess
from vggish_tf.weights import pca


@pytest.fixture(scope="module")
def postprocessor(pca_params):
    return Postprocessor(weights=pca_params)


@pytest.fixture(scope="module")
def embeddings():
    generator = np.random.default_rng(0)
    return (0.4 * generator.standard_normal((5_000, 128))).astype(np.float32)


def test_640_000_bytes_are_the_references(postprocessor, embeddings, pca_params):
    expected = vggish_postprocess.Postprocessor(str(pca_params)).postprocess(embeddings)
    quantized = postprocessor(embeddings)
    assert quantized.dtype == tf.uint8
    np.testing.assert_array_equal(quantized, expected)
    # a signal that never leaves the middle would prove little
    assert len(np.unique(expected)) == 256


def test_the_official_smoke_test_byte_for_byte(postprocessor):
    with np.load(str(DATA / "smoke_test_output.npz")) as official:
        # The printed embedding has 8 digits; no value lies so near an edge that they would matter.
        np.testing.assert_array_equal(
            postprocessor(official["embedding"]), official["postprocessed"]
        )


def test_zeros_and_means_give_the_published_bytes(postprocessor, pca_params):
    zeros = np.asarray(postprocessor(np.zeros((1, 128), np.float32)))
    assert zeros.mean() == 131.484375
    assert zeros[0, :8].tolist() == [156, 39, 143, 114, 177, 83, 96, 115]
    with np.load(pca_params) as file:
        assert (np.asarray(postprocessor(file["pca_means"].reshape(1, 128))) == 127).all()


def test_it_truncates_and_does_not_round():
    identity = Postprocessor(weights=None)
    values = np.zeros((1, 128), np.float32)
    values[0, :6] = [-2.0, -2.0 + 0.999 * 4 / 255, -2.0 + 1.001 * 4 / 255, 1.999, 2.0, 3.0]
    assert np.asarray(identity(values))[0, :7].tolist() == [0, 0, 1, 254, 255, 255, 127]


def test_pca_alone_is_not_clipped_and_keeps_its_gradient(embeddings, pca_params):
    layer = Postprocessor(quantize=False, weights=pca_params)
    with np.load(pca_params) as file:
        matrix, means = file["pca_eigen_vectors"], file["pca_means"].reshape(-1)
    expected = (embeddings.astype(np.float64) - means) @ matrix.T
    assert np.abs(expected).max() > 2
    whitened = layer(embeddings)
    assert whitened.dtype == tf.float32
    # float64 inside, one rounding to float32
    np.testing.assert_allclose(whitened, expected, rtol=1e-6, atol=1e-6)
    variable = tf.Variable(embeddings[:2])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(variable))
    np.testing.assert_allclose(
        tape.gradient(total, variable), np.tile(matrix.sum(axis=0), (2, 1)), rtol=1e-5, atol=1e-6
    )


def test_every_leading_axis_is_kept(postprocessor, embeddings):
    flat = np.asarray(postprocessor(embeddings[:12]))
    np.testing.assert_array_equal(
        postprocessor(embeddings[:12].reshape(2, 3, 2, 128)), flat.reshape(2, 3, 2, 128)
    )
    np.testing.assert_array_equal(postprocessor(embeddings[0]), flat[0])
    assert postprocessor(np.zeros((0, 128), np.float32)).shape == (0, 128)


def test_a_saved_layer_brings_its_parameters(postprocessor, embeddings, tmp_path):
    embedding = keras.Input((128,))
    keras.Model(embedding, postprocessor(embedding)).save(tmp_path / "post.keras")
    loaded = keras.saving.load_model(tmp_path / "post.keras")  # offline, and without the npz
    np.testing.assert_array_equal(loaded(embeddings[:100]), postprocessor(embeddings[:100]))


def test_the_last_axis_must_be_128():
    with pytest.raises(ValueError, match=r"128\); received \(2, 64\)"):
        Postprocessor(weights=None)(np.zeros((2, 64), np.float32))


def test_parameters_that_cannot_be_used_are_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="VGGISH_TF_OFFLINE"):
        Postprocessor()
    (tmp_path / "text.npz").write_text("not an npz")
    with pytest.raises(CheckpointError, match="holds no PCA parameters"):
        Postprocessor(weights=tmp_path / "text.npz")
    (tmp_path / "empty.npz").touch()
    with pytest.raises(CheckpointError, match="holds no PCA parameters"):
        Postprocessor(weights=tmp_path / "empty.npz")
    np.savez(tmp_path / "nan.npz", pca_means=np.full(128, np.nan), pca_eigen_vectors=np.eye(128))
    with pytest.raises(CheckpointError, match="NaN"):
        Postprocessor(weights=tmp_path / "nan.npz")
    np.savez(tmp_path / "other.npz", pca_means=np.zeros(64))
    with pytest.raises(CheckpointError, match=r"must hold .*\(128, 128\).*; it holds .*64"):
        Postprocessor(weights=tmp_path / "other.npz")


def npz_of(path, **changes):
    arrays = {"pca_eigen_vectors": np.eye(128), "pca_means": np.zeros(128), **changes}
    np.savez_compressed(path, **arrays)
    return path


@pytest.mark.parametrize("seed", range(400))
def test_a_damaged_npz_is_a_checkpoint_error(seed, tmp_path, pca_params):
    """A run of noise anywhere: in the zip's headers, NumPy's header, or the packed data."""
    generator = np.random.default_rng(seed)
    path = npz_of(tmp_path / "pca.npz") if seed % 2 else tmp_path / "pca.npz"
    content = bytearray((path if seed % 2 else pca_params).read_bytes())
    expected = pca.read(path if seed % 2 else pca_params)
    start = int(generator.integers(len(content) if seed % 4 else 120))
    length = int(generator.choice([1, 4, 16]))
    content[start : start + length] = generator.bytes(len(content[start : start + length]))
    path.write_bytes(content)
    with contextlib.suppress(CheckpointError):  # and nothing else
        for array, whole in zip(pca.read(path), expected, strict=True):
            np.testing.assert_array_equal(array, whole)  # a date in the zip may be wrong


@pytest.mark.parametrize("dtype", ["complex128", "int64", "bool", "S8", "U8"])
def test_parameters_that_are_not_floating_point_are_an_error(dtype, tmp_path):
    path = npz_of(tmp_path / "pca.npz", pca_means=np.ones(128).astype(dtype))
    with pytest.raises(CheckpointError, match=r"pca\.npz holds .*, not floating point\."):
        pca.read(path)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_parameters_of_any_floating_point(dtype, tmp_path):
    assert (
        pca.read(npz_of(tmp_path / "pca.npz", pca_means=np.ones(128, dtype)))[1].tolist()
        == [1.0] * 128
    )


def test_an_array_too_many_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match=r"must hold .*; it holds .*others: 'more', 'yet'"):
        pca.read(npz_of(tmp_path / "pca.npz", more=np.zeros(1), yet=np.zeros(1)))


def test_parameters_that_unpack_to_gigabytes_are_not_unpacked(tmp_path):
    path = npz_of(tmp_path / "pca.npz", pca_means=np.zeros(1 << 25))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=r"pca\.npz"):
        pca.read(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()


def test_damaged_parameters_are_a_note_in_the_figures_of_a_smoke_test(tmp_path):
    (tmp_path / "pca.npz").write_bytes(b"PK\x03\x04" + bytes(100))
    figures, note = smoke_test.figures_of(np.ones((3, 128), np.float32), tmp_path / "pca.npz")
    assert figures.quantized_mean is None
    assert note.startswith(f"{tmp_path / 'pca.npz'} holds no PCA parameters, or is damaged.")


def test_dequantize_is_the_exact_inverse_at_bin_edges():
    every_byte = np.arange(256, dtype=np.uint8)
    edges = dequantize(every_byte)
    assert edges.dtype == np.float32
    # the edge, to a float32 step
    np.testing.assert_allclose(edges, np.arange(256) * 4 / 255 - 2, rtol=0, atol=3e-7)
    padded = np.resize(edges, (2, 128))
    np.testing.assert_array_equal(Postprocessor(weights=None)(padded), every_byte.reshape(2, 128))
    below = np.nextafter(edges[1:], np.float32(-3))
    padded = np.resize(np.append(below, 0), (2, 128))
    np.testing.assert_array_equal(
        np.ravel(Postprocessor(weights=None)(padded))[:255], every_byte[:-1]
    )


def test_dequantize_as_youtube8m_does():
    every_byte = np.arange(256, dtype=np.uint8)
    # utils.Dequantize(feat_vector, 2, -2)
    expected = every_byte * (4.0 / 255.0) + (4.0 / 512.0 - 2.0)
    np.testing.assert_allclose(dequantize(every_byte, "youtube8m"), expected, rtol=0, atol=2e-7)


def test_dequantize_takes_tensors_and_keeps_shapes():
    quantized = np.arange(256, dtype=np.uint8).reshape(2, 128)
    np.testing.assert_array_equal(dequantize(tf.constant(quantized)), dequantize(quantized))


def test_dequantize_refuses_what_is_not_quantized():
    with pytest.raises(ValueError, match=r"must be uint8; received float32 \(2,\)"):
        dequantize(np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="'middle'"):
        dequantize(np.zeros(2, np.uint8), "middle")
