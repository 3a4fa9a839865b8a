"""The page of all stages: its words, its order, its alignment; the file it becomes; and what it may import."""

import subprocess
import sys

import numpy as np
import pytest
from drawing import make_stages, title
from matplotlib.figure import Figure

from vggish_tf.errors import VGGishError
from vggish_tf.jobs import panels, pictures

TITLE = "UNTRAINED WEIGHTS, seed 0: these embeddings mean NOTHING. " * 4 + "the end"
TIME_PANELS = ["Waveform", "STFT", "Log-mel", "Embedding", "Quantized", "Self-similarity"]


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_the_whole_title_is_on_the_page_and_its_signs_are_signs():
    figure = pictures.overview(make_stages(), title=TITLE + " $x^2$\nsecond line")
    figure.draw_without_rendering()
    heading = figure._suptitle
    assert heading.get_text().split() == (TITLE + " $x^2$ second line").split()
    assert heading.get_text().splitlines()[-1] == "second line"
    assert not heading.get_parse_math()
    box, page = heading.get_window_extent(), figure.bbox
    assert box.x0 >= 0
    assert box.x1 <= page.x1
    assert box.y1 <= page.y1
    assert all(box.y0 >= ax.get_tightbbox().y1 for ax in figure.axes)


def test_time_axes_are_aligned():
    figure = pictures.overview(make_stages(), title="aligned", segments=[("a", 0, 1), ("b", 1, 3)])
    figure.draw_without_rendering()
    over_time = [ax for ax in figure.axes if title(ax).startswith(tuple(TIME_PANELS)) or not ax.axison]
    assert len(over_time) == len(TIME_PANELS) + 1
    for ax in over_time:
        np.testing.assert_allclose([ax.get_position().x0, ax.get_position().x1], over_time[0].get_position().intervalx)
        np.testing.assert_allclose(ax.get_xlim(), (0, 3.0))


def test_panels_come_in_the_order_of_the_data():
    figure = pictures.overview(make_stages(), title="order", segments=[("speech", 0, 1), ("rain", 1, 3)])
    assert texts(figure)[:2] == ["speech", "rain"]
    words = [title(ax).split()[0].rstrip(":") for ax in figure.axes[1:] if title(ax)]
    assert words == ["Waveform", "STFT", "Mel", "Mel", "Log-mel", "Embedding", "Quantized", "Self-similarity"]


def test_without_weights_there_are_no_embeddings():
    stages = make_stages()._replace(embedding=None, quantized=None)
    titles = [title(ax) for ax in pictures.overview(stages, title="front end only").axes]
    assert not any(word in text for text in titles for word in ("mbedding", "similarity"))


@pytest.mark.parametrize("num_samples", [0, 1, 399, 400, 15_599, 15_600])
def test_clips_about_too_short_are_drawn_with_the_reason(num_samples, tmp_path):
    figure = pictures.overview(make_stages(num_samples), title="short")
    if num_samples in (0, 400):  # the others differ in words only
        pictures.save(figure, tmp_path / "short.png")
    said = " ".join(texts(figure))
    assert ("no samples" in said) == (num_samples == 0)
    assert ("no frame: one needs 400 samples (0.025 s)" in said) == (num_samples < 400)
    assert (f"no example: one needs 15,600 samples (0.975 s), the clip has {num_samples:,}" in said) == (
        num_samples < 15_600
    )


def test_an_hour_is_a_small_picture_in_minutes(tmp_path):
    stages = make_stages()
    hour = stages._replace(
        waveform=np.tile(stages.waveform, 1200),
        stft_magnitude=np.tile(stages.stft_magnitude[:, :65], (1200, 1)),
        log_mel=np.tile(stages.log_mel, (1200, 1)),
        embedding=np.tile(stages.embedding, (1250, 1)),
        quantized=np.tile(stages.quantized, (1250, 1)),
        timestamps=np.arange(3750) * 0.96,
    )
    figure = pictures.overview(hour, title="an hour")
    assert all(max(image.get_array().shape) <= panels.MOST_COLUMNS for ax in figure.axes for image in ax.images)
    assert {ax.get_xlabel() for ax in figure.axes if ax.get_xlabel().startswith("time")} == {"time (min)"}
    pictures.save(figure, tmp_path / "hour.png")
    assert (tmp_path / "hour.png").stat().st_size < 8e6  # noise compresses worst of all; an hour of sound takes 4 MB


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(suffix, tmp_path):
    for name in ("first", "second"):
        figure = pictures.one(pictures.draw_log_mel, make_stages(), title="one stage")
        pictures.save(figure, tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(VGGishError, match=r"Name it \.png, \.pdf, \.svg"):
        pictures.save(Figure(), tmp_path / "picture.bmpp")
    assert not list(tmp_path.iterdir())


# tests/drawing.py builds what is drawn; matplotlib.figure is all that it imports of matplotlib.
DRAW = "from drawing import *; from vggish_tf.jobs.pictures import *; save(overview(make_stages(), title='t'), PATH)"


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import vggish_tf.jobs.pictures", []),
        (DRAW, ["matplotlib"]),
        ("import matplotlib.pyplot", ["matplotlib", "matplotlib.pyplot"]),  # the guard can fail
    ],
)
def test_matplotlib_loads_when_drawing_and_pyplot_never(code, loaded, tmp_path, request):
    code = code.replace("PATH", repr(str(tmp_path / "picture.png")))
    heavy = "[name for name in ('matplotlib', 'matplotlib.pyplot', 'tensorflow', 'keras') if name in sys.modules]"
    command = [sys.executable, "-c", f"import sys; {code}; print({heavy})"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=request.path.parent)
    assert output.stdout.strip() == str(loaded)
