"""The page of all stages: text, order, alignment, files, and imports."""

import io
import subprocess
import sys
import threading

import numpy as np
import places
import pytest
from cases import first
from drawing import make_stages, title
from matplotlib.figure import Figure
from matplotlib.text import Text
from measures import contrast, luminance
from PIL import Image

from vggish_tf.drawing import pages, panels, pictures
from vggish_tf.errors import VGGishError
from vggish_tf.jobs.inspect import spectrum

TITLE = "UNTRAINED WEIGHTS, seed 0: these embeddings mean NOTHING. " * 4 + "the end"
WIDE, NARROW = (9.6, 3.0), (4.3, 3.0)
NOISE = spectrum.measure(np.random.default_rng(0).normal(size=48_000), 48_000)
DRAWS = [
    lambda _, *, ax: spectrum.draw_spectrum(NOISE, 8000, ax=ax),
    pictures.draw_waveform,
    pictures.draw_stft_magnitude,
    pictures.draw_mel_matrix,
    pictures.draw_mel_scale,
    pictures.draw_log_mel,
    pictures.draw_embedding,
    pictures.draw_quantized,
    pictures.draw_similarity,
]
HIGH_RATE = {
    "sample_rate": 250_000,
    "stft_window_seconds": 0.00625,
    "stft_hop_seconds": 0.0025,
    "mel_min_hz": 2000,
    "mel_max_hz": 125_000,
    "example_window_seconds": 0.24,
}
TIME_PANELS = ["Waveform", "STFT", "Log-mel", "Embedding", "Quantized", "Self-similarity"]


def texts(figure):
    return [" ".join(text.get_text().split()) for ax in figure.axes for text in ax.texts]


@pytest.mark.slow
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
    over_time = [
        ax for ax in figure.axes if title(ax).startswith(tuple(TIME_PANELS)) or not ax.axison
    ]
    assert len(over_time) == len(TIME_PANELS) + 1
    for ax in over_time:
        np.testing.assert_allclose(
            [ax.get_position().x0, ax.get_position().x1], over_time[0].get_position().intervalx
        )
        np.testing.assert_allclose(ax.get_xlim(), (0, 3.0))


@pytest.mark.parametrize(
    ("size", "dark"),
    first(1, [(NARROW, True), (WIDE, False), (WIDE, True), (NARROW, False)]),
)
def test_single_pictures_have_the_same_margins_to_the_pixel(size, dark):
    """However wide the labels are, an event stands at one place from picture to picture."""
    stages = make_stages(15_360 * 20 + 240)
    places = []
    for draw in DRAWS:
        figure = pictures.one(draw, stages, size=size, dark=dark)
        figure.draw_without_rendering()
        box = figure.axes[0].get_window_extent()
        places.append((box.x0, box.x1))
        if figure.axes[0].get_xlabel().startswith("time"):
            assert figure.axes[0].get_xlim() == (0.0, stages.seconds)
    np.testing.assert_allclose(places, np.tile(places[0], (len(DRAWS), 1)), atol=1e-6)
    inches = np.array(places[0]) / figure.dpi
    np.testing.assert_allclose(inches, (pages.LEFT, size[0] - pages.RIGHT))


def test_a_click_is_at_one_place_in_every_picture():
    """Seen in the files themselves: the column where the click is brightest."""
    stages, frame = make_stages(), 200
    waveform = np.zeros_like(stages.waveform)
    waveform[160 * frame + 80] = 1.0
    magnitude, log_mel = np.zeros((298, 257), np.float32), np.full((298, 64), np.log(0.01))
    magnitude[frame], log_mel[frame] = 1.0, 1.0
    stages = stages._replace(waveform=waveform, stft_magnitude=magnitude, log_mel=log_mel)
    columns = []
    for draw in (pictures.draw_waveform, pictures.draw_stft_magnitude, pictures.draw_log_mel):
        figure = pictures.one(draw, stages, size=WIDE)
        picture = Image.open(io.BytesIO(pictures.png(figure, 100))).convert("L")
        box = figure.axes[0].get_window_extent()
        # what no frame covers is last
        inside = slice(int(box.x0) + 4, int(box.x0 + 0.9 * box.width))
        rows = np.asarray(picture, float)[100:140, inside]
        change = np.abs(rows - np.median(rows)).sum(axis=0)
        columns.append(np.flatnonzero(change > change.max() / 2).mean())
    assert np.ptp(columns) <= 1, columns


