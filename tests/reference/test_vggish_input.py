"""Waveforms and files → examples, edited globals, the released 8-bit format, the package."""

import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr

import vggish_tf.params
from vggish_tf.errors import AudioError
from vggish_tf.files import DATA
from vggish_tf.reference import mel_features, vggish_input, vggish_params, vggish_postprocess

# 8-bit numbers are compared exactly: one step off is the mistake of the ports that round
TRUNCATION = 0
PUBLISHED = {  # from tensorflow/models research/audioset/vggish/vggish_params.py, by hand
    "NUM_FRAMES": 96, "NUM_BANDS": 64, "EMBEDDING_SIZE": 128, "SAMPLE_RATE": 16000,
    "STFT_WINDOW_LENGTH_SECONDS": 0.025, "STFT_HOP_LENGTH_SECONDS": 0.010, "NUM_MEL_BINS": 64,
    "MEL_MIN_HZ": 125, "MEL_MAX_HZ": 7500, "LOG_OFFSET": 0.01,
    "EXAMPLE_WINDOW_SECONDS": 0.96, "EXAMPLE_HOP_SECONDS": 0.96,
    "PCA_EIGEN_VECTORS_NAME": "pca_eigen_vectors", "PCA_MEANS_NAME": "pca_means",
    "QUANTIZE_MIN_VAL": -2.0, "QUANTIZE_MAX_VAL": 2.0,
    "INIT_STDDEV": 0.01, "LEARNING_RATE": 1e-4, "ADAM_EPSILON": 1e-8,
    "INPUT_OP_NAME": "vggish/input_features", "INPUT_TENSOR_NAME": "vggish/input_features:0",
    "OUTPUT_OP_NAME": "vggish/embedding", "OUTPUT_TENSOR_NAME": "vggish/embedding:0",
    "AUDIO_EMBEDDING_FEATURE_NAME": "audio_embedding",
}  # fmt: skip


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(5).uniform(-0.5, 0.5, 32_000)


@pytest.mark.parametrize(
    ("num_samples", "num_examples"),
    [(240, 0), (400, 0), (15_599, 0), (15_600, 1), (30_959, 1), (30_960, 2)],
)
def test_incomplete_examples_are_dropped(num_samples, num_examples):
    examples = vggish_input.waveform_to_examples(np.zeros(num_samples), 16_000)
    # DESIGN section 3
    np.testing.assert_allclose(examples, np.full((num_examples, 96, 64), -4.605170185988091))


@pytest.mark.parametrize("num_samples", [0, 239])
def test_too_few_samples_for_any_front_end_are_an_error(num_samples):
    with pytest.raises(
        AudioError, match=rf"audio is too short .* received {num_samples}; at least 240"
    ):
        vggish_input.waveform_to_examples(np.zeros(num_samples), 16_000)


def test_channels_are_averaged(noise):
    stereo = np.stack([noise, noise[::-1]], axis=1)
    got = vggish_input.waveform_to_examples(stereo, 16_000)
    np.testing.assert_array_equal(
        got, vggish_input.waveform_to_examples((noise + noise[::-1]) / 2, 16_000)
    )


def test_full_precision_without_resampling(noise):
    """Samples under float32's resolution still count: nothing is rounded on the way."""
    assert (
        vggish_input.waveform_to_examples(0.5 + noise * 1e-9, 16_000)[0, :, 30:] != np.log(0.01)
    ).any()
    a, b = (vggish_input.waveform_to_examples(0.5 + noise * 1e-9 * gain, 16_000) for gain in (1, 2))
    assert np.abs(a - b).max() > 1e-9


def test_other_rates_are_resampled(noise):
    """A sine at 44.1 kHz gives the log-mel of the same sine at 16 kHz, except at the ends."""
    at = {rate: np.sin(2 * np.pi * 1000 * np.arange(0, 3, 1 / rate)) for rate in (16_000, 44_100)}
    got = vggish_input.waveform_to_examples(at[44_100], 44_100)
    expected = vggish_input.waveform_to_examples(at[16_000], 16_000)
    assert got.shape == expected.shape == (3, 96, 64)
    # soxr HQ: 20 bits, here against log_offset
    np.testing.assert_allclose(got[1], expected[1], rtol=0, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, bool, complex])
