"""Panels against their arrays: values, times and edges, read back from the drawn axes."""

import numpy as np
import pytest
from drawing import make_stages, title
from scipy.spatial.distance import cdist

from vggish_tf.drawing import panels
from vggish_tf.drawing.axes import beside_diagonal, color_range, pool
from vggish_tf.errors import VGGishError

HIGH_RATE = {
    "stft_window_seconds": 0.00625,
    "stft_hop_seconds": 0.0025,
    "mel_min_hz": 2000,
    "mel_max_hz": 125_000,
}


def drawn(ax):
    """The array of the only image, (time, values)."""
    (image,) = ax.images
    return np.asarray(image.get_array()).T


def largest_of_blocks(rows, block):
    """The slow twin of pool()."""
    return np.array(
        [rows[start : start + block].max(axis=0) for start in range(0, len(rows), block)]
    )


@pytest.mark.parametrize("length", [1, 9, 10, 11, 19, 20, 21, 1003])
def test_pool_keeps_the_largest_of_every_block(length):
    rows = np.random.default_rng(length).normal(size=(length, 3))
    pooled, block = pool(rows, 10)
    assert len(pooled) <= 10
    np.testing.assert_array_equal(pooled, largest_of_blocks(rows, block))


def test_a_short_log_mel_is_drawn_as_it_is():
    stages = make_stages()
    np.testing.assert_array_equal(drawn(panels.draw_log_mel(stages)), stages.log_mel)


def test_a_long_log_mel_is_drawn_by_its_largest_values():
    stages = make_stages(16_000 * 50)
    image = drawn(panels.draw_log_mel(stages))
    assert 1000 < len(image) <= panels.MOST_COLUMNS
    # 4998 frames, at most 2000 columns
    np.testing.assert_array_equal(image, largest_of_blocks(stages.log_mel, 3))


def test_a_full_scale_sine_stands_at_0_decibels_and_at_its_frequency():
    stages = make_stages()
    time = np.arange(400)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / 400)
    # 1 kHz at 16 kHz is FFT bin 32
    magnitude = np.abs(np.fft.rfft(window * np.sin(2 * np.pi * time / 16), 512))
    ax = panels.draw_stft_magnitude(stages._replace(stft_magnitude=np.tile(magnitude, (298, 1))))
    assert drawn(ax).argmax(axis=1).tolist() == [32] * 298
    # the negative frequency leaks in, under 0.001
    np.testing.assert_allclose(drawn(ax).max(), 0.0, atol=0.01)
    left, right, bottom, top = ax.images[0].get_extent()
    np.testing.assert_allclose([left, right], [0, 298 * 0.01])
    np.testing.assert_allclose(bottom + (32 + 0.5) * (top - bottom) / 257, 1000)


def test_silence_is_dark_in_the_spectrogram():
    stages = make_stages()
    (image,) = panels.draw_stft_magnitude(
        stages._replace(stft_magnitude=np.zeros_like(stages.stft_magnitude)),
    ).images
    # the bottom of the colour map; NumPy's float32 logarithm ends as the processor has it
    np.testing.assert_allclose(image.norm(image.get_array()), 0, atol=5e-6)


def test_the_envelope_of_a_long_waveform_keeps_clicks_of_one_sample():
    waveform = np.zeros(1_000_000, np.float32)
    waveform[123_456], waveform[765_432] = 0.9, -0.8
    ax = panels.draw_waveform(make_stages()._replace(waveform=waveform))
    vertices = ax.collections[0].get_paths()[0].vertices
    assert len(vertices) < 10 * panels.MOST_COLUMNS
    np.testing.assert_allclose([vertices[:, 1].max(), vertices[:, 1].min()], [0.9, -0.8], rtol=1e-6)
    column = 500 / 16_000  # seconds
    for value, sample in ((0.9, 123_456), (-0.8, 765_432)):
        times = vertices[np.isclose(vertices[:, 1], value), 0]
        assert times.min() <= sample / 16_000 <= times.max() + column
        assert np.ptp(times) <= column * 1.001


def test_borders_stand_at_the_starts_and_the_last_end_and_the_rest_is_grey():
    ax = panels.draw_log_mel(make_stages(16_000 * 3))
    np.testing.assert_allclose([line.get_xdata()[0] for line in ax.lines], [0, 0.96, 1.92, 2.88])
    (grey,) = ax.patches
    np.testing.assert_allclose([grey.get_x(), grey.get_x() + grey.get_width()], [2.88, 3.0])