@pytest.mark.slow
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_cells_of_the_similarity_are_square(size):
    stages = make_stages(16_000 * 10)
    single = pictures.one(pictures.draw_similarity, stages, title="one\ntwo", size=size)
    for figure in (single, pictures.overview(stages, title="all")):
        figure.draw_without_rendering()
        (ax,) = [ax for ax in figure.axes if title(ax).startswith("Self")]
        (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (0.96, 0.96)])
        assert x1 - x0 == pytest.approx(y1 - y0, rel=1e-6)


@pytest.mark.parametrize("size", [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "stages",
    first(
        2,
        [
            make_stages(500_000, **HIGH_RATE),
            make_stages()._replace(embedding=1e-4 * make_stages().embedding),
            make_stages()._replace(waveform=np.full(48_000, 1e-7, np.float32)),
            make_stages(0),
        ],
    ),
    ids=["250 kHz", "small", "quiet", "empty"],
)
def test_nothing_is_cut_off(stages, size):
    for draw in DRAWS:
        figure = pictures.one(draw, stages, size=size)
        box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) > 0, draw.__name__


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_note_hides_no_label(size):
    for draw in (pictures.draw_waveform, pictures.draw_stft_magnitude, pictures.draw_log_mel):
        figure = pictures.one(draw, make_stages(0), size=size)
        figure.draw_without_rendering()
        (ax,) = figure.axes
        (text,) = ax.texts
        box, inside = text.get_bbox_patch().get_window_extent(), ax.get_window_extent()
        assert inside.x0 < box.x0
        assert box.x1 < inside.x1


