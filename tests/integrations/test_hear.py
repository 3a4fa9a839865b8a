"""HEAR's interface: its own validator passes, and the numbers are the Embedder's."""

import numpy as np
import pytest
import small_network
import tensorflow as tf

from vggish_tf import Embedder, Params
from vggish_tf.errors import AudioError
from vggish_tf.integrations import hear


@pytest.fixture
def weights(tmp_path, small_networks):
    path = tmp_path / "small.keras"
    small_network.randomize(small_network.vggish()).save(path)
    return str(path)


def sounds(seconds, count=3):
    return np.random.default_rng(0).uniform(-0.5, 0.5, (count, int(16_000 * seconds)))


def test_hear_s_own_validator_passes(weights, capsys):
    validate = pytest.importorskip(
        "hearvalidator.validate", reason="pip install --no-deps hearvalidator; it needs torch"
    )
    with pytest.warns(UserWarning, match="interval between timestamps"):
        validate.ValidateModel("vggish_tf.integrations.hear", weights)()
    assert "Received embedding of shape: (8, 128)" in capsys.readouterr().out  # its last check


def test_the_numbers_are_the_embedder_s(weights):
    model, audio = hear.load_model(weights), sounds(3.5)
    embeddings, times = hear.get_timestamp_embeddings(tf.constant(audio, tf.float32), model)
    for row, sound in zip(embeddings.numpy(), audio, strict=True):
        expected = Embedder(weights)(sound.astype(np.float32), 16_000).embedding
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-6 * abs(expected).max())
    np.testing.assert_array_equal(times.numpy(), np.tile([480.0, 1440.0, 2400.0], (3, 1)))
    scenes = hear.get_scene_embeddings(tf.constant(audio, tf.float32), model)
    np.testing.assert_allclose(scenes, embeddings.numpy().mean(axis=1), rtol=1e-6)


@pytest.mark.parametrize("shape", [(0, 16_000), (16_000,), (1, 2, 16_000)])
def test_sounds_of_another_shape_are_refused(weights, shape):
    model = hear.load_model(weights)
    with pytest.raises(AudioError) as caught:
        hear.get_scene_embeddings(np.zeros(shape), model)
    assert str(caught.value) == (
        f"audio must be (n, samples), one sound or more; received {shape}. "
        "A single sound is audio[None]."
    )


def test_a_shorter_hop_gives_more_of_them(weights):
    model = hear.load_model(weights, example_hop_seconds=0.05)
    embeddings, times = hear.get_timestamp_embeddings(sounds(2), model)
    assert embeddings.shape == (3, 21, 128)
    np.testing.assert_allclose(np.diff(times.numpy()), 50.0, atol=1e-3)


@pytest.mark.filterwarnings("ignore:.*shorter than")
def test_no_time_is_after_the_end_of_a_short_sound(weights):
    embeddings, times = hear.get_timestamp_embeddings(sounds(0.3), hear.load_model(weights))
    assert embeddings.shape == (3, 1, 128)
    np.testing.assert_allclose(times, 300.0)


@pytest.mark.filterwarnings("ignore:the front end is not the published one")
def test_sounds_come_at_the_rate_of_the_params(weights):
    """HEAR sends sounds at the model's sample_rate."""
    model = hear.load_model(weights, sample_rate=22_050)
    assert model.sample_rate == 22_050
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (1, model.sample_rate * 2))
    embeddings, times = hear.get_timestamp_embeddings(sound, model)
    expected = Embedder(weights, params=Params(sample_rate=22_050))(sound[0], model.sample_rate)
    np.testing.assert_allclose(embeddings[0], expected.embedding, rtol=1e-5, atol=1e-6)
    hop, rate = 220, model.sample_rate  # samples
    np.testing.assert_allclose(times[0], [48_000 * hop / rate, 144_000 * hop / rate], rtol=1e-6)
