"""The reference front end against upstream's known values and torchvggish's copy of it."""

import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vggish_tf.errors import AudioError, ParamsError
from vggish_tf.reference import mel_features, vggish_input

VGGISH_MEL = {"num_mel_bins": 64, "lower_edge_hertz": 125, "upper_edge_hertz": 7500}
PRINTED = 5.1e-9  # the known values are printed to 8 decimals
# the same float64 arithmetic on another build of NumPy, whose sum, FFT and BLAS may order it
# differently
EXACT = 1e-13
FLOAT32 = 1e-6  # numbers stored as float32 of size up to 5: half a unit in the last place is 2.4e-7


@pytest.fixture(scope="module")
def sine():
    """The smoke test's 1 kHz sine, 3 s."""
    return np.sin(2 * np.pi * 1000 * np.arange(0, 3, 1 / 16000))


@pytest.fixture(scope="module")
def other():
    """torchvggish's mel_features.py, loaded by its path, since the package imports torch."""
    found = importlib.util.find_spec("torchvggish") if "torchvggish" not in sys.modules else None
    if found is None or not found.submodule_search_locations:
        pytest.skip("torchvggish is not installed; run: pip install --no-deps torchvggish==0.2")
    path = Path(found.submodule_search_locations[0]) / "mel_features.py"
    spec = importlib.util.spec_from_file_location("torchvggish_mel_features", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_zeros_are_the_log_offset_everywhere():
    examples = vggish_input.waveform_to_examples(np.zeros(16000), 16000)
    assert examples.shape == (1, 96, 64)
    assert np.all(examples == -4.605170185988091)


def test_sine_has_upstream_s_known_values(sine):
    examples = vggish_input.waveform_to_examples(sine, 16000)
    assert (examples.shape, examples.dtype) == ((3, 96, 64), np.float64)
    got = examples.mean(), examples.std(), examples.max()
    np.testing.assert_allclose(
        got, (-3.4296186961398245, 2.126577335759408, 4.811117725147952), rtol=EXACT
    )


@pytest.mark.parametrize(
    ("where", "printed"),
    [
        ((0, 0, slice(4)), [-4.48313252, -4.27083405, -4.17064267, -4.23770552]),
        ((0, 0, slice(18, 22)), [2.69300255, 4.81111773, 4.7750444, 2.26221533]),
        ((2, 95, slice(-4, None)), [-4.6003725, -4.60069383, -4.60098887, -4.60116305]),
    ],
)
def test_sine_has_the_printed_slices(sine, where, printed):
    np.testing.assert_allclose(
        vggish_input.waveform_to_examples(sine, 16000)[where], printed, rtol=0, atol=PRINTED
    )


def test_sine_is_the_stored_input_of_the_smoke_test(sine, shared_data):
    stored = np.load(shared_data / "smoke_test_input.npz")["logmel"]
    np.testing.assert_allclose(
        vggish_input.waveform_to_examples(sine, 16000), stored, rtol=0, atol=FLOAT32
    )


def test_vggish_mel_matrix_has_upstream_s_known_values():
    matrix = mel_features.spectrogram_to_mel_matrix(
        num_spectrogram_bins=257, audio_sample_rate=16000, **VGGISH_MEL
    )
    assert (matrix.shape, matrix.dtype) == ((257, 64), np.float64)
    assert matrix.sum() == pytest.approx(230.9135991608477, rel=EXACT)
    assert np.count_nonzero(matrix) == 461
    assert list(np.flatnonzero(matrix[32])) == [19, 20]
    np.testing.assert_allclose(
        matrix[32, 19:21], [0.5363006319091846, 0.4636993680908154], rtol=EXACT
    )
    assert not matrix[0].any()


def test_default_mel_matrix_is_upstream_s_default():
    """Its numbers: 20 mel bins from 125 to 3800 Hz, 129 FFT bins at 8 kHz."""
    matrix = mel_features.spectrogram_to_mel_matrix()
    assert matrix.shape == (129, 20)
    np.testing.assert_array_equal(
        matrix, mel_features.spectrogram_to_mel_matrix(20, 129, 8000, 125.0, 3800.0)
    )


@pytest.mark.parametrize(
    ("hertz", "mel"), [(0, 0.0), (8000, 2840.0377117383778), (250000, 6627.8103066390595)]
)
def test_hertz_to_mel_has_upstream_s_known_values(hertz, mel):
    assert mel_features.hertz_to_mel(hertz) == pytest.approx(mel, rel=EXACT)
    assert isinstance(mel_features.hertz_to_mel(hertz), np.float64)


@pytest.mark.parametrize("length", [1, 2, 399, 400, 1562])
def test_periodic_hann_is_scipy_s(length):
    from scipy.signal import get_window

    window = get_window("hann", length, fftbins=True)
    if length > 1:  # of length 1, scipy's is 1 by definition and upstream's formula gives 0
        np.testing.assert_allclose(mel_features.periodic_hann(length), window, rtol=0, atol=EXACT)
    assert mel_features.periodic_hann(length)[0] == 0


def test_stft_is_the_discrete_fourier_sum_with_the_zeros_behind():
    signal = np.random.default_rng(0).normal(size=23)
    got = mel_features.stft_magnitude(signal, fft_length=16, hop_length=5, window_length=12)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(12), np.arange(9)) / 16)
    frames = np.stack(
        [signal[start : start + 12] for start in (0, 5, 10)]
    ) * mel_features.periodic_hann(12)
    # sums of 12 terms of size 1
    np.testing.assert_allclose(got, np.abs(frames @ waves), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("num_samples", "num_frames"),
    [(240, 0), (399, 0), (400, 1), (559, 1), (560, 2), (15_599, 95), (15_600, 96)],
)
def test_frames_are_counted_as_upstream_counts(num_samples, num_frames):
    data = np.arange(num_samples)
    frames = mel_features.frame(data, 400, 160)
    assert frames.shape == (num_frames, 400)
    for index in range(num_frames):
        np.testing.assert_array_equal(frames[index], data[index * 160 : index * 160 + 400])
    assert mel_features.log_mel_spectrogram(data * 1.0, 16000, 0.01, **VGGISH_MEL).shape == (
        num_frames,
        64,
    )


