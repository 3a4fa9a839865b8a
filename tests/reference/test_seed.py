"""The notebook that the project began from: shapes, printed numbers, a 250 kHz recording.

The recording is not available, but the notebook prints parts of its spectrogram and of the results.
Its front end went to 30 kHz, the one upper edge that fits the printed log-mels.
"""

import numpy as np
import pytest

from vggish_tf import Params
from vggish_tf.reference import mel_features, vggish_input, vggish_params

NUM_SAMPLES = 14_598_982
RATE = 250_000
FRONT_END = {"num_mel_bins": 64, "lower_edge_hertz": 125, "upper_edge_hertz": 30_000}
PRINTED = 5.1e-9  # the notebook prints 8 decimals
EIGHT_DIGITS = 1e-7  # of a log-mel, where the spectrogram below has 9 digits

# FFT bin 2, 244 Hz
SPECTROGRAM = [1.79288605, 1.75156574, 2.34125913, 1.21699124e03, 9.24269451e02, 7.88696202e02]
LOG_MEL = [  # the same frames, the first three of 64 mel bins
    [-4.60517019e00, 4.12257316e-02, -2.60327985e-01],
    [-4.60517019e00, 1.81355435e-02, -2.83338519e-01],
    [-4.60517019e00, 3.05837822e-01, 3.49094283e-03],
    [-4.60517019e00, 6.55190780e00, 6.24694319e00],
    [-4.60517019e00, 6.27677907e00, 5.97181607e00],
    [-4.60517019e00, 6.11815986e00, 5.81319802e00],
]
LOG_MEL_OF_20 = [  # the same frames, the first two of the default 20 mel bins
    [-0.50747158, 0.19133931],
    [-0.53039634, 0.16821757],
    [-0.24450755, 0.45626535],
    [5.99611319, 6.70336902],
    [5.72098782, 6.42823965],
    [5.56237101, 6.26961999],
]


@pytest.fixture
def native_rate(monkeypatch):
    """The notebook's way to change the front end: the module's globals, edited in place."""
    monkeypatch.setattr(vggish_params, "SAMPLE_RATE", RATE)
    monkeypatch.setattr(vggish_params, "STFT_WINDOW_LENGTH_SECONDS", 0.00625)
    monkeypatch.setattr(vggish_params, "STFT_HOP_LENGTH_SECONDS", 0.0025)
    monkeypatch.setattr(vggish_params, "EXAMPLE_WINDOW_SECONDS", 0.24)
    monkeypatch.setattr(vggish_params, "EXAMPLE_HOP_SECONDS", 0.24)


def test_mel_scale_tables():
    ultrasound = mel_features.hertz_to_mel(np.linspace(0, 125001, 64))
    printed = [
        0.0,
        1514.72900826,
        2138.44515516,
        2537.61736084,
        2831.79106167,
        3064.85533047,
        3257.88333188,
    ]
    np.testing.assert_allclose(ultrasound[:7], printed, rtol=0, atol=PRINTED)
    printed = [4943.68427704, 4982.74852542, 5020.50396236, 5057.03545323]
    np.testing.assert_allclose(ultrasound[28:32], printed, rtol=0, atol=PRINTED)

    audible = mel_features.hertz_to_mel(np.linspace(0, 8000, 64))
    printed = [
        0.0,
        187.87672243,
        348.86291659,
        489.7011444,
        614.87821968,
        727.53122616,
        829.93988623,
    ]
    np.testing.assert_allclose(audible[:7], printed, rtol=0, atol=PRINTED)
    assert audible[-1] == pytest.approx(2840.0377117383778, rel=1e-15)


def test_private_names_of_the_mel_scale():
    assert mel_features._MEL_HIGH_FREQUENCY_Q == 1127.0
    assert mel_features._MEL_BREAK_FREQUENCY_HERTZ == 700.0
    by_hand = mel_features._MEL_HIGH_FREQUENCY_Q * np.log(
        1.0 + (8000 / mel_features._MEL_BREAK_FREQUENCY_HERTZ)
    )
    assert by_hand == mel_features.hertz_to_mel(8000)


