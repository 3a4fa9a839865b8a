"""The page of inspect(): one HTML file that contains its pictures and sound.

The page has four versions of every picture, wide and narrow, light and dark, and the browser shows
the one that fits: on a phone, the letters of a wide one would be too small to read. The template is
data/report.html. Nothing is computed here.
"""

import base64
import html
import os
from collections.abc import Iterator
from string import Template
from typing import TYPE_CHECKING, NamedTuple

import vggish_tf
from vggish_tf import audio, stages
from vggish_tf.audio.players import MP3_RATES, encode_mp3
from vggish_tf.drawing import pages, panels
from vggish_tf.files import DATA, replacing_text
from vggish_tf.jobs.inspect import captions
from vggish_tf.jobs.inspect.spectrum import Spectrum, draw_spectrum
from vggish_tf.progress import bar
from vggish_tf.rows import MEANINGLESS, Stages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Drawn = tuple[pages.Draw, str]  # a drawing and its caption

WIDE, NARROW = 9.6, 4.3  # inches
NARROW_UNTIL = 600  # pixels of the browser's window
NARROW_DOTS_PER_INCH = 160  # phones have more dots than pixels
LONGEST_PLAYED = 300  # seconds; at 16 kHz, five minutes take 1.7 MB of the page


class Section(NamedTuple):
    """One stage on the page."""

    heading: str
    text: str
    row: stages.Row | None  # the description of its array, if it has one
    drawn: tuple[Drawn, ...] = ()
    height: float = 3.0  # of each picture, in inches
    warning: str = ""  # precedes the captions; the pictures contain it


def write(
    path: str | os.PathLike[str],
    title: str,
    facts: dict[str, str],
    result: Stages,
    original: Spectrum,
) -> None:
    """Writes the page, whole or not at all.

    Args:
        path: the file to write.
        title: the name of the clip.
        facts: name → sentence, for the box at the top.
        result: the stages to draw.
        original: the spectrum of the unprocessed file.

    Raises:
        VGGishError, OSError: the file cannot be written.
    """
    sections = [*_front_end(result, original), *_embeddings(result)]
    template = DATA / "report.html"
    escaped = [(html.escape(name), html.escape(fact)) for name, fact in facts.items()]
    text = Template(template.read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        facts="\n".join(f"<div><dt>{name}</dt><dd>{fact}</dd></div>" for name, fact in escaped),
        player=_player(result),
        sections="\n".join(_section(section, result) for section in bar(sections, desc="pictures")),
        version=html.escape(vggish_tf.__version__),
    )
    with replacing_text(path) as file:
        file.write(text)


def _front_end(result: Stages, original: Spectrum) -> Iterator[Section]:
    params, rows = result.params, {row.name: row for row in stages.describe(result)}

    def draw_original(_: Stages, *, ax: "Axes") -> "Axes":
        return draw_spectrum(original, params.sample_rate / 2, ax=ax)

    text = "The energy of the whole file over frequency, before any processing."
    caption = captions.spectrum(original, params.sample_rate / 2)
    yield Section("As recorded", text, None, ((draw_original, caption),))
    text = "The mean over the channels, at the rate of the front end."
    drawn: Drawn = panels.draw_waveform, captions.waveform(result)
    yield Section("Waveform", text, rows["waveform"], (drawn,), 2.2)
    text = (
        f"Windows of {params.window_length} samples ({1000 * params.stft_window_seconds:g} ms) "
        f"every {params.hop_length} samples; the FFT has {params.fft_length} points."
    )
    drawn = panels.draw_stft_magnitude, captions.stft_magnitude(result)
    yield Section("STFT magnitude", text, rows["stft_magnitude"], (drawn,))
    text = (
        f"{params.num_mel_bins} triangles, equally spaced on the mel scale; "
        "each sums the magnitudes under it."
    )
    drawn = panels.draw_mel_matrix, captions.mel_matrix(result)
    scale = panels.draw_mel_scale, captions.mel_scale(result)
    yield Section("Mel filter bank", text, rows["mel_matrix"], (drawn, scale), 2.8)
    few = len(result.examples) <= panels.MOST_BORDERS
    borders = " A tick above it is the start of an example." if few else ""
    text = f"The logarithm of the filters' output plus {params.log_offset:g}.{borders}"
    drawn = panels.draw_log_mel, captions.log_mel(result)
    yield Section("Log-mel", text, rows["log_mel"], (drawn,))
    text = (
        f"{params.num_frames} frames each, one every {params.example_hop_frames} frames: "
        "the input of the network."
    )
    yield Section("Examples", text, rows["examples"])


