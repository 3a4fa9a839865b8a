"""The stages of a clip, in memory and in a file, and what an embedder adds to them."""

import numpy as np
import pytest
import signals
import soundfile

from vggish_tf import Embedder, Params, load_audio, stages
from vggish_tf.reference import mel_features

pytestmark = pytest.mark.usefixtures("small_networks")
LOG_MEL_ATOL = 1e-5  # float32 layers against float64 arithmetic
STFT_RTOL = 6e-8  # float64 in both, then rounded once to float32: 2**-24; 5.95e-8 was seen


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "clip.wav"
    stereo = np.random.default_rng(0).uniform(-0.5, 0.5, (100_000, 2))
    soundfile.write(path, stereo, 44_100)
    return path


def test_a_file_is_its_samples(file):
    """Bit for bit, however it is decoded."""
    of_file, of_samples = stages.compute_file(file), stages.compute(*load_audio(file))
    for name, array in of_samples._asdict().items():
        if isinstance(array, np.ndarray):
            np.testing.assert_array_equal(getattr(of_file, name), array, err_msg=name)
    assert of_file.params == of_samples.params == Params()


def test_a_file_that_resamples_to_no_sample_is_its_samples(tmp_path):
    soundfile.write(tmp_path / "tiny.wav", np.zeros(3), 192_000)
    assert len(load_audio(tmp_path / "tiny.wav")[0]) == 3
    assert stages.compute_file(tmp_path / "tiny.wav").examples.shape == (0, 96, 64)


@pytest.mark.parametrize("frames", [99, 100, 101, 199, 200, 201])
def test_a_clip_of_many_stretches_is_the_reference(frames, monkeypatch):
    monkeypatch.setattr(stages, "FRAMES_AT_ONCE", 100)
    waveform = signals.noise(400 + 160 * (frames - 1))
    computed = stages.compute(waveform, signals.RATE, pad="never")
    magnitude = mel_features.stft_magnitude(waveform, 512, 160, 400)
    assert computed.stft_magnitude.shape == (frames, 257)
    np.testing.assert_allclose(computed.stft_magnitude, magnitude, rtol=STFT_RTOL)
    log_mel = np.log(magnitude @ computed.mel_matrix + 0.01)
    np.testing.assert_allclose(computed.log_mel, log_mel, atol=LOG_MEL_ATOL)


def test_the_rows_are_the_embedders_and_so_is_the_word_about_its_weights(file, small_checkpoint):
    for embedder in (Embedder(small_checkpoint), Embedder(None)):
        computed = stages.compute_file(file, embedder=embedder)
        embedding, timestamps = embedder.embed_file(file)
        np.testing.assert_array_equal(computed.embedding, embedding)
        np.testing.assert_array_equal(computed.timestamps, timestamps)
        assert computed.untrained == embedder.untrained
    assert not stages.compute_file(file).untrained


def test_quantized_rows_are_no_embedding(file, small_checkpoint, pca_params, monkeypatch):
    monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
    embedder = Embedder(small_checkpoint, postprocess="quantized")
    computed = stages.compute_file(file, embedder=embedder)
    assert computed.embedding is None
    assert computed.quantized.dtype == np.uint8
    np.testing.assert_array_equal(computed.quantized, embedder.embed_file(file).embedding)