@pytest.mark.filterwarnings("ignore:mel bins")
def test_filter_bank_rows():
    matrix = mel_features.spectrogram_to_mel_matrix(
        num_spectrogram_bins=1025, audio_sample_rate=RATE
    )
    assert matrix.shape == (1025, 20)
    np.testing.assert_allclose(matrix[2, :3], [0.33020269, 0.66979731, 0.0], rtol=0, atol=PRINTED)
    assert not matrix[:2].any()
    assert not matrix[-3:].any()


@pytest.mark.parametrize(("arguments", "printed"), [({}, LOG_MEL_OF_20), (FRONT_END, LOG_MEL)])
@pytest.mark.filterwarnings("ignore:mel bins")
def test_log_mels_of_the_recording_follow_from_its_spectrogram(arguments, printed):
    matrix = mel_features.spectrogram_to_mel_matrix(
        num_spectrogram_bins=1025, audio_sample_rate=RATE, **arguments
    )
    first = matrix[:, : len(printed[0])]
    assert set(np.flatnonzero(first.any(axis=1))) == {2}, "these mel bins hear FFT bin 2 alone"
    got = np.log(np.outer(SPECTROGRAM, first[2]) + 0.01)
    np.testing.assert_allclose(got, printed, rtol=0, atol=EIGHT_DIGITS)


@pytest.mark.filterwarnings("ignore:mel bins")
def test_the_recording_at_its_native_rate(native_rate):
    """14,598,982 samples of 16 bits, stage by stage as the notebook goes, and in one call."""
    sound = np.random.default_rng(0).integers(-9000, 9000, NUM_SAMPLES, dtype=np.int16)
    frames = mel_features.frame(sound, 1562, 625)
    assert (frames.shape, frames.strides) == ((23356, 1562), (1250, 2))
    log_mel = mel_features.log_mel_spectrogram(
        sound,
        audio_sample_rate=vggish_params.SAMPLE_RATE,
        log_offset=vggish_params.LOG_OFFSET,
        window_length_secs=vggish_params.STFT_WINDOW_LENGTH_SECONDS,
        hop_length_secs=vggish_params.STFT_HOP_LENGTH_SECONDS,
        num_mel_bins=vggish_params.NUM_MEL_BINS,
        lower_edge_hertz=vggish_params.MEL_MIN_HZ,
        upper_edge_hertz=vggish_params.MEL_MAX_HZ,
    )
    assert (log_mel.shape, log_mel.dtype) == ((23356, 64), np.float64)
    assert np.all(log_mel[:, 0] == np.log(0.01)), (
        "the notebook's first column: a mel bin without an FFT bin"
    )
    examples = mel_features.frame(log_mel, 96, 96)
    assert (examples.shape, examples.strides) == ((243, 96, 64), (49152, 512, 8))
    scaled = vggish_input.waveform_to_examples(sound / 32768.0, RATE)
    assert scaled.shape == (243, 96, 64)
    offset = vggish_params.LOG_OFFSET
    np.testing.assert_allclose(
        (np.exp(scaled) - offset) * 32768, np.exp(examples) - offset, rtol=1e-9, atol=1e-8
    )


def test_params_names_the_same_sizes():
    with pytest.warns(UserWarning, match="mel bins 0, 1, 4, 5, 8, 11, 18 hold no FFT bin"):
        params = Params(
            sample_rate=RATE,
            stft_window_seconds=0.00625,
            stft_hop_seconds=0.0025,
            example_window_seconds=0.24,
            example_hop_seconds=0.24,
        )
    sizes = params.window_length, params.hop_length, params.fft_length, params.num_frames
    assert sizes == (1562, 625, 2048, 96)


def test_default_examples_of_the_module_are_untouched_by_the_edits_above():
    examples = vggish_input.waveform_to_examples(np.zeros(15_600), 16_000)
    # DESIGN section 3
    np.testing.assert_allclose(examples, np.full((1, 96, 64), -4.605170185988091), rtol=1e-15)
