"""The Keras front end against the float64 NumPy reference and upstream's numbers."""

import itertools

import keras
import numpy as np
import pytest
import signals
import tensorflow as tf
from cases import first, those

from vggish_tf import FrameExamples, LogMel, Params, StftMagnitude, WaveformToExamples
from vggish_tf.frontend.framing import PADS, padded_length
from vggish_tf.frontend.transforms import mel_matrix
from vggish_tf.reference import mel_features, vggish_input

# Float64 inside, float32 outside, against float64: the largest difference seen is 4e-7 (one float32
# step at 4 is 5e-7).
LOG_MEL_ATOL = 2e-6
# Products in float32, split so that the largest are exact. The largest difference seen is 6e-6,
# beside a full-scale tone, where one product as it comes is 1.1e-4 off.
MATRIX_ATOL = 1e-5
EXAMPLE_HOPS = (0.16, 0.48, 0.96, 1.5)


@pytest.mark.parametrize("name", signals.by_name())
def test_examples_match_the_reference(name):
    waveform = signals.by_name()[name]
    expected = vggish_input.waveform_to_examples(waveform, signals.RATE)
    np.testing.assert_allclose(WaveformToExamples()(waveform), expected, rtol=0, atol=LOG_MEL_ATOL)


@pytest.mark.parametrize("name", signals.by_name())
def test_the_matrix_transform_is_the_same_transform(name):
    waveform = signals.by_name()[name]
    expected = vggish_input.waveform_to_examples(waveform, signals.RATE)
    np.testing.assert_allclose(
        WaveformToExamples(transform="matrix")(waveform), expected, rtol=0, atol=MATRIX_ATOL
    )


@pytest.mark.parametrize("transform", first(1, ["rfft", "matrix"]))
@pytest.mark.parametrize("num_samples", signals.BOUNDARIES)
def test_lengths_around_every_boundary_give_the_references_examples(num_samples, transform):
    waveform = signals.noise(num_samples)
    layer = WaveformToExamples(transform=transform)
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, None))])
    if num_samples >= 240:  # under that the reference, as upstream, refuses
        expected = vggish_input.waveform_to_examples(waveform, signals.RATE)
    else:
        expected = np.zeros((0, 96, 64))
    for examples in (
        layer(waveform),
        layer(waveform[np.newaxis])[0],
        graph(waveform[np.newaxis])[0],
    ):
        assert examples.shape == expected.shape
        # noise has no silent bins: both are near
        np.testing.assert_allclose(examples, expected, rtol=0, atol=2e-5)


def test_the_published_numbers_of_the_smoke_signal():
    examples = np.asarray(
        WaveformToExamples()(np.sin(2 * np.pi * 1000 * np.arange(0, 3, 1 / 16000))), np.float64
    )
    assert examples.shape == (3, 96, 64)
    # The signal itself is rounded to float32 here, which moves silent bins by up to 7e-5.
    figures = examples.mean(), examples.std(), examples.max()
    np.testing.assert_allclose(
        figures, (-3.4296186961398245, 2.126577335759408, 4.811117725147952), rtol=0, atol=2e-5
    )
    np.testing.assert_allclose(
        examples[0, 0, 18:22], [2.69300255, 4.81111773, 4.7750444, 2.26221533], atol=1e-5
    )
    np.testing.assert_allclose(
        examples[2, 95, -4:], [-4.6003725, -4.60069383, -4.60098887, -4.60116305], atol=7e-5
    )


def test_silence_is_the_log_offset_everywhere():
    examples = np.asarray(WaveformToExamples()(np.zeros(16_000, np.float32)))
    np.testing.assert_allclose(examples, -4.605170185988091, rtol=0, atol=5e-7)  # one float32 step


def test_an_impulse_has_a_flat_magnitude():
    waveform = np.zeros(400, np.float32)
    waveform[200] = 1.0  # where the periodic Hann window is 1
    np.testing.assert_allclose(StftMagnitude()(waveform), np.ones((1, 257)), rtol=0, atol=1e-6)


def test_the_mel_matrix_is_the_references():
    expected = mel_features.spectrogram_to_mel_matrix(64, 257, 16_000, 125, 7500)
    np.testing.assert_allclose(mel_matrix(Params()), expected, rtol=0, atol=1e-12)
    assert np.count_nonzero(mel_matrix(Params())) == 461


@pytest.mark.filterwarnings("ignore:mel bins")
@pytest.mark.parametrize(
    "changes",
    [
        {"sample_rate": 48_000},
        {"sample_rate": 22_050, "mel_max_hz": 11_025},
        {"num_mel_bins": 128, "mel_min_hz": 0, "mel_max_hz": 8000},
        {"stft_window_seconds": 0.032, "stft_hop_seconds": 0.008},
        {
            "sample_rate": 250_000,
            "stft_window_seconds": 0.00625,
            "stft_hop_seconds": 0.0025,
            "mel_max_hz": 125_000,
        },
    ],
    ids=str,
)
def test_other_parameters_match_the_reference(changes):
    params = Params(**changes)
    waveform = signals.noise(2 * params.sample_rate)
    expected = mel_features.log_mel_spectrogram(
        waveform,
        audio_sample_rate=params.sample_rate,
        log_offset=params.log_offset,
        window_length_secs=params.stft_window_seconds,
        hop_length_secs=params.stft_hop_seconds,
        num_mel_bins=params.num_mel_bins,
        lower_edge_hertz=params.mel_min_hz,
        upper_edge_hertz=params.mel_max_hz,
    )
    log_mel = LogMel(params)(StftMagnitude(params)(waveform))
    np.testing.assert_allclose(log_mel, expected, rtol=0, atol=LOG_MEL_ATOL)