def test_frames_are_a_view():
    data = np.zeros((10, 2), np.float32)
    frames = mel_features.frame(data, 4, 4)
    assert frames.shape == (2, 4, 2)
    assert np.shares_memory(frames, data)


@pytest.mark.parametrize("num_samples", [0, 1, 239])
def test_too_few_samples_are_an_error_that_counts(num_samples):
    with pytest.raises(
        AudioError, match=rf"received {num_samples}; at least 240 are needed, and 400 for the first"
    ):
        mel_features.frame(np.zeros(num_samples), 400, 160)


@pytest.mark.parametrize(("window_length", "hop_length"), [(0, 1), (4, 0), (4, -1)])
def test_impossible_lengths_are_an_error(window_length, hop_length):
    with pytest.raises(ParamsError, match="at least 1; received window_length="):
        mel_features.frame(np.zeros(9), window_length, hop_length)


def test_stft_without_lengths_is_a_type_error_as_upstream():
    with pytest.raises(TypeError):
        mel_features.stft_magnitude(np.zeros(400), 512)


def test_stft_refuses_channels():
    with pytest.raises(AudioError, match=r"must be \(num_samples,\); received \(400, 2\). Average"):
        mel_features.stft_magnitude(np.zeros((400, 2)), 512, 160, 400)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ((-0.1, 3800.0), "lower_edge_hertz must be at least 0; received -0.1"),
        ((3800.0, 3800.0), "lower_edge_hertz must be under upper_edge_hertz=3800; received 3800"),
        (
            (125.0, 4000.1),
            "upper_edge_hertz must be at most 4000, half of audio_sample_rate; received 4000.1",
        ),
    ],
)
def test_impossible_mel_edges_are_value_errors(edges, message):
    with pytest.raises(ValueError, match=message):
        mel_features.spectrogram_to_mel_matrix(lower_edge_hertz=edges[0], upper_edge_hertz=edges[1])