def test_integers_are_refused_as_a_waveform(dtype):
    with pytest.raises(AudioError, match=f"floating point, .*; received {np.dtype(dtype)}"):
        vggish_input.waveform_to_examples(np.zeros((48_000, 2), dtype), 16_000)


def test_channels_first_is_an_error():
    with pytest.raises(AudioError, match="48000 channels"):
        vggish_input.waveform_to_examples(np.zeros((2, 48_000)), 16_000)


def test_more_than_two_axes_are_an_error():
    with pytest.raises(AudioError, match=r"received float64 \(2, 48000, 1\)"):
        vggish_input.waveform_to_examples(np.zeros((2, 48_000, 1)), 16_000)


def test_16_bit_wav_is_divided_by_32768(noise, tmp_path):
    integers = (
        np.stack([noise * 65536, noise[::-1] * 30_000], axis=1).clip(-32768, 32767).astype(np.int16)
    )
    soundfile.write(tmp_path / "clip.wav", integers, 16_000, subtype="PCM_16")
    got = vggish_input.wavfile_to_examples(str(tmp_path / "clip.wav"))
    np.testing.assert_array_equal(
        got, vggish_input.waveform_to_examples(integers / 32768.0, 16_000)
    )


@pytest.mark.parametrize(
    "opened", [lambda path: io.BytesIO(path.read_bytes()), lambda path: path.open("rb")]
)
def test_an_open_file_is_the_file(opened, noise, tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise, 16_000, subtype="PCM_16")
    with opened(path) as file:
        got = vggish_input.wavfile_to_examples(file)
    np.testing.assert_array_equal(got, vggish_input.wavfile_to_examples(path))


def test_an_open_file_that_is_no_audio_is_an_error(noise, tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise, 16_000)
    for file, words in {
        "cut": (io.BytesIO(path.read_bytes()[:20_000]), "^wav_file: the header promises"),
        "empty": (io.BytesIO(), r"^wav_file is empty \(0 bytes\)"),
        "text": (io.StringIO("RIFF"), "opened for bytes"),
    }.values():
        with pytest.raises(AudioError, match=words):
            vggish_input.wavfile_to_examples(file)


def test_a_real_recording(shared_data):
    """44.1 kHz, stereo. Oracle: soundfile, the mean of the channels, soxr."""
    path = shared_data / "audio" / "bus_chatter.wav"
    samples, rate = soundfile.read(path, dtype="float32")
    mono = soxr.resample(samples.mean(axis=1), rate, 16_000)
    examples = vggish_input.wavfile_to_examples(path)
    assert examples.shape == (19, 96, 64)
    np.testing.assert_allclose(examples, vggish_input.waveform_to_examples(mono, 16_000), atol=1e-5)


def test_vggish_params_are_the_published_constants():
    assert {name: getattr(vggish_params, name) for name in vggish_params.__all__} == PUBLISHED


def test_edited_globals_are_followed_here_and_nowhere_else(noise, monkeypatch):
    before = vggish_input.waveform_to_examples(noise, 16_000)
    monkeypatch.setattr(vggish_params, "EXAMPLE_HOP_SECONDS", 0.1)
    after = vggish_input.waveform_to_examples(noise, 16_000)
    assert (before.shape, after.shape) == ((2, 96, 64), (11, 96, 64))  # 1 + (198 - 96) // 10
    np.testing.assert_array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[1, :86], before[0, 10:])
    assert vggish_tf.params.EXAMPLE_HOP_SECONDS == 0.96
    assert vggish_tf.Params().example_hop_seconds == 0.96


def test_a_short_hop_does_not_make_short_clips_crash(monkeypatch):
    monkeypatch.setattr(vggish_params, "EXAMPLE_HOP_SECONDS", 0.1)
    assert vggish_input.waveform_to_examples(np.zeros(1600), 16_000).shape == (0, 96, 64)


