"""VGGish as a Keras model: layer by layer against the TF1 graph, and the use of Keras."""

import subprocess
import sys

import keras
import numpy as np
import places
import pytest
import seeded
import signals
import small_network
import tensorflow as tf

from vggish_tf import CheckpointError, Params, VGGish, checkpoints, load_model
from vggish_tf.network import backbone
from vggish_tf.network.backbone import CONVOLUTIONS, DENSE
from vggish_tf.reference import vggish_input

# Of a layer's largest value. Both sum in float32, in orders that depend on the size of the batch;
# the largest difference seen is 4e-6.
LAYER_RTOL = 1e-5

# A classifier as version 0.1.0 saved it: a few filters a layer, random weights.
CLASSIFIER = places.TESTS / "data" / "classifier_0_1_0.keras"


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


def test_a_batch_is_its_rows(model):
    clips = np.stack([signals.noise(31_000, seed) for seed in range(3)])
    batch = model.predict(clips, verbose=0)
    assert batch.shape == (3, 2, 128)
    for row, clip in zip(batch, clips, strict=True):
        alone = model.predict(clip[np.newaxis], verbose=0)[0]
        np.testing.assert_allclose(row, alone, rtol=0, atol=LAYER_RTOL * np.abs(alone).max())
    assert np.abs(batch[0] - batch[1]).max() > 0.01


@pytest.mark.parametrize("num_samples", [0, 100, 400, 15_599])
def test_zero_rows_are_an_answer(model, num_samples):
    assert model.predict(np.zeros((2, num_samples), np.float32), verbose=0).shape == (2, 0, 128)
    assert model(np.zeros((2, num_samples), np.float32)).shape == (2, 0, 128)


def test_an_empty_batch_is_an_answer(core):
    assert core(np.zeros((0, 96, 64), np.float32)).shape == (0, 128)


@pytest.mark.parametrize(("pad", "rows"), [("never", 0), ("short", 1), ("always", 1)])
def test_the_pad_rule_is_in_the_graph(pad, rows):
    model = small_network.vggish("waveform", pad=pad)
    clip = signals.noise(10_000)[np.newaxis]
    expected = np.asarray(model(np.pad(clip, ((0, 0), (0, 5_600)))))[:, :rows]
    np.testing.assert_allclose(model(clip), expected, rtol=0, atol=LAYER_RTOL)
    assert expected.shape == (1, rows, 128)


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


def test_keras_files_restore_the_model(model, tmp_path):
    clip = signals.noise(31_000)[np.newaxis]
    expected = model.predict(clip, verbose=0)
    model.save(tmp_path / "vggish.keras")
    np.testing.assert_array_equal(
        load_model(tmp_path / "vggish.keras").predict(clip, verbose=0), expected
    )
    np.testing.assert_array_equal(
        VGGish(tmp_path / "vggish.keras").predict(clip, verbose=0), expected
    )
    model.save_weights(tmp_path / "vggish.weights.h5")
    other = VGGish(None)
    other.load_weights(tmp_path / "vggish.weights.h5")
    np.testing.assert_array_equal(other.predict(clip, verbose=0), expected)


@pytest.mark.parametrize(
    "imports",
    [
        "import keras, vggish_tf",
        "import vggish_tf, keras",
        "import vggish_tf, tensorflow; import keras",
        "from vggish_tf import Params, WaveformToExamples; import keras",
        "import vggish_tf, vggish_tf.model, keras",
    ],
)
def test_keras_loads_a_file_in_a_fresh_process(imports, tmp_path):
    keras.Sequential([keras.Input((None,)), keras.layers.Rescaling(1.0)]).save(
        tmp_path / "plain.keras"
    )
    from vggish_tf import WaveformToExamples

    waveform = keras.Input((None,))
    keras.Model(waveform, WaveformToExamples()(waveform)).save(tmp_path / "front.keras")
    files = [str(tmp_path / "front.keras"), str(CLASSIFIER)]
    code = f"{imports}; print(*(keras.saving.load_model(file).output_shape for file in {files}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "(None, None, 96, 64) (None, 3)", result.stderr[-1000:]