def test_the_last_end_is_that_of_its_last_frame():
    """96.4 frames are 96."""
    stages = make_stages(16_000 * 3, example_window_seconds=0.964)
    (grey,) = panels.draw_log_mel(stages).patches
    assert grey.get_x() == pytest.approx(2.88)
    assert stages._replace(waveform=np.zeros(9)).seconds == pytest.approx(2.88)


def test_borders_of_overlapping_examples_are_their_starts():
    ax = panels.draw_log_mel(make_stages(16_000 * 2, example_hop_seconds=0.48))
    np.testing.assert_allclose([line.get_xdata()[0] for line in ax.lines], [0, 0.48, 0.96, 1.92])


def test_borders_are_short_ticks_above_the_axes_that_hide_nothing():
    ax = panels.draw_log_mel(make_stages(16_000 * 3))
    assert len(ax.lines) == 4
    for line in ax.lines:
        bottom, top = line.get_ydata()  # of the axes' height
        assert (bottom, top) == (1.0, 1.0 + panels.BORDER_HEIGHT)
        assert not line.get_clip_on()
        assert line.get_transform() == ax.get_xaxis_transform(which="grid")
        assert line.get_color() == ax.title.get_color()


@pytest.mark.parametrize("examples", [30, 31])
def test_too_many_borders_become_a_word_in_the_title(examples):
    ax = panels.draw_log_mel(make_stages(15_360 * examples + 240))
    assert len(ax.lines) == (31 if examples == 30 else 0)
    assert ("borders not drawn" in " ".join(title(ax).split())) == (examples == 31)


def test_a_range_of_colours_is_that_of_most_values():
    values = np.random.default_rng(0).normal(size=(100, 100))
    low, high = color_range(values, least=1.0)
    assert (low, high) == pytest.approx(tuple(np.percentile(values, (1.0, 99.9))))
    values[0, 0], values[0, 1] = 1e6, -1e6
    assert color_range(values, least=1.0) == pytest.approx((low, high), abs=0.05)
    assert color_range(np.full(9, -3.0), least=1.0) == (-4.0, -3.0)
    assert color_range(np.full(9, -3.0), least=1.0, silence=-3.0) == (-3.0, -2.0)
    assert color_range(np.full(9, -2.9), least=1.0, silence=-3.0) == (-3.0, -2.0)  # nearly
    assert color_range(values, least=0.0, most=2.0) == pytest.approx((high - 2.0, high), abs=0.05)


@pytest.mark.parametrize("gain", [1.0, 1e-3])
def test_the_colours_of_the_spectrogram_follow_the_level(gain):
    """However loud the clip, the same colours; and noise of a narrow range has all of them."""
    stages = make_stages()
    magnitude = gain * np.maximum(stages.stft_magnitude, 1e-3)
    (image,) = panels.draw_stft_magnitude(stages._replace(stft_magnitude=magnitude)).images
    expected = np.percentile(20 * np.log10(magnitude / 100), (1.0, 99.9))  # a full-scale sine: 100
    np.testing.assert_allclose(image.get_clim(), expected, atol=1e-3)
    assert 40 < np.ptp(image.get_clim()) < 60


def test_digital_silence_between_sounds_does_not_darken_them():
    stages = make_stages()
    (loud,) = panels.draw_stft_magnitude(stages).images
    magnitude = np.concatenate([stages.stft_magnitude, np.zeros_like(stages.stft_magnitude)])
    (image,) = panels.draw_stft_magnitude(stages._replace(stft_magnitude=magnitude)).images
    np.testing.assert_allclose(image.get_clim(), loud.get_clim())


def test_the_colours_of_the_log_mel_are_those_of_its_values():
    stages = make_stages()
    (image,) = panels.draw_log_mel(stages).images
    np.testing.assert_allclose(image.get_clim(), np.percentile(stages.log_mel, (1.0, 99.9)))
    silence = np.full_like(stages.log_mel, np.log(0.01))
    (image,) = panels.draw_log_mel(stages._replace(log_mel=silence)).images
    np.testing.assert_allclose(image.norm(image.get_array()), 0, atol=1e-6)


def test_one_sound_in_digital_silence_is_bright():
    stages = make_stages()
    magnitude, log_mel = (
        np.zeros_like(stages.stft_magnitude),
        np.full_like(stages.log_mel, np.log(0.01)),
    )
    magnitude[100], log_mel[100] = 1.0, 2.0
    stages = stages._replace(stft_magnitude=magnitude, log_mel=log_mel)
    for draw_stage in (panels.draw_stft_magnitude, panels.draw_log_mel):
        (image,) = draw_stage(stages).images
        brightness = np.asarray(image.norm(image.get_array()))
        assert np.all(brightness[:, 100] > 0.99)
        assert np.all(np.delete(brightness, 100, axis=1) < 1e-5)


