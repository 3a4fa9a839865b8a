"""VGGish at its full size: layer by layer against the TF1 graph with its checkpoint, names,
initializers, half precision.
"""

import keras
import numpy as np
import pytest
import seeded
import signals

from vggish_tf import VGGish, checkpoints
from vggish_tf.network import backbone
from vggish_tf.network.backbone import CONVOLUTIONS, DENSE
from vggish_tf.reference import vggish_input

# Of a layer's largest value. Both sum in float32, in orders that depend on the size of the batch;
# the largest difference seen is 4e-6.
LAYER_RTOL = 1e-5


@pytest.fixture(scope="module")
def model(seeded_checkpoint):
    return VGGish(seeded_checkpoint)


@pytest.fixture(scope="module")
def core(seeded_checkpoint):
    return VGGish(seeded_checkpoint, inputs="examples")


@pytest.fixture(scope="module")
def examples():
    return vggish_input.waveform_to_examples(signals.demo_clip(), signals.RATE).astype(np.float32)


@pytest.fixture(scope="module")
def slim_layers(seeded_checkpoint, examples):
    names = [name for name, _ in CONVOLUTIONS + DENSE]
    with seeded.slim_session(seeded_checkpoint) as run:
        return dict(zip(names, run(examples, *names), strict=True))


@pytest.mark.parametrize("name", [name for name, _ in CONVOLUTIONS + DENSE])
def test_every_layer_is_the_tf1_graphs(core, examples, slim_layers, name):
    layer = keras.Model(core.input, core.get_layer(name).output)
    expected = slim_layers[name]
    assert expected.std() > 0.01  # a layer that is all but constant would prove nothing
    atol = LAYER_RTOL * np.abs(expected).max()
    np.testing.assert_allclose(layer(examples), expected, rtol=0, atol=atol)


@pytest.mark.slow
def test_waveform_in_is_the_tf1_session_fed_by_the_reference_front_end(model, slim_layers):
    embedding = model.predict(signals.demo_clip()[np.newaxis], verbose=0)[0]
    expected = slim_layers["embedding"]
    assert embedding.shape == expected.shape == (20, 128)
    np.testing.assert_allclose(
        embedding, expected, rtol=0, atol=LAYER_RTOL * np.abs(expected).max()
    )


def test_the_seeded_embeddings_spread_like_real_ones(slim_layers):
    embedding = slim_layers["embedding"]
    assert 0.15 < embedding.std() < 0.6
    assert 0.2 < (embedding < 0).mean() < 0.8
    # from clip to clip, not only from number to number
    assert embedding.std(axis=0).mean() > 0.3 * embedding.std()


@pytest.mark.slow
def test_a_batch_is_its_rows(model):
    clips = np.stack([signals.noise(31_000, seed) for seed in range(3)])
    batch = model.predict(clips, verbose=0)
    assert batch.shape == (3, 2, 128)
    for row, clip in zip(batch, clips, strict=True):
        alone = model.predict(clip[np.newaxis], verbose=0)[0]
        np.testing.assert_allclose(row, alone, rtol=0, atol=LAYER_RTOL * np.abs(alone).max())
    assert np.abs(batch[0] - batch[1]).max() > 0.01


def test_the_names_of_the_design(model, core):
    assert model.name == core.name == "vggish"
    assert [tensor.name for tensor in model.inputs] == ["waveform"]
    assert [tensor.name for tensor in core.inputs] == ["input_features"]
    assert model.output_names == core.output_names == ["embedding"]
    for name in [
        "conv1",
        "conv2",
        "conv3_1",
        "conv3_2",
        "conv4_1",
        "conv4_2",
        "fc1_1",
        "fc1_2",
        "embedding",
    ]:
        assert model.get_layer(name).count_params() == core.get_layer(name).count_params() > 0
    assert model.count_params() == 72_141_184
    assert core.get_layer("embedding").activation is keras.activations.linear


def test_untrained_weights_are_upstreams_initializers():
    core = VGGish(None, inputs="examples")
    kernel = np.asarray(core.get_layer("fc1_2").kernel)
    assert np.abs(kernel).max() <= 0.02  # truncated at two standard deviations
    # of a normal truncated at two: 0.8796
    np.testing.assert_allclose(kernel.std(), 0.01 * 0.8796, rtol=1e-3)
    assert not np.asarray(core.get_layer("fc1_2").bias).any()
    assert checkpoints.is_untrained(core)


@pytest.mark.slow
def test_mixed_precision_gives_float32_embeddings_from_a_float32_front_end(
    seeded_checkpoint, slim_layers
):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = VGGish(seeded_checkpoint)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("examples").compute_dtype == "float32"
    assert model.get_layer("conv1").compute_dtype == "bfloat16"
    embedding = np.asarray(model(signals.demo_clip()[np.newaxis]))[0]
    expected = slim_layers["embedding"]
    assert embedding.dtype == np.float32
    cosine = (
        (embedding * expected).sum(1)
        / np.linalg.norm(embedding, axis=1)
        / np.linalg.norm(expected, axis=1)
    )
    assert (
        cosine.min() > 0.998
    )  # bfloat16 keeps 8 bits, 0.4 %, in each of nine layers; the lowest cosine seen is 0.9993


def test_a_network_for_weights_that_follow_draws_no_random_ones():
    for layer in backbone.network(initializer="zeros").layers:
        assert not any(
            np.any(keras.ops.convert_to_numpy(variable)) for variable in layer.variables
        ), layer.name