@pytest.mark.parametrize("postprocess", ["pca", "quantized"])
def test_post_processing_in_the_graph(
    seeded_checkpoint, core, examples, pca_params, monkeypatch, postprocess
):
    monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
    from vggish_tf.reference.vggish_postprocess import Postprocessor

    embedding = np.asarray(core(examples))
    model = VGGish(seeded_checkpoint, inputs="examples", postprocess=postprocess)
    processed = np.asarray(model(examples))
    assert processed.dtype == (np.uint8 if postprocess == "quantized" else np.float32)
    expected = Postprocessor(str(pca_params)).postprocess(embedding)
    as_bytes = (
        processed
        if postprocess == "quantized"
        else ((np.clip(processed, -2, 2) + 2) * 63.75).astype(int)
    )
    np.testing.assert_array_equal(as_bytes, expected)


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


def test_an_example_that_is_not_finite_is_nan_and_no_other_row_changes():
    """ReLUs and max-pools drop NaN, so one plausible row would remain.

    Larger weights would overflow to NaN.
    """
    model = VGGish(None)
    clips = np.stack([signals.noise(48_000, seed) for seed in range(2)])
    for call in (model, lambda batch: model.predict(batch, verbose=0)):
        expected = np.array(call(clips))
        expected[1, 1] = np.nan
        for bad, sample in ((np.nan, 15_600), (np.inf, 20_000), (-np.inf, 30_719)):
            spoilt = clips.copy()
            spoilt[1, sample] = bad
            np.testing.assert_array_equal(call(spoilt), expected)


@pytest.mark.parametrize("ragged", ["list", "ragged tensor", "object array"])
def test_clips_of_different_lengths_are_answered_with_the_way_to_fill_them_up(
    small_networks, ragged, tmp_path
):
    clips = [signals.noise(16_000), signals.noise(20_000)]
    batch = {
        "list": clips,
        "ragged tensor": tf.ragged.stack(clips),
        "object array": np.array(clips, dtype=object),
    }
    model = VGGish(None)
    model.save(tmp_path / "vggish.keras")
    for made in (model, load_model(tmp_path / "vggish.keras")):
        for call in (made, made.predict):
            with pytest.raises(ValueError, match=r"one length; received .*padded_batch"):
                call(batch[ragged])


def test_other_sizes_build_and_do_not_take_the_published_weights(seeded_checkpoint):
    params = Params(num_mel_bins=32, example_window_seconds=0.48)
    assert VGGish(None, params=params).output_shape == (None, None, 128)
    with pytest.raises(CheckpointError, match="wrong shape: 'vggish/fc1/fc1_1/weights'"):
        VGGish(seeded_checkpoint, params=params)


def test_a_step_of_training_moves_every_layer(seeded_checkpoint):
    model = VGGish(seeded_checkpoint)
    before = [np.asarray(variable) for variable in model.trainable_variables]
    model.compile(keras.optimizers.Adam(1e-4, epsilon=1e-8), "mse")
    loss = model.train_on_batch(signals.noise(15_600)[np.newaxis], np.zeros((1, 1, 128)))
    assert np.isfinite(loss)
    assert all(
        np.any(np.asarray(now) != old)
        for now, old in zip(model.trainable_variables, before, strict=True)
    )


@pytest.mark.parametrize("word", [{"inputs": "audio"}, {"postprocess": "int8"}, {"pad": "maybe"}])
def test_an_unknown_word_is_named_before_work_starts(word):
    with pytest.raises(ValueError, match=repr(next(iter(word.values())))):
        VGGish("there is no such file", **word)


def test_weights_that_cannot_be_had_are_an_error():
    with pytest.raises(CheckpointError, match="VGGISH_TF_OFFLINE"):
        VGGish()
    with pytest.raises(CheckpointError, match=r"nowhere\.ckpt"):
        VGGish("nowhere.ckpt")


def test_a_network_for_weights_that_follow_draws_no_random_ones():
    for layer in backbone.network(initializer="zeros").layers:
        assert not any(
            np.any(keras.ops.convert_to_numpy(variable)) for variable in layer.variables
        ), layer.name


def test_bfloat16_leaves_the_first_four_convolutions_alone():
    dtypes = {
        layer.name: layer.compute_dtype for layer in backbone.network(dtype="bfloat16").layers
    }
    assert {name for name, dtype in dtypes.items() if dtype == "float32"} >= {
        *backbone.FLOAT32_LAYERS,
        "embedding",
    }
    assert {dtypes[name] for name in ("conv4_1", "conv4_2", "fc1_1", "fc1_2")} == {"bfloat16"}