def _embeddings(result: Stages) -> Iterator[Section]:
    warning = MEANINGLESS if result.untrained else ""
    rows = {row.name: row for row in stages.describe(result)}
    if result.embedding is not None:
        text = "The output of the network for each example: 128 numbers, without activation."
        drawn: Drawn = panels.draw_embedding, captions.embedding(result)
        yield Section("Embedding", text, rows["embedding"], (drawn,), warning=warning)
    if result.quantized is not None:
        text = "Whitened by PCA, clipped, 8 bits: the format of the AudioSet features."
        drawn = panels.draw_quantized, captions.quantized(result)
        yield Section("Quantized embedding", text, rows["quantized"], (drawn,), warning=warning)
    if result.embedding is not None and len(result.embedding) > 1:
        text = "The cosine of each pair of embeddings, by their times."
        drawn = panels.draw_similarity, captions.similarity(result)
        yield Section("Self-similarity", text, None, (drawn,), warning=warning)


def _section(section: Section, result: Stages) -> str:
    facts = "".join(
        f"<li>{name} <b>{html.escape(value)}</b></li>" for name, value in _facts(section.row)
    )
    drawn = "\n".join(_picture(draw, caption, section, result) for draw, caption in section.drawn)
    return (
        f"<section>\n<h2>{html.escape(section.heading)}</h2>\n<p>{html.escape(section.text)}</p>\n"
        f"<ul>{facts}</ul>\n{drawn}\n</section>"
    )


def _facts(row: stages.Row | None) -> list[tuple[str, str]]:
    facts = row._asdict() if row else {}
    return [(name, value) for name, value in facts.items() if name != "name" and value]


def _picture(draw: pages.Draw, caption: str, section: Section, result: Stages) -> str:
    """A picture in four versions: a browser shows the first that fits; on paper it is the last."""

    def drawn(width: float, dark: bool) -> str:
        size = width, section.height
        figure = pages.one(draw, result, size=size, dark=dark)
        dots_per_inch = pages.DOTS_PER_INCH if width == WIDE else NARROW_DOTS_PER_INCH
        return _inline("image/png", pages.png(figure, dots_per_inch))

    is_dark, is_narrow = "(prefers-color-scheme: dark)", f"(max-width: {NARROW_UNTIL}px)"
    sources = {
        f"{is_dark} and {is_narrow}": drawn(NARROW, True),
        is_narrow: drawn(NARROW, False),
        is_dark: drawn(WIDE, True),
    }
    listed = "".join(
        f'<source media="screen and {media}" srcset="{data}">'  # paper is always light
        for media, data in sources.items()
    )
    alt = html.escape(f"{section.warning} {caption}".strip())
    return f'<picture>{listed}<img src="{drawn(WIDE, False)}" alt="{alt}"></picture>'


def _player(result: Stages) -> str:
    """An audio player with the recording, or a sentence if the recording is too long for a page."""
    rate = result.params.sample_rate
    seconds = len(result.waveform) / rate
    if seconds > LONGEST_PLAYED:
        return (
            f'<p class="quiet">No player: the recording lasts {seconds / 60:.1f} minutes, '
            f"and a page holds up to {LONGEST_PLAYED / 60:g}.</p>"
        )
    played = max((known for known in MP3_RATES if known <= rate), default=min(MP3_RATES))
    sound = _inline("audio/mpeg", encode_mp3(audio.to_mono(result.waveform, rate, played), played))
    return (
        f'<audio controls preload="metadata" src="{sound}" aria-label="The recording"></audio>\n'
        f'<p class="quiet">The recording, to listen to: mono, {played:,} Hz, MP3.</p>'
    )


def _inline(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