@pytest.mark.parametrize("hop", EXAMPLE_HOPS)
@pytest.mark.parametrize("num_frames", [0, 95, 96, 97, 144, 400])
def test_examples_are_the_references_frames_at_any_hop(hop, num_frames):
    params = Params(example_hop_seconds=hop)
    log_mel = np.arange(num_frames * 64, dtype=np.float32).reshape(num_frames, 64)
    expected = (
        mel_features.frame(log_mel, 96, params.example_hop_frames)
        if num_frames >= 96
        else np.zeros((0, 96, 64))
    )
    np.testing.assert_array_equal(FrameExamples(params)(log_mel), expected)


@pytest.mark.parametrize("hop", those({0.48, 0.96}.__contains__, EXAMPLE_HOPS))
@pytest.mark.parametrize("pad", PADS)
def test_a_pad_rule_is_the_same_as_padding_by_hand(pad, hop):
    params = Params(example_hop_seconds=hop)
    layer = WaveformToExamples(params, pad=pad)
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None,))])
    for num_samples in (0, 1, 15_599, 15_600, 15_601, 31_000):
        waveform = signals.noise(num_samples)
        length = padded_length(num_samples, params, pad)
        padded = np.pad(waveform, (0, length - num_samples))
        expected = np.asarray(WaveformToExamples(params)(padded))
        np.testing.assert_array_equal(layer(waveform), expected)
        np.testing.assert_array_equal(graph(waveform), expected)
        if pad == "never":
            assert length == num_samples
        elif pad == "short":
            assert length == (max(num_samples, 15_600) if num_samples else 0)
        elif num_samples:  # the fewest examples that cover every sample
            assert length == next(
                end
                for end in itertools.count(15_600, params.example_hop_samples)
                if end >= num_samples
            )


def test_gradients_are_finite_at_silence_and_right_elsewhere():
    layer = WaveformToExamples()
    silence = tf.Variable(np.zeros((1, 15_600), np.float32))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(silence))
    assert np.isfinite(tape.gradient(total, silence)).all()

    waveform = tf.Variable(signals.noise(15_600))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(waveform))
    gradient = tape.gradient(total, waveform).numpy()
    direction = signals.noise(15_600, seed=1).astype(np.float64)

    def shifted_sum(step):
        return vggish_input.waveform_to_examples(
            waveform.numpy() + step * direction, signals.RATE
        ).sum()

    numeric = (shifted_sum(1e-6) - shifted_sum(-1e-6)) / 2e-6
    # central difference of the float64 reference
    np.testing.assert_allclose(gradient @ direction, numeric, rtol=1e-4)


@pytest.mark.parametrize("word", [{"pad": "sometimes"}, {"transform": "dct"}])
def test_an_unknown_word_is_named(word):
    with pytest.raises(ValueError, match=repr(next(iter(word.values())))):
        WaveformToExamples(**word)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8"])
def test_integers_are_refused_and_not_guessed_at(dtype):
    with pytest.raises(ValueError, match=f"floating point .* received {dtype}"):
        WaveformToExamples()(np.zeros((1, 16_000), dtype))


def test_bfloat16_policies_leave_the_front_end_alone():
    waveform = signals.noise(16_000)
    expected = np.asarray(WaveformToExamples()(waveform))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        examples = WaveformToExamples()(waveform)
    finally:
        keras.config.set_dtype_policy("float32")
    assert examples.dtype == tf.float32
    np.testing.assert_array_equal(examples, expected)


@pytest.mark.parametrize("transform", ["rfft", "matrix"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_spoils_the_frames_that_hold_it_and_no_others(bad, transform):
    waveform = signals.noise(16_000)
    layer = keras.Sequential([keras.Input((None,)), StftMagnitude(transform=transform), LogMel()])
    expected = np.array(layer(waveform[np.newaxis])[0])
    expected[[48, 49, 50]] = np.nan  # 400 samples from 7,680, 7,840 and 8,000
    waveform[8_050] = bad
    log_mel = np.asarray(layer(waveform[np.newaxis]))[0]
    np.testing.assert_array_equal(np.where(np.isfinite(log_mel), log_mel, np.nan), expected)


@pytest.mark.parametrize("layer", [StftMagnitude, WaveformToExamples])
def test_clips_of_different_lengths_are_answered_with_the_way_to_fill_them_up(layer):
    clips = [signals.noise(16_000), signals.noise(20_000)]
    for ragged in (clips, tf.ragged.stack(clips), np.array(clips, dtype=object)):
        with pytest.raises(ValueError, match=r"one length; received .*padded_batch"):
            layer()(ragged)
