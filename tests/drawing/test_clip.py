"""Panels as users call them: a clip in any form, axes of one's own or none, units on every axis."""

import inspect
import operator
import subprocess
import sys

import numpy as np
import places
import pytest
import signals
import soundfile
from drawing import make_stages, title
from matplotlib.figure import Figure

import vggish_tf
from vggish_tf import AudioError, Embedder, Embeddings, Params, UsageError, drawing, stages
from vggish_tf.drawing import axes
from vggish_tf.jobs.inspect import spectrum

PANELS = [getattr(drawing, name) for name in drawing.__all__ if name.startswith("draw_")]
PANELS.remove(drawing.draw_segments)
OF_ROWS = [drawing.draw_embedding, drawing.draw_quantized, drawing.draw_similarity]
WARNING = "UNTRAINED WEIGHTS: these embeddings mean nothing."
NAME = operator.attrgetter("__name__")
named = pytest.mark.parametrize("panel", PANELS, ids=NAME)

# Labels of numbers that have no unit, each with its reason.
WITHOUT_UNIT = {
    "weight",  # of a mel filter, from 0 to 1
    "dimension",  # of an embedding, counted from 0
    "value",  # of an embedding
    "uint8",  # a value from 0 to 255
    "cosine",
    "ln(mel + 0.01)",  # a logarithm of magnitudes
}
UNITS = ("(s)", "(min)", "(Hz)", "(kHz)", "(mel)", "(dB)", "(full scale 1)", "dBFS")


@named
def test_without_axes_there_are_new_ones_and_both_draw_the_same(panel):
    clip, ax = make_stages(), Figure().add_subplot()
    assert panel(clip, ax=ax) is ax
    own = panel(clip)
    assert own.figure is not ax.figure
    assert (ax.get_xlim(), ax.get_ylim()) == (own.get_xlim(), own.get_ylim())
    check_same_marks(ax, own)


def check_same_marks(one, other):
    marks, others = marks_of(one), marks_of(other)
    assert marks, "nothing is drawn: the comparison would hold of anything"
    for mark, expected in zip(marks, others, strict=True):
        np.testing.assert_array_equal(mark, expected)


def marks_of(ax) -> list[np.ndarray]:
    """The numbers of all images, lines and collections in axes."""
    paths = [path for collection in ax.collections for path in collection.get_paths()]
    return [
        *(image.get_array() for image in ax.images),
        *(line.get_xydata() for line in ax.lines),
        *(path.vertices for path in paths),
    ]


@named
@pytest.mark.parametrize("seconds", [3, 700])
def test_every_axis_has_a_label_and_a_unit(panel, seconds):
    ax = panel(make_stages(16_000 * seconds) if seconds == 3 else long())
    labels = [ax.get_xlabel(), ax.get_ylabel(), *(bar.get_ylabel() for bar in ax.child_axes)]
    assert all(has_unit(label) for label in labels), labels
    assert len(labels) == 2 + len(ax.images)


def has_unit(label: str) -> bool:
    return label in WITHOUT_UNIT or label.endswith(UNITS)


def long():
    clip = make_stages()
    return clip._replace(waveform=np.tile(clip.waveform, 240))


def test_the_test_above_can_fail():
    assert not any(map(has_unit, ("", "time", "frequency", "amplitude", "dB")))


def test_the_spectrum_of_a_file_has_units_too():
    ax = spectrum.draw_spectrum(spectrum.measure(signals.noise(16_000), 16_000), 8000)
    assert has_unit(ax.get_xlabel())
    assert has_unit(ax.get_ylabel())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, signals.noise(40_000), signals.RATE, subtype="FLOAT")
    return path


@pytest.mark.thorough
@pytest.mark.parametrize(  # quantized rows need PCA parameters: the next test
    "panel", [panel for panel in PANELS if panel is not drawing.draw_quantized], ids=NAME
)
def test_a_clip_is_a_waveform_a_file_or_stages(panel, file, small_networks):
    given = {"embedder": Embedder(None)} if panel in OF_ROWS else {}
    waveform = signals.noise(40_000).astype(np.float32)
    computed = stages.compute(waveform, signals.RATE, **given)
    drawn = [
        panel(waveform, signals.RATE, **given),
        panel(str(file), **given),
        panel(file, **given),
        panel(computed),
    ]
    assert len({title(ax) for ax in drawn}) == 1
    for ax in drawn[1:]:
        check_same_marks(ax, drawn[0])


def test_quantized_rows_are_drawn_as_their_embedder_makes_them(
    file, small_checkpoint, pca_params, monkeypatch, small_networks
):
    monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
    embedder = Embedder(small_checkpoint, postprocess="quantized")
    (image,) = drawing.draw_quantized(file, embedder=embedder).images
    np.testing.assert_array_equal(
        np.asarray(image.get_array()).T, embedder.embed_file(file).embedding
    )
    with pytest.raises(UsageError, match="nothing to draw"):
        drawing.draw_embedding(file, embedder=embedder)


