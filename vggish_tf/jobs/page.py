"""The page of inspect(): one HTML file with its pictures inside, which needs no other file and no network.

Every picture is there twice, wide and narrow, and the browser shows the one that fits: on a phone, the letters of the
wide one would be too small to read. It looks like data/report.html says. Nothing is computed here.
"""

import base64
import html
import os
import textwrap
from collections.abc import Callable, Iterator
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, NamedTuple

from tqdm import tqdm

import vggish_tf
from vggish_tf.files import replacing
from vggish_tf.jobs import panels, pictures, stages
from vggish_tf.jobs.panels import Stages
from vggish_tf.jobs.spectrum import Spectrum, draw_spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[["Axes", Stages], None]

WIDE, NARROW = 9.6, 4.3  # inches
NARROW_UNTIL = 600  # pixels of the browser's window
NARROW_DOTS_PER_INCH = 160  # phones have more dots than pixels
TITLE_CHARACTERS_PER_INCH = 10.3


class Section(NamedTuple):
    """One stage on the page: its heading, a sentence, the Row that describes its array if it has one, its pictures."""

    heading: str
    text: str
    row: stages.Row | None
    draws: tuple[Draw, ...] = ()
    height: float = 3.0  # inches of each picture
    warning: str = ""  # in the picture itself


def write(
    path: str | os.PathLike[str],
    title: str,
    facts: dict[str, str],
    result: Stages,
    original: Spectrum,
    *,
    warning: str = "",
) -> None:
    """Writes the page, whole or not at all.

    Args:
        title: the name of the clip.
        facts: name → sentence, for the box on top.
        result: what is drawn, stage by stage.
        original: the spectrum of the file before anything was done to it.
        warning: what has to stand in every picture of embeddings.

    Raises:
        VGGishError: it cannot be written there.
    """
    sections = [*_front_end(result, original), *_embeddings(result, warning)]
    bar = tqdm(sections, desc="pictures", disable=None, leave=False)
    template = Template((resources.files("vggish_tf") / "data" / "report.html").read_text(encoding="utf-8"))
    text = template.substitute(
        title=html.escape(title),
        facts="\n".join(f"<div><dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd></div>" for k, v in facts.items()),
        sections="\n".join(_section(section, result) for section in bar),
        version=html.escape(vggish_tf.__version__),
    )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _front_end(result: Stages, original: Spectrum) -> Iterator[Section]:
    params, rows = result.params, {row.name: row for row in stages.describe(result)}

    def draw_original(ax, _):
        draw_spectrum(ax, original, params.sample_rate / 2)

    text = "The energy of the whole file over frequency, before anything was done to it."
    yield Section("As recorded", text, None, (draw_original,))
    text = "The mean over the channels, at the rate of the front end."
    yield Section("Waveform", text, rows["waveform"], (panels.draw_waveform,), 2.2)
    text = (
        f"Windows of {params.window_length} samples ({1000 * params.stft_window_seconds:g} ms) every "
        f"{params.hop_length} samples; the FFT has {params.fft_length} points."
    )
    yield Section("STFT magnitude", text, rows["stft_magnitude"], (panels.draw_stft_magnitude,))
    text = f"{params.num_mel_bins} triangles, equally far apart on the mel scale; each sums the magnitudes under it."
    yield Section("Mel filter bank", text, rows["mel_matrix"], (panels.draw_mel_matrix, panels.draw_mel_scale), 2.8)
    borders = " The lines are the borders of the examples." if len(result.examples) <= panels.MOST_BORDERS else ""
    text = f"The logarithm of what the filters give, plus {params.log_offset:g}.{borders}"
    yield Section("Log-mel", text, rows["log_mel"], (panels.draw_log_mel,))
    text = f"{params.num_frames} frames each, one every {params.example_hop_frames} frames: what the network sees."
    yield Section("Examples", text, rows["examples"])


def _embeddings(result: Stages, warning: str) -> Iterator[Section]:
    rows = {row.name: row for row in stages.describe(result)}
    if result.embedding is not None:
        text = "What the network makes of each example: 128 numbers, before any activation."
        yield Section("Embedding", text, rows["embedding"], (panels.draw_embedding,), warning=warning)
    if result.quantized is not None:
        text = "Whitened by PCA, clipped, 8 bits: the format of the AudioSet features."
        yield Section("Quantized embedding", text, rows["quantized"], (panels.draw_quantized,), warning=warning)
    if result.embedding is not None and len(result.embedding) > 1:
        text = "The cosine between the embeddings of every two times."
        yield Section("Self-similarity", text, None, (panels.draw_similarity,), 4.5, warning)


def _section(section: Section, result: Stages) -> str:
    facts = "".join(f"<li>{name} <b>{html.escape(value)}</b></li>" for name, value in _facts(section.row))
    drawn = "\n".join(_picture(draw, section, result) for draw in section.draws)
    return (
        f"<section>\n<h2>{html.escape(section.heading)}</h2>\n<p>{html.escape(section.text)}</p>\n"
        f"<ul>{facts}</ul>\n{drawn}\n</section>"
    )


def _facts(row: stages.Row | None) -> list[tuple[str, str]]:
    return [(name, value) for name, value in row._asdict().items() if name != "name" and value] if row else []


def _picture(draw: Draw, section: Section, result: Stages) -> str:
    wide = _data_uri(draw, section, result, WIDE, pictures.DOTS_PER_INCH)
    narrow = _data_uri(draw, section, result, NARROW, NARROW_DOTS_PER_INCH)
    source = f'<source media="screen and (max-width: {NARROW_UNTIL}px)" srcset="{narrow}">'
    return f'<picture>{source}<img src="{wide}" alt="{html.escape(section.heading)}"></picture>'


def _data_uri(draw: Draw, section: Section, result: Stages, width: float, dots_per_inch: float) -> str:
    figure = pictures.one(draw, result, title=section.warning, size=(width, section.height))
    _wrap_title(figure)
    return "data:image/png;base64," + base64.b64encode(pictures.png(figure, dots_per_inch)).decode("ascii")


def _wrap_title(figure: "Figure") -> None:
    """Wraps the title of the picture to what there is from the left end of the axes, where it starts."""
    figure.draw_without_rendering()  # says where that is
    ax = figure.axes[0]
    room = figure.get_figwidth() * (1 - ax.get_position().x0)
    ax.set_title(textwrap.fill(ax.get_title(loc="left"), int(room * TITLE_CHARACTERS_PER_INCH)), loc="left")
