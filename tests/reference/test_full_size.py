"""The tf-slim graph at its published size: against a forward pass in NumPy, layer by layer; its
variables and their initializers.
"""

import numpy as np
import pytest
import seeded
import tensorflow as tf
from numpy_network import numpy_layers

from vggish_tf.reference import vggish_input, vggish_params, vggish_slim

tf1 = tf.compat.v1

# Of a layer's largest value, float32 against float64. It grows with depth, from 1.5e-7 at conv1 to
# 4.5e-6 at the embedding, the worst seen; the order of the sums depends on the batch and the CPU.
# bfloat16 would be 4e-3 off.
FLOAT32 = 2e-5


@pytest.fixture(scope="module")
def run(seeded_checkpoint):
    with seeded.slim_session(seeded_checkpoint) as session:
        yield session


def test_every_layer_is_numpy_s(run, examples):
    layers = dict(numpy_layers(examples, seeded.seeded_weights()))
    assert set(layers) == set(seeded.ENDPOINTS) - {"input_features"}
    for (name, expected), got in zip(layers.items(), run(examples, *layers), strict=True):
        assert (got.shape, got.dtype) == (expected.shape, np.float32)
        np.testing.assert_allclose(
            got, expected, rtol=0, atol=FLOAT32 * np.abs(expected).max(), err_msg=name
        )


def test_embedding_has_no_activation(run, examples):
    embedding = run(examples)
    assert embedding.shape == (2, 128)
    assert 0.3 < (embedding < 0).mean() < 0.7
    assert run(examples, "fc1_2").min() == 0


def test_seeded_embeddings_of_real_sound_spread_as_real_ones_do(run, shared_data):
    """About 0.34, as published, and different by example; tests that compare rely on it."""
    embedding = run(vggish_input.wavfile_to_examples(shared_data / "audio" / "bus_chatter.wav"))
    assert embedding.shape == (19, 128)
    assert 0.15 < embedding.std() < 0.6
    assert embedding.std(axis=0).mean() > 0.5 * embedding.std()
    assert 0.3 < (embedding < 0).mean() < 0.7


@pytest.mark.parametrize("training", [False, True])
def test_variables_are_the_published_ones(training):
    with tf.Graph().as_default() as graph:
        embedding = vggish_slim.define_vggish_slim(training=training)
        shapes = {variable.op.name: tuple(variable.shape) for variable in tf1.global_variables()}
        trainable = len(tf1.trainable_variables())
    expected = {f"{layer}/weights": shape for layer, shape in seeded.SHAPES.items()}
    expected |= {f"{layer}/biases": shape[-1:] for layer, shape in seeded.SHAPES.items()}
    assert shapes == expected
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 72_141_184
    assert trainable == (18 if training else 0)
    assert embedding is graph.get_tensor_by_name(vggish_params.OUTPUT_TENSOR_NAME)
    placeholder = graph.get_tensor_by_name(vggish_params.INPUT_TENSOR_NAME)
    assert (placeholder.shape.as_list(), placeholder.dtype) == ([None, 96, 64], tf.float32)
    assert (embedding.shape.as_list(), embedding.dtype) == ([None, 128], tf.float32)


def test_initializers_are_upstream_s():
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.set_random_seed(1)
        vggish_slim.define_vggish_slim()
        by_name = {variable.op.name: variable for variable in tf1.global_variables()}
        kernel, bias = (
            by_name["vggish/conv3/conv3_1/weights"],
            by_name["vggish/conv3/conv3_1/biases"],
        )
        session.run([kernel.initializer, bias.initializer])
        kernel, bias = session.run([kernel, bias])
    assert np.abs(kernel).max() <= 0.02  # truncated at two standard deviations of 0.01
    # which leaves 0.88 of it; 294,912 numbers: ±1.2e-5
    assert kernel.std() == pytest.approx(0.0088, abs=1e-4)
    assert not bias.any()


def test_v1_is_one_file_with_the_weights_alone(seeded_checkpoint):
    assert [path.name for path in seeded_checkpoint.parent.iterdir()] == ["vggish_model.ckpt"]
    assert 288.5e6 < seeded_checkpoint.stat().st_size < 288.7e6
