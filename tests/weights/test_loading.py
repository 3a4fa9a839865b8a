"""Weights that fit: every kind of file into every kind of model, by name. Oracles: TF1's Saver,
Keras's own saving.
"""

import numpy as np
import pytest
import tensorflow as tf
from small_network import KINDS, VARIABLES, arrays, by_layer, randomize, small, write

from vggish_tf import checkpoints

tf1 = tf.compat.v1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_loads(kind, source, written):
    model = small()
    checkpoints.load_weights(model, written[kind])
    assert all(np.array_equal(a, b) for a, b in zip(arrays(source), arrays(model), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_read_gives_the_published_names(kind, source, written):
    values = checkpoints.read(written[kind])
    assert sorted(values) == sorted(VARIABLES)
    assert all(np.array_equal(values[name], value) for name, value in by_layer(source).items())
    assert {value.dtype.name for value in values.values()} == {"float32"}


@pytest.mark.parametrize("kind", KINDS)
def test_weights_go_by_name_and_not_by_position(kind, tmp_path, source, written):
    """The convolutions stand in another order and have the same shapes: by position, everything
    would still fit.
    """
    shuffled = small(["conv4_1", "conv3_1", "conv1", "conv4_2", "conv3_2", "conv2"])
    checkpoints.load_weights(shuffled, written[kind])
    back = small()
    checkpoints.load_weights(back, write(kind, tmp_path, shuffled))
    for name, value in by_layer(source).items():
        assert np.array_equal(by_layer(shuffled)[name], value), name
        assert np.array_equal(by_layer(back)[name], value), name


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_the_weights_of_a_postprocessor_stay_in_the_file_and_in_the_model(
    kind, tmp_path, source, written
):
    with_pca = randomize(small(postprocess=True), seed=2)
    pca = with_pca.get_layer("postprocess").get_weights()
    checkpoints.load_weights(with_pca, written[kind])
    assert all(
        np.array_equal(a, b)
        for a, b in zip(pca, with_pca.get_layer("postprocess").get_weights(), strict=True)
    )
    model = small()
    checkpoints.load_weights(model, write(kind, tmp_path, with_pca))
    assert all(np.array_equal(a, b) for a, b in zip(arrays(source), arrays(model), strict=True))


def test_a_compiled_and_trained_keras_file_loads(tmp_path):
    """It holds the optimizer's variables as well."""
    model = randomize(small())
    model.compile("adam", "mse")
    model.fit(np.ones((2, 4, 4, 2)), np.ones((2, 3)), verbose=0)
    model.save(tmp_path / "trained.keras")
    loaded = small()
    checkpoints.load_weights(loaded, tmp_path / "trained.keras")
    assert all(np.array_equal(a, b) for a, b in zip(arrays(model), arrays(loaded), strict=True))


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_tf1_training_checkpoint_loads(tmp_path, source, version):
    """Adam's slots, its powers and the step are left out; Saver wrote them."""
    path = tmp_path / "training.ckpt"
    values = by_layer(source)
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = [tf1.get_variable(name, initializer=value) for name, value in values.items()]
        step = tf1.train.get_or_create_global_step()
        loss = tf.add_n([tf.reduce_sum(variable) for variable in variables])
        tf1.train.AdamOptimizer(0.0).minimize(loss, global_step=step)
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver(write_version=getattr(tf1.train.SaverDef, version)).save(session, str(path))
    assert len(tf.train.list_variables(str(path))) == 3 * 18 + 3
    assert sorted(checkpoints.read(path)) == sorted(VARIABLES)
    checkpoints.load_weights(small(), path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bfloat16_model_loads_and_saves(kind, tmp_path, source, written):
    model = small(dtype="bfloat16")
    checkpoints.load_weights(model, written[kind])
    if kind in ("V1", "V2"):
        path = checkpoints.save_tf1_checkpoint(model, tmp_path / "model.ckpt", version=kind)
    else:
        path = write(kind, tmp_path, model)
    for name, value in checkpoints.read(path).items():
        assert np.array_equal(
            value, tf.cast(tf.cast(by_layer(source)[name], "bfloat16"), "float32")
        ), name


def test_a_name_that_tensorflow_takes_for_a_pattern(tmp_path, source):
    for version in ("V1", "V2"):
        path = checkpoints.save_tf1_checkpoint(
            source, tmp_path / f"model[{version}].ckpt", version=version
        )
        assert sorted(checkpoints.read(path)) == sorted(VARIABLES)


def test_untrained_is_every_bias_zero():
    model = small()
    assert checkpoints.is_untrained(model)
    model.get_layer("conv3_2").bias.assign([0.0, 1e-20])
    assert not checkpoints.is_untrained(model)
    assert checkpoints.is_untrained(small(dtype="bfloat16"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_read_while_a_graph_is_built_too(kind, written):
    with tf.Graph().as_default():
        in_graph = checkpoints.read(written[kind])
    for name, value in checkpoints.read(written[kind]).items():
        np.testing.assert_array_equal(in_graph[name], value)
