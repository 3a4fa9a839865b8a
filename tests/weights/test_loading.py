"""Weights that fit: every file into every model, by name. Oracles: TF1's Saver, Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_network import (
    KINDS,
    PUBLISHED_NAMES,
    VARIABLES,
    arrays,
    by_name,
    randomize,
    shrunken,
    vggish,
    write,
)

from vggish_tf import Postprocessor, VGGish, checkpoints
from vggish_tf.network import backbone

tf1 = tf.compat.v1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_loads(kind, source, written):
    model = vggish()
    checkpoints.load_weights(model, written[kind])
    assert all(np.array_equal(a, b) for a, b in zip(arrays(source), arrays(model), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_read_gives_the_published_names(kind, source, written):
    values = checkpoints.read(written[kind])
    assert sorted(values) == sorted(VARIABLES)
    assert all(np.array_equal(values[name], value) for name, value in by_name(source).items())
    assert {value.dtype.name for value in values.values()} == {"float32"}


@pytest.mark.parametrize("kind", KINDS)
def test_weights_go_by_name_and_not_by_position(kind, tmp_path, source, written, monkeypatch):
    """The convolutions after the first are reordered; all have one shape."""
    with shrunken(), monkeypatch.context() as patch:
        first, *others = backbone.CONVOLUTIONS
        patch.setattr(backbone, "CONVOLUTIONS", (first, *reversed(others)))
        shuffled = VGGish(None, inputs="examples")
    order = [layer.name for layer in shuffled.layers if layer.name.startswith("conv")]
    assert order == ["conv1", "conv4_2", "conv4_1", "conv3_2", "conv3_1", "conv2"]
    checkpoints.load_weights(shuffled, written[kind])
    back = vggish()
    checkpoints.load_weights(back, write(kind, tmp_path, shuffled))
    for name, value in by_name(source).items():
        assert np.array_equal(by_name(shuffled)[name], value), name
        assert np.array_equal(by_name(back)[name], value), name


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_the_weights_of_a_postprocessor_stay_in_the_file_and_in_the_model(
    kind, tmp_path, source, written
):
    core = vggish()
    processed = Postprocessor(False, weights=None, name="postprocess")(core.output)
    with_pca = randomize(keras.Model(core.input, processed), seed=2)
    pca = with_pca.get_layer("postprocess").get_weights()
    checkpoints.load_weights(with_pca, written[kind])
    assert all(
        np.array_equal(a, b)
        for a, b in zip(pca, with_pca.get_layer("postprocess").get_weights(), strict=True)
    )
    model = vggish()
    checkpoints.load_weights(model, write(kind, tmp_path, with_pca))
    assert all(np.array_equal(a, b) for a, b in zip(arrays(source), arrays(model), strict=True))


@pytest.mark.slow
def test_a_compiled_and_trained_keras_file_loads(tmp_path):
    """It holds the optimizer's variables as well."""
    model = randomize(vggish())
    model.compile("adam", "mse")
    model.fit(np.ones((2, 96, 64)), np.ones((2, 128)), verbose=0)
    model.save(tmp_path / "trained.keras")
    loaded = vggish()
    checkpoints.load_weights(loaded, tmp_path / "trained.keras")
    assert all(np.array_equal(a, b) for a, b in zip(arrays(model), arrays(loaded), strict=True))


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_tf1_training_checkpoint_loads(tmp_path, source, version):
    """Adam's slots, its powers and the step are left out; Saver wrote them."""
    path = tmp_path / "training.ckpt"
    values = by_name(source)
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = [tf1.get_variable(name, initializer=value) for name, value in values.items()]
        step = tf1.train.get_or_create_global_step()
        loss = tf.add_n([tf.reduce_sum(variable) for variable in variables])
        tf1.train.AdamOptimizer(0.0).minimize(loss, global_step=step)
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver(write_version=getattr(tf1.train.SaverDef, version)).save(session, str(path))
    assert len(tf.train.list_variables(str(path))) == 3 * 18 + 3
    assert sorted(checkpoints.read(path)) == sorted(VARIABLES)
    checkpoints.load_weights(vggish(), path)


def in_bfloat16():
    """All but the layer `embedding`, which is float32 under every policy."""
    keras.config.set_dtype_policy("bfloat16")
    try:
        return vggish()
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bfloat16_model_loads_and_saves(kind, tmp_path, source, written):
    model = in_bfloat16()
    checkpoints.load_weights(model, written[kind])
    if kind in ("V1", "V2"):
        path = checkpoints.save_tf1_checkpoint(model, tmp_path / "model.ckpt", version=kind)
    else:
        path = write(kind, tmp_path, model)
    kept = {f"{PUBLISHED_NAMES['embedding']}/{kind}" for kind in ("weights", "biases")}
    for name, value in checkpoints.read(path).items():
        expected = by_name(source)[name]
        if name not in kept:
            expected = tf.cast(tf.cast(expected, "bfloat16"), "float32")
        assert np.array_equal(value, expected), name


def test_a_name_that_tensorflow_takes_for_a_pattern(tmp_path, source):
    for version in ("V1", "V2"):
        path = checkpoints.save_tf1_checkpoint(
            source, tmp_path / f"model[{version}].ckpt", version=version
        )
        assert sorted(checkpoints.read(path)) == sorted(VARIABLES)


def test_untrained_is_every_bias_zero():
    model = vggish()
    assert checkpoints.is_untrained(model)
    model.get_layer("conv3_2").bias.assign([0.0, 1e-20, 0.0, 0.0])
    assert not checkpoints.is_untrained(model)
    assert checkpoints.is_untrained(in_bfloat16())


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_read_while_a_graph_is_built_too(kind, written):
    with tf.Graph().as_default():
        in_graph = checkpoints.read(written[kind])
    for name, value in checkpoints.read(written[kind]).items():
        np.testing.assert_array_equal(in_graph[name], value)