@pytest.mark.parametrize("draw", DRAWS, ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("dark", first(1, [True, False]))
def test_letters_stand_out_from_a_dark_ground_and_from_a_light_one(draw, dark):
    figure = pictures.one(draw, make_stages(), title="t", size=WIDE, dark=dark)
    picture = Image.open(io.BytesIO(pictures.png(figure, 60))).convert("RGB")
    ground = np.array(picture.getpixel((0, 0))) / 255
    assert picture.getpixel((0, 0)) == ((0x15, 0x18, 0x1D) if dark else (255, 255, 255))
    grounds = [figure.get_facecolor(), *(ax.get_facecolor() for ax in figure.axes)]
    assert all((luminance(color) < 0.02) == dark for color in grounds)
    letters = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert len(letters) > 8
    for text in letters:
        assert contrast(text.get_color(), ground) >= 4.5, text  # WCAG 2.2, level AA


def test_few_colours_are_close_to_all_of_them():
    """Also the rare ones, as those of a colour bar beside a nearly black picture."""
    stages = make_stages()
    log_mel = np.full_like(stages.log_mel, -4.6)
    log_mel[100] = np.linspace(-4.6, 4, 64)
    stages = stages._replace(log_mel=log_mel)
    figure, whole = pictures.one(pictures.draw_log_mel, stages), io.BytesIO()
    figure.savefig(whole, format="png", dpi=pages.DOTS_PER_INCH)
    reduced = pictures.png(figure)
    both = (Image.open(whole), Image.open(io.BytesIO(reduced)))
    every, few = (np.asarray(picture.convert("RGB"), int) for picture in both)
    assert np.abs(every - few).max() <= 0.06 * 255
    assert len(reduced) < len(whole.getvalue()) / 2


def test_panels_come_in_the_order_of_the_data():
    figure = pictures.overview(
        make_stages(), title="order", segments=[("speech", 0, 1), ("rain", 1, 3)]
    )
    assert texts(figure)[:2] == ["speech", "rain"]
    words = [title(ax).split()[0].rstrip(":") for ax in figure.axes[1:] if title(ax)]
    assert words == [
        "Waveform",
        "STFT",
        "Mel",
        "Mel",
        "Log-mel",
        "Embedding",
        "Quantized",
        "Self-similarity",
    ]


def test_without_weights_there_are_no_embeddings():
    stages = make_stages()._replace(embedding=None, quantized=None)
    titles = [title(ax) for ax in pictures.overview(stages, title="front end only").axes]
    assert not any(word in text for text in titles for word in ("mbedding", "similarity"))


@pytest.mark.parametrize("num_samples", first(2, [0, 15_599, 1, 399, 400, 15_600]))
def test_clips_about_too_short_are_drawn_with_the_reason(num_samples, tmp_path):
    figure = pictures.overview(make_stages(num_samples), title="short")
    if num_samples in (0, 400):  # the others differ in words only
        pictures.save(figure, tmp_path / "short.png")
    said = " ".join(texts(figure))
    assert ("no samples" in said) == (num_samples == 0)
    assert ("no frame: one needs 400 samples (0.025 s)" in said) == (num_samples < 400)
    assert (
        f"no example: one needs 15,600 samples (0.975 s), the clip has {num_samples:,}" in said
    ) == (num_samples < 15_600)


@pytest.mark.slow
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
    assert all(
        max(image.get_array().shape) <= panels.MOST_COLUMNS
        for ax in figure.axes
        for image in ax.images
    )
    assert {ax.get_xlabel() for ax in figure.axes if ax.get_xlabel().startswith("time")} == {
        "time (min)"
    }
    pictures.save(figure, tmp_path / "hour.png")
    # noise compresses worst of all; an hour of sound takes 4 MB
    assert (tmp_path / "hour.png").stat().st_size < 8e6


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(suffix, tmp_path):
    for name in ("first", "second"):
        figure = pictures.one(pictures.draw_log_mel, make_stages(), title="one stage")
        pictures.save(figure, tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"first.{suffix}").read_bytes() == (
        tmp_path / f"second.{suffix}"
    ).read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_picture_is_saved_after_one_that_is_drawn(tmp_path):
    """Matplotlib's settings are global: saving changes them for a moment."""
    saving = threading.Thread(target=pages.save, args=(Figure(), tmp_path / "one.svg"))
    with pages.style(dark=True):
        saving.start()
        saving.join(0.3)
        assert saving.is_alive()
    saving.join()
    assert (tmp_path / "one.svg").exists()


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(VGGishError, match=r"Name it \.png, \.pdf, \.svg"):
        pictures.save(Figure(), tmp_path / "picture.bmpp")
    assert not list(tmp_path.iterdir())


# tests/helpers/drawing.py makes the stages; of matplotlib it imports matplotlib.figure alone.
DRAW = (
    "from drawing import *; from vggish_tf.drawing.pictures import *; "
    "save(overview(make_stages(), title='t'), PATH)"
)
HEAVY = ("matplotlib", "matplotlib.pyplot", "tensorflow", "keras")


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import vggish_tf.drawing.pictures", []),
        (DRAW, ["matplotlib"]),
        ("import matplotlib.pyplot", ["matplotlib", "matplotlib.pyplot"]),  # the guard can fail
    ],
)
def test_matplotlib_loads_when_drawing_and_pyplot_never(code, loaded, tmp_path):
    code = code.replace("PATH", repr(str(tmp_path / "picture.png")))
    heavy = f"[name for name in {HEAVY} if name in sys.modules]"
    command = [sys.executable, "-c", f"import sys; {code}; print({heavy})"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=places.HELPERS)
    assert output.stdout.strip() == str(loaded)
