"""VGGish as a Keras model, as Keras users expect it; the network is small, see test_full_size."""

import subprocess
import sys

import keras
import numpy as np
import places
import pytest
import signals
import small_network
import tensorflow as tf

from vggish_tf import CheckpointError, Params, VGGish, load_model
from vggish_tf.network import backbone
from vggish_tf.reference import vggish_input

# Of a layer's largest value. Both sum in float32, in orders that depend on the size of the batch;
# the largest difference seen is 4e-6.
LAYER_RTOL = 1e-5
pytestmark = pytest.mark.usefixtures("small_networks")

# A classifier as version 0.1.0 saved it: a few filters a layer, random weights.
CLASSIFIER = places.TESTS / "data" / "classifier_0_1_0.keras"


@pytest.fixture(scope="module")
def model(small_checkpoint):
    with small_network.shrunken():
        return VGGish(small_checkpoint)


@pytest.fixture(scope="module")
def core(small_checkpoint):
    with small_network.shrunken():
        return VGGish(small_checkpoint, inputs="examples")


@pytest.fixture(scope="module")
def examples():
    return vggish_input.waveform_to_examples(signals.demo_clip(), signals.RATE).astype(np.float32)


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import vggish_tf, keras",
        "import keras, vggish_tf",
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
    small_checkpoint, core, examples, pca_params, monkeypatch, postprocess
):
    monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
    from vggish_tf.reference.vggish_postprocess import Postprocessor

    embedding = np.asarray(core(examples))
    model = VGGish(small_checkpoint, inputs="examples", postprocess=postprocess)
    processed = np.asarray(model(examples))
    assert processed.dtype == (np.uint8 if postprocess == "quantized" else np.float32)
    expected = Postprocessor(str(pca_params)).postprocess(embedding)
    as_bytes = (
        processed
        if postprocess == "quantized"
        else ((np.clip(processed, -2, 2) + 2) * 63.75).astype(int)
    )
    np.testing.assert_array_equal(as_bytes, expected)


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
def test_clips_of_different_lengths_are_answered_with_the_way_to_fill_them_up(ragged, tmp_path):
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


def test_other_sizes_build_and_do_not_take_the_published_weights(small_checkpoint):
    params = Params(num_mel_bins=32, example_window_seconds=0.48)
    assert VGGish(None, params=params).output_shape == (None, None, 128)
    with pytest.raises(CheckpointError, match="wrong shape: 'vggish/fc1/fc1_1/weights'"):
        VGGish(small_checkpoint, params=params)


@pytest.mark.slow
def test_a_step_of_training_moves_every_layer(small_checkpoint):
    model = VGGish(small_checkpoint)
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


def test_bfloat16_leaves_the_first_convolution_alone():
    dtypes = {
        layer.name: layer.compute_dtype for layer in backbone.network(dtype="bfloat16").layers
    }
    layers = {name: dtypes[name] for name in backbone.LAYER_NAMES}
    exact = {name for name, dtype in layers.items() if dtype == "float32"}
    assert exact == {"conv1", "embedding"}
    assert {layers[name] for name in layers if name not in exact} == {"bfloat16"}
