"""Captions of known stages, and of empty ones."""

import tracemalloc

import numpy as np
import pytest
from drawing import make_stages

from vggish_tf.jobs.inspect import captions, spectrum

OF_STAGES = [
    captions.waveform,
    captions.stft_magnitude,
    captions.mel_matrix,
    captions.mel_scale,
    captions.log_mel,
    captions.embedding,
    captions.quantized,
    captions.similarity,
]


def test_the_waveform_has_its_peak_level_and_loudest_half_second():
    waveform = np.full(48_000, 0.01, np.float32)
    waveform[24_000:32_000] = 0.1  # 1.5 to 2 s
    waveform[8000:16_000] = 0.0  # 0.5 to 1 s
    waveform[28_800] = -0.5  # 1.8 s
    text = captions.waveform(make_stages()._replace(waveform=waveform))
    level = 10 * np.log10(np.mean(waveform.astype(float) ** 2))
    assert text == (
        f"Amplitude over 3.00 s: the peak is 0.5 at 1.80 s, the mean level {level:.0f} dBFS; "
        "the loudest half second begins at 1.5 s, the quietest at 0.5 s."
    )


def test_the_spectrogram_has_its_loudest_place_and_its_band():
    magnitude = np.zeros((298, 257), np.float32)
    magnitude[50:60, 32], magnitude[200, 96] = 1.0, 10.0  # 1 kHz for ten frames, 3 kHz for one
    text = captions.stft_magnitude(make_stages()._replace(stft_magnitude=magnitude))
    assert "298 frames, 0 to 8 kHz: loudest at 2.00 s and 3 kHz, with -20 dBFS" in text
    assert text.endswith("between 1 kHz and 3 kHz.")  # 10 of 110 lie at 1 kHz


def test_the_log_mel_has_its_loudest_bin_and_time():
    log_mel = np.zeros((298, 64), np.float32)
    log_mel[:, 7], log_mel[:, 40], log_mel[123, 63] = 1.5, -2.5, 4.0
    text = captions.log_mel(make_stages()._replace(log_mel=log_mel))
    assert "298 frames, 3 examples: on average mel bin 7 (394 Hz) is loudest with 1.50" in text
    assert "bin 40 (2.81 kHz) quietest with -2.50" in text  # 125 to 7500 Hz in 65 steps: HTK's mel
    assert text.endswith("the largest value, 4.00, is in bin 63 at 1.23 s.")


def test_embeddings_have_their_spread_and_the_value_furthest_from_zero():
    embedding = np.full((3, 128), 0.5, np.float32)
    embedding[:, :32], embedding[1, 77] = -0.5, -9.0
    quantized = np.full((3, 128), 100, np.uint8)
    quantized[0, :64], quantized[1, :32] = 0, 255
    stages = make_stages()._replace(embedding=embedding, quantized=quantized)
    assert captions.embedding(stages).startswith(
        "3 embeddings of 128 values, 25 % of them negative"
    )
    assert captions.embedding(stages).endswith("is -9, in dimension 77 at 0.96 s.")
    assert captions.quantized(stages).startswith(
        "3 quantized embeddings of 128 values from 0 to 255"
    )
    assert captions.quantized(stages).endswith("25.0 % are clipped.")


def test_similarities_have_the_most_and_the_least_alike():
    embedding = np.zeros((4, 128), np.float32)
    # 3-4-5: cosine 0.8 with the first
    embedding[:, 0], embedding[:, 1] = (1, 0, -1, 1), (0, 1, 0, 0.75)
    stages = make_stages(16_000 * 4)._replace(embedding=embedding, timestamps=np.arange(4) * 0.96)
    assert captions.similarity(stages) == (
        "Cosines between 4 embeddings: median 0.00; most alike are 0.00 s and 2.88 s (0.80), "
        "least alike 0.00 s and 1.92 s (-1.00)."
    )


def test_many_examples_are_compared_in_little_memory():
    stages = make_stages()
    many = np.tile(stages.embedding, (2000, 1))  # 6000: a matrix of all would take 288 MB
    tracemalloc.start()
    try:
        text = captions.similarity(
            stages._replace(embedding=many, timestamps=np.arange(6000) * 0.96)
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6
    assert text.startswith("Cosines between 6000 embeddings")


@pytest.mark.parametrize("describe", OF_STAGES, ids=lambda describe: describe.__name__)
@pytest.mark.parametrize("num_samples", [0, 1, 399, 400, 15_600])
def test_short_clips_have_captions(describe, num_samples):
    text = describe(make_stages(num_samples))
    assert text.endswith(".")
    assert "nan" not in text


def test_silence_is_called_that():
    stages = make_stages()
    silent = stages._replace(
        waveform=np.zeros_like(stages.waveform),
        stft_magnitude=np.full_like(stages.stft_magnitude, 1e-19),  # as an FFT of zeros may give
        log_mel=np.full_like(stages.log_mel, np.log(0.01)),
    )
    for describe in (captions.waveform, captions.stft_magnitude, captions.log_mel):
        assert "silence" in describe(silent)
    measured = spectrum.measure(silent.waveform, 16_000)
    assert captions.spectrum(measured, 8000).endswith("none, the file is silent.")


def test_one_is_not_plural():
    assert "1 example:" in captions.log_mel(make_stages(15_600))
    assert captions.embedding(make_stages(15_600)).startswith("1 embedding of")
