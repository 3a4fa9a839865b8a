"""Tables for notebooks: valid HTML without colours, in which nothing of the user's is markup."""

import re
from html.parser import HTMLParser

import pytest

from vggish_tf import notebooks
from vggish_tf.params import Params

EMPTY = {"meta", "br", "hr", "img", "input", "link"}  # elements that have no end


class Parsed(HTMLParser):
    """Elements of a piece of HTML that are opened and closed in order, and their text."""

    def __init__(self, text):
        super().__init__()
        self.opened, self.names, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.opened

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        if tag not in EMPTY:
            self.opened.append(tag)

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def rows_of(text):
    """The rows of the table: name → value."""
    words = Parsed(text).words
    return dict(zip(words[-2::-2], words[::-2], strict=False))


def test_a_table_is_html_that_says_what_it_was_given():
    text = notebooks.table("Rows", {"file": "a.wav", "rows": 3})
    parsed = Parsed(text)
    assert parsed.words == ["Rows", "file", "a.wav", "rows", "3"]
    assert parsed.names == ["b", "table", *("tr", "th", "td") * 2]


@pytest.mark.parametrize("place", ["name", "fact", "value", "warning"])
def test_nothing_that_is_given_is_markup(place):
    hostile = "<script>alert('1')</script> & \"<b>\".wav"
    given = {"name": "n", "fact": "f", "value": "v", "warning": "w"} | {place: hostile}
    text = notebooks.table(given["name"], {given["fact"]: given["value"]}, given["warning"])
    parsed = Parsed(text)
    assert "script" not in parsed.names
    assert hostile in parsed.words


def test_a_warning_comes_first_and_is_large():
    parsed = Parsed(notebooks.table("Embedder", {"pad": "short"}, "UNTRAINED"))
    assert parsed.names[:2] == ["h2", "strong"]
    assert parsed.words[0] == "UNTRAINED"
    assert "h2" not in Parsed(notebooks.table("Embedder", {"pad": "short"})).names


def test_the_theme_of_the_notebook_gives_the_colours():
    text = notebooks.table("Embedder", {"pad": "short"}, "UNTRAINED")
    assert not re.search(r"color|background|#[0-9a-f]{3}|rgb", text)


def test_params_say_the_fields_that_are_not_the_published_ones():
    assert repr(Params()) == "Params()"
    changed = Params(example_hop_seconds=1 / 3, mel_max_hz=7000)
    assert repr(changed) == "Params(mel_max_hz=7000, example_hop_seconds=0.3333333333333333)"
    assert eval(repr(changed)) == changed


def test_params_in_a_notebook_are_every_field_with_its_unit_and_what_follows():
    rows = rows_of(Params(example_hop_seconds=0.48)._repr_html_())
    assert rows["sample_rate"] == "16,000 Hz"
    assert rows["stft_window_seconds"] == "0.025 s"
    assert rows["num_mel_bins"] == "64"
    assert rows["example_hop_seconds"] == "0.48 s (published: 0.96)"
    assert rows["window_length"] == "400 samples"
    assert rows["num_frames"] == "96 frames"
    assert rows["example_hop_frames"] == "48 frames"
    assert rows["min_samples"].startswith("15,600 samples")
    assert rows["empty_mel_bins"] == "none"
    assert {*Params.__dataclass_fields__} <= {*rows}


@pytest.mark.filterwarnings("ignore:mel bins")
def test_empty_mel_bins_are_named_in_a_notebook():
    params = Params(sample_rate=250_000, stft_window_seconds=0.00625, stft_hop_seconds=0.0025)
    assert params.empty_mel_bins
    assert rows_of(params._repr_html_())["empty_mel_bins"] == ", ".join(
        str(mel_bin) for mel_bin in params.empty_mel_bins
    )