def test_a_colour_bar_is_pointed_where_values_lie_beyond_it():
    stages = make_stages()
    (bar,) = panels.draw_log_mel(stages).child_axes
    assert bar._colorbar.extend == "both"
    flat = np.full_like(stages.log_mel, np.log(0.01))
    (bar,) = panels.draw_log_mel(stages._replace(log_mel=flat)).child_axes
    assert bar._colorbar.extend == "neither"


def test_embedding_colours_are_centred_at_zero():
    stages = make_stages(16_000 * 3 * 8)
    (image,) = panels.draw_embedding(stages).images
    limit = np.percentile(np.abs(stages.embedding), 99.9)
    np.testing.assert_allclose(image.get_clim(), (-limit, limit))
    np.testing.assert_array_equal(np.asarray(image.get_array()).T, stages.embedding)
    np.testing.assert_allclose(image.get_extent()[:2], (0, 23.04))
    embedding = stages.embedding.copy()
    embedding[0, 0] = 1000.0  # leaves the others their colours
    (image,) = panels.draw_embedding(stages._replace(embedding=embedding)).images
    assert image.get_clim()[1] < 4.0


def test_quantized_colours_span_a_byte():
    stages = make_stages()
    quantized = stages.quantized.copy()
    quantized[:, :4], quantized[:, 4:8] = 0, 255  # as clipped values are
    stages = stages._replace(quantized=quantized)
    (image,) = panels.draw_quantized(stages).images
    assert image.get_clim() == (0, 255)
    np.testing.assert_array_equal(np.asarray(image.get_array()).T, stages.quantized)
    (image,) = panels.draw_quantized(stages._replace(quantized=quantized // 4 + 96)).images
    assert image.get_clim() == (96, 159)


def test_self_similarity_is_the_cosine():
    stages = make_stages(16_000 * 10)
    expected = 1 - cdist(stages.embedding, stages.embedding, "cosine")
    # float32 products
    np.testing.assert_allclose(drawn(panels.draw_similarity(stages)), expected, atol=1e-6)


def test_the_colours_of_the_self_similarity_are_those_beside_its_diagonal():
    stages = make_stages(16_000 * 10)
    ax = panels.draw_similarity(stages)
    expected = 1 - cdist(stages.embedding, stages.embedding, "cosine")
    beside = expected[~np.eye(10, dtype=bool)]
    np.testing.assert_allclose(ax.images[0].get_clim(), np.percentile(beside, (1, 99.9)), atol=1e-6)
    assert ax.images[0].get_clim()[1] < 0.5  # of noise: nothing is like anything but itself
    assert ax.get_aspect() == 1.0


def test_sounds_that_are_all_alike_are_bright():
    stages = make_stages(16_000 * 10)
    same = np.tile(stages.embedding[:1], (10, 1))
    (image,) = panels.draw_similarity(stages._replace(embedding=same)).images
    np.testing.assert_allclose(image.get_clim(), (0.95, 1.0), atol=1e-6)
    assert np.all(image.norm(image.get_array()) > 0.99)


def test_one_row_is_compared_with_itself():
    np.testing.assert_array_equal(beside_diagonal(np.array([[0.5]])), [0.5])


def test_mel_peaks_stand_on_the_curve():
    ax = panels.draw_mel_scale(make_stages())
    hertz, mel = ax.collections[0].get_offsets().T
    # 2595 is 1127 ln 10, rounded
    np.testing.assert_allclose(mel, 2595 * np.log10(1 + hertz / 700), rtol=1e-4)
    assert len(hertz) == 64


def test_high_rates_are_in_kilohertz():
    stages = make_stages(250_000, sample_rate=250_000, example_window_seconds=0.24, **HIGH_RATE)
    ax = panels.draw_stft_magnitude(stages)
    ax.figure.draw_without_rendering()
    assert ax.get_ylabel() == "frequency (kHz)"
    assert [text.get_text() for text in ax.get_yticklabels()][:3] == ["0", "20", "40"]
    assert panels.draw_stft_magnitude(make_stages()).get_ylabel() == "frequency (Hz)"


def test_embeddings_that_are_not_there_are_an_error():
    with pytest.raises(VGGishError, match="nothing to draw"):
        panels.draw_embedding(make_stages()._replace(embedding=None))