@pytest.mark.filterwarnings("ignore:mel bins 0 hold")
@pytest.mark.parametrize(
    "name", ["NUM_MEL_BINS", "MEL_MIN_HZ", "MEL_MAX_HZ", "LOG_OFFSET", "SAMPLE_RATE"]
)
def test_every_edited_global_counts(name, noise, monkeypatch):
    before = vggish_input.waveform_to_examples(noise, 16_000)
    monkeypatch.setattr(
        vggish_params, name, getattr(vggish_params, name) * 2 if name != "MEL_MAX_HZ" else 4000
    )
    after = vggish_input.waveform_to_examples(noise, 16_000)
    assert before.shape != after.shape or not np.allclose(before, after)


def test_zeros_have_upstream_s_known_bytes(pca_params):
    got = vggish_postprocess.Postprocessor(str(pca_params)).postprocess(np.zeros((3, 128)))
    assert (got.shape, got.dtype) == ((3, 128), np.uint8)
    assert list(got[1, :8]) == [156, 39, 143, 114, 177, 83, 96, 115]
    assert got[1].mean() == 131.484375


def test_the_means_are_127_everywhere(pca_params):
    means = np.load(pca_params)["pca_means"]
    assert np.all(
        vggish_postprocess.Postprocessor(pca_params).postprocess(means[np.newaxis]) == 127
    )


def test_published_embedding_gives_the_published_bytes(pca_params):
    published = np.load(str(DATA / "smoke_test_output.npz"))
    got = vggish_postprocess.Postprocessor(pca_params).postprocess(
        published["embedding"][np.newaxis]
    )[0]
    np.testing.assert_allclose(
        got.astype(int), published["postprocessed"].astype(int), rtol=0, atol=TRUNCATION
    )


def test_far_embeddings_are_clipped(pca_params):
    got = vggish_postprocess.Postprocessor(pca_params).postprocess(
        np.random.default_rng(0).normal(0, 1e6, (4, 128))
    )
    assert set(np.unique(got)) == {0, 255}


@pytest.mark.parametrize("shape", [(128,), (1, 127), (1, 1, 128)])
def test_postprocess_asserts_its_shape(pca_params, shape):
    with pytest.raises(AssertionError, match=r"Expected 2-d batch|Bad batch shape"):
        vggish_postprocess.Postprocessor(pca_params).postprocess(np.zeros(shape))


@pytest.mark.parametrize(("matrix", "means"), [((128, 64), (128,)), ((128, 128), (64,))])
def test_postprocessor_asserts_the_shapes_of_its_file(tmp_path, matrix, means):
    np.savez(tmp_path / "p.npz", pca_eigen_vectors=np.zeros(matrix), pca_means=np.zeros(means))
    with pytest.raises(AssertionError, match=r"Bad PCA (matrix|means) shape"):
        vggish_postprocess.Postprocessor(tmp_path / "p.npz")


BROKEN_SLIM = """
import sys
import vggish_tf.reference
assert vggish_tf.reference.mel_features.spectrogram_to_mel_matrix().shape == (129, 20)
from vggish_tf.reference import vggish_input, vggish_params, vggish_postprocess
assert "tensorflow" not in sys.modules and "tf_slim" not in sys.modules
from vggish_tf.reference import vggish_slim
try:
    vggish_slim.define_vggish_slim()
except ImportError as error:
    message = "needs tf-slim, which cannot be imported (AttributeError: no such thing)"
    assert message in str(error), error
else:
    raise SystemExit("no error")
"""


@pytest.mark.slow
def test_everything_else_works_when_tf_slim_is_broken(tmp_path):
    (tmp_path / "tf_slim.py").write_text("raise AttributeError('no such thing')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{BROKEN_SLIM}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_unknown_module_is_an_attribute_error():
    import vggish_tf.reference

    assert vggish_tf.reference.mel_features is mel_features
    with pytest.raises(AttributeError, match=r"no attribute 'vggish_train'"):
        _ = vggish_tf.reference.vggish_train