def test_params_change_the_front_end(file):
    ax = drawing.draw_log_mel(file, params=Params(num_mel_bins=32))
    assert ax.images[0].get_array().shape[0] == 32


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros(16_000),), "a waveform needs its sample rate"),
        ((make_stages(), 16_000), "Stages are computed already: leave out sample_rate="),
        (("clip.wav", 16_000), "a file has its own: leave out sample_rate="),
        ((Embeddings(np.zeros((2, 128)), [0, 1]),), "Embeddings have no sound to draw"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        drawing.draw_log_mel(*arguments)
    with pytest.raises(UsageError, match=words):
        drawing.show(*arguments)


def test_bad_audio_is_refused_as_everywhere(tmp_path):
    for bad, words in (
        (np.full(16_000, np.nan), "NaN"),
        (np.zeros(16_000, np.int16), "Divide by 32768"),
        (np.zeros((2, 16_000)), "channels come last"),
    ):
        with pytest.raises(AudioError, match=words):
            drawing.show(bad, 16_000)
    with pytest.raises(AudioError, match="does not exist"):
        drawing.draw_log_mel(tmp_path / "absent.wav")


@pytest.mark.parametrize("panel", OF_ROWS, ids=NAME)
def test_untrained_weights_are_said_in_every_picture_of_embeddings(panel):
    clip, ax = make_stages(), Figure(figsize=(20, 3)).add_subplot()
    assert "UNTRAINED" not in title(panel(clip))
    panel(clip._replace(untrained=True), ax=ax)
    assert title(ax).splitlines()[0] == WARNING
    assert ax.title.get_fontweight() == "bold"
    small = panel(clip._replace(untrained=True), ax=Figure(figsize=(3, 3)).add_subplot())
    assert title(small).replace("\n", " ").startswith(WARNING)  # in narrow axes, on more lines


@pytest.mark.thorough
def test_show_names_the_file_and_the_weights_and_says_what_they_are_in_each_panel(
    file, small_networks
):
    figure = drawing.show(file, embedder=Embedder(None))
    assert figure.get_suptitle().splitlines() == ["clip.wav", "UNTRAINED (untrained)"]
    warned = [title(ax) for ax in figure.axes if title(ax).startswith(WARNING)]
    assert [each.splitlines()[1].split()[0] for each in warned] == ["Embedding", "Self-similarity"]
    assert drawing.show(make_stages()).get_suptitle() == ""
    named = drawing.show(make_stages(), title="mine", segments=[("speech", 0, 1)])
    assert named.get_suptitle() == "mine"
    assert [text.get_text() for text in named.axes[0].texts] == ["speech"]


def test_help_shows_how_a_panel_is_called():
    names = [*inspect.signature(drawing.draw_log_mel).parameters]
    assert names == ["clip", "sample_rate", "ax", "params", "embedder"]
    assert drawing.draw_log_mel.__doc__.startswith("The log-mel spectrogram")


def test_the_ground_is_that_of_the_axes_whatever_the_style():
    dark = Figure(facecolor="black").add_subplot(facecolor="none")
    light = Figure(facecolor="black").add_subplot(facecolor="white")
    bare = Figure(facecolor="none").add_subplot(facecolor="none")
    part = Figure(facecolor="black").subfigures(1, 2)[0].add_subplot(facecolor="none")
    assert [axes.is_dark(ax) for ax in (dark, part, light, bare)] == [True, True, False, False]
    (image,) = drawing.draw_embedding(make_stages(), ax=dark).images
    assert image.cmap(0.5)[:3] == pytest.approx((0, 0, 0), abs=0.02)  # zero is the ground
    (image,) = drawing.draw_embedding(make_stages(), ax=light).images
    assert min(image.cmap(0.5)[:3]) > 0.9


def test_a_title_keeps_to_its_axes():
    narrow, wide = (Figure(figsize=(width, 3)).add_subplot() for width in (3, 12))
    for ax in (narrow, wide):
        drawing.draw_log_mel(make_stages(), ax=ax)
        ax.figure.draw_without_rendering()
        assert ax.title.get_window_extent().width < ax.figure.bbox.width
    assert len(title(narrow).splitlines()) > len(title(wide).splitlines()) == 1


STATE = """
import matplotlib, threading
import numpy as np
before = matplotlib.rcParams.copy()  # dict() would ask for the backend, and so import pyplot
from drawing import make_stages
from vggish_tf import drawing
clip = make_stages()
def draw():
    for dark in (False, True):
        drawing.show(clip, dark=dark)
        drawing.draw_log_mel(clip)
threads = [threading.Thread(target=draw) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
import sys
print(matplotlib.rcParams.copy() == before, "matplotlib.pyplot" in sys.modules)
"""


@pytest.mark.slow
def test_threads_that_draw_leave_the_settings_as_they_were():
    command = [sys.executable, "-W", "error", "-c", STATE]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=places.HELPERS)
    assert output.stdout.split() == ["True", "False"]


def test_the_room_opens_from_the_front_door():
    assert vggish_tf.drawing is drawing
    assert {"show", "save", "draw_log_mel"} <= {*vggish_tf.drawing.__all__}