def test_mel_edges_at_zero_and_at_nyquist_are_allowed():
    matrix = mel_features.spectrogram_to_mel_matrix(lower_edge_hertz=0.0, upper_edge_hertz=4000.0)
    assert matrix.any(axis=0).all()
    assert not matrix[0].any()


def test_empty_mel_bins_are_named():
    with pytest.warns(
        UserWarning, match="mel bins 0, 1, 4, 5, 8, 11, 18 hold no FFT bin: .* 122.1 Hz apart"
    ):
        matrix = mel_features.spectrogram_to_mel_matrix(64, 1025, 250_000, 125, 7500)
    assert list(np.flatnonzero(matrix.sum(axis=0) == 0)) == [0, 1, 4, 5, 8, 11, 18]


def test_no_warning_without_empty_mel_bins():
    with warnings.catch_warnings(action="error"):
        matrix = mel_features.spectrogram_to_mel_matrix(64, 257, 16000, 125, 7500)
    assert (matrix.sum(axis=0) > 0).all()


def test_log_offset_defaults_to_none_as_upstream():
    with np.errstate(divide="ignore"):
        assert np.all(mel_features.log_mel_spectrogram(np.zeros(200)) == -np.inf)


@pytest.mark.parametrize(
    ("window_length", "fft_length"), [(1, 1), (255, 256), (256, 256), (257, 512), (1562, 2048)]
)
def test_fft_is_the_power_of_two_that_holds_a_window(monkeypatch, window_length, fft_length):
    chosen = []

    def note(_, **lengths):
        chosen.append(lengths)
        return np.ones((1, 129))

    monkeypatch.setattr(mel_features, "stft_magnitude", note)
    mel_features.log_mel_spectrogram(np.zeros(8000), window_length_secs=window_length / 8000)
    assert chosen == [{"window_length": window_length, "fft_length": fft_length, "hop_length": 80}]


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 80),
    st.integers(2, 600),
    st.floats(100, 500_000),
    st.floats(0, 0.5, exclude_max=True),
    st.floats(0, 1),
)
def test_mel_matrix_is_torchvggish_s(other, num_mel_bins, num_rows, rate, lower, width):
    lower_hertz = lower * rate / 2
    upper_hertz = lower_hertz + (0.01 + 0.99 * width) * (rate / 2 - lower_hertz)
    upper_hertz = min(upper_hertz, rate / 2)  # which the sum may pass by a rounding error
    arguments = (num_mel_bins, num_rows, rate, lower_hertz, upper_hertz)
    with warnings.catch_warnings(action="ignore"):
        got = mel_features.spectrogram_to_mel_matrix(*arguments)
    np.testing.assert_array_equal(got, other.spectrogram_to_mel_matrix(*arguments))


@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 70), st.integers(1, 30), st.integers(1, 40), st.sampled_from(["f8", "f4", "i2"])
)
def test_frames_are_torchvggish_s(other, num_samples, window_length, hop_length, dtype):
    data = np.arange(2 * num_samples).astype(dtype)[::2]  # strided, as one channel of stereo is
    if num_samples < window_length - hop_length:
        with pytest.raises(AudioError):
            mel_features.frame(data, window_length, hop_length)
        return
    got = mel_features.frame(data, window_length, hop_length)
    expected = other.frame(data, window_length, hop_length)
    np.testing.assert_array_equal(got, expected)
    assert (got.dtype, got.strides) == (expected.dtype, expected.strides)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
def test_log_mel_is_torchvggish_s(other, dtype):
    data = (np.random.default_rng(3).normal(0, 100, 20_000)).astype(dtype)
    for arguments in (
        {"log_offset": 0.5},
        {"audio_sample_rate": 16000, "log_offset": 0.01, **VGGISH_MEL},
    ):
        got = mel_features.log_mel_spectrogram(data, **arguments)
        np.testing.assert_array_equal(got, other.log_mel_spectrogram(data, **arguments))
        assert got.dtype == np.float64
