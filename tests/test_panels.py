"""Every panel holds what its array holds: values, times and edges, read back from the drawn axes."""

import numpy as np
import pytest
from drawing import draw, make_stages, title
from scipy.spatial.distance import cdist

from vggish_tf.errors import VGGishError
from vggish_tf.jobs import panels
from vggish_tf.jobs.axes import pool

HIGH_RATE = {"stft_window_seconds": 0.00625, "stft_hop_seconds": 0.0025, "mel_min_hz": 2000, "mel_max_hz": 125_000}


def drawn(ax):
    """The array of the only image, (time, values)."""
    (image,) = ax.images
    return np.asarray(image.get_array()).T


def largest_of_blocks(rows, block):
    """The slow twin of pool()."""
    return np.array([rows[start : start + block].max(axis=0) for start in range(0, len(rows), block)])


@pytest.mark.parametrize("length", [1, 9, 10, 11, 19, 20, 21, 1003])
def test_pool_keeps_the_largest_of_every_block(length):
    rows = np.random.default_rng(length).normal(size=(length, 3))
    pooled, block = pool(rows, 10)
    assert len(pooled) <= 10
    np.testing.assert_array_equal(pooled, largest_of_blocks(rows, block))


def test_a_short_log_mel_is_drawn_as_it_is():
    stages = make_stages()
    np.testing.assert_array_equal(drawn(draw(panels.draw_log_mel, stages)), stages.log_mel)


def test_a_long_log_mel_is_drawn_by_its_largest_values():
    stages = make_stages(16_000 * 50)
    image = drawn(draw(panels.draw_log_mel, stages))
    assert 1000 < len(image) <= panels.MOST_COLUMNS
    np.testing.assert_array_equal(image, largest_of_blocks(stages.log_mel, 3))  # 4998 frames, at most 2000 columns


def test_a_full_scale_sine_stands_at_0_decibels_and_at_its_frequency():
    stages = make_stages()
    time = np.arange(400)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / 400)
    magnitude = np.abs(np.fft.rfft(window * np.sin(2 * np.pi * time / 16), 512))  # 1 kHz at 16 kHz is FFT bin 32
    ax = draw(panels.draw_stft_magnitude, stages._replace(stft_magnitude=np.tile(magnitude, (298, 1))))
    assert drawn(ax).argmax(axis=1).tolist() == [32] * 298
    np.testing.assert_allclose(drawn(ax).max(), 0.0, atol=0.01)  # the negative frequency leaks in, under 0.001
    left, right, bottom, top = ax.images[0].get_extent()
    np.testing.assert_allclose([left, right], [0, 298 * 0.01])
    np.testing.assert_allclose(bottom + (32 + 0.5) * (top - bottom) / 257, 1000)


def test_silence_is_dark_in_the_spectrogram():
    stages = make_stages()
    (image,) = draw(
        panels.draw_stft_magnitude, stages._replace(stft_magnitude=np.zeros_like(stages.stft_magnitude))
    ).images
    np.testing.assert_allclose(image.norm(image.get_array()), 0, atol=1e-6)  # the bottom of the colour map


def test_the_envelope_of_a_long_waveform_keeps_clicks_of_one_sample():
    waveform = np.zeros(1_000_000, np.float32)
    waveform[123_456], waveform[765_432] = 0.9, -0.8
    ax = draw(panels.draw_waveform, make_stages()._replace(waveform=waveform))
    vertices = ax.collections[0].get_paths()[0].vertices
    assert len(vertices) < 10 * panels.MOST_COLUMNS
    np.testing.assert_allclose([vertices[:, 1].max(), vertices[:, 1].min()], [0.9, -0.8], rtol=1e-6)
    column = 500 / 16_000  # seconds
    for value, sample in ((0.9, 123_456), (-0.8, 765_432)):
        times = vertices[np.isclose(vertices[:, 1], value), 0]
        assert times.min() <= sample / 16_000 <= times.max() + column
        assert np.ptp(times) <= column * 1.001


def test_borders_stand_at_the_starts_and_the_last_end_and_the_rest_is_grey():
    ax = draw(panels.draw_log_mel, make_stages(16_000 * 3))
    np.testing.assert_allclose([line.get_xdata()[0] for line in ax.lines], [0, 0.96, 1.92, 2.88])
    (grey,) = ax.patches
    np.testing.assert_allclose([grey.get_x(), grey.get_x() + grey.get_width()], [2.88, 3.0])


def test_borders_of_overlapping_examples_are_their_starts():
    ax = draw(panels.draw_log_mel, make_stages(16_000 * 2, example_hop_seconds=0.48))
    np.testing.assert_allclose([line.get_xdata()[0] for line in ax.lines], [0, 0.48, 0.96, 1.92])


def test_too_many_borders_become_a_word_in_the_title():
    ax = draw(panels.draw_log_mel, make_stages(16_000 * 120))
    assert not ax.lines
    assert "borders not drawn" in title(ax)


def test_embedding_colours_are_centred_at_zero():
    stages = make_stages()
    (image,) = draw(panels.draw_embedding, stages).images
    largest = np.abs(stages.embedding).max()
    np.testing.assert_allclose(image.get_clim(), (-largest, largest))
    np.testing.assert_array_equal(np.asarray(image.get_array()).T, stages.embedding)
    np.testing.assert_allclose(image.get_extent()[:2], (0, 2.88))


def test_quantized_colours_span_a_byte():
    stages = make_stages()
    (image,) = draw(panels.draw_quantized, stages).images
    assert image.get_clim() == (0, 255)
    np.testing.assert_array_equal(np.asarray(image.get_array()).T, stages.quantized)


def test_self_similarity_is_the_cosine():
    stages = make_stages(16_000 * 10)
    expected = 1 - cdist(stages.embedding, stages.embedding, "cosine")
    np.testing.assert_allclose(drawn(draw(panels.draw_similarity, stages)), expected, atol=1e-6)  # float32 products


def test_mel_peaks_stand_on_the_curve():
    ax = draw(panels.draw_mel_scale, make_stages())
    hertz, mel = ax.collections[0].get_offsets().T
    np.testing.assert_allclose(mel, 2595 * np.log10(1 + hertz / 700), rtol=1e-4)  # 2595 is 1127 ln 10, rounded
    assert len(hertz) == 64


def test_high_rates_are_in_kilohertz():
    stages = make_stages(250_000, sample_rate=250_000, example_window_seconds=0.24, **HIGH_RATE)
    ax = draw(panels.draw_stft_magnitude, stages)
    ax.figure.draw_without_rendering()
    assert ax.get_ylabel() == "frequency (kHz)"
    assert [text.get_text() for text in ax.get_yticklabels()][:3] == ["0", "20", "40"]
    assert draw(panels.draw_stft_magnitude, make_stages()).get_ylabel() == "frequency (Hz)"


def test_embeddings_that_are_not_there_are_an_error():
    with pytest.raises(VGGishError, match="nothing to draw"):
        draw(panels.draw_embedding, make_stages()._replace(embedding=None))
