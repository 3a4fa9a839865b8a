"""The colours of pages: magma against Matplotlib's, and the contrast of the palette by WCAG 2."""

import matplotlib
import numpy as np
import pytest
from browser import chromium
from measures import contrast

from vggish_tf import web

GROUNDS = ("#ffffff", "#15181d")
LEAST_CONTRAST = 3  # WCAG 2.2, 1.4.11: graphical objects


@pytest.fixture(scope="module")
def module():
    """The names that the module exports, in a page."""
    source = (web.FOLDER / "shared" / "colours.js").read_text(encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page()
        page.evaluate(
            """async (source) => {
              const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
              window.colours = await import(url);
            }""",
            source,
        )
        yield page


def test_magma_is_matplotlibs(module):
    values = [*np.linspace(-0.1, 1.1, 2001).tolist(), 0.0, 1.0]
    found = module.evaluate("(values) => values.map((value) => colours.magma(value))", values)
    expected = matplotlib.colormaps["magma"](values, bytes=True)[:, :3]
    np.testing.assert_array_equal(found, expected)


def test_a_value_that_is_no_number_is_the_lowest(module):
    assert module.evaluate("colours.magma(NaN)") == module.evaluate("colours.magma(0)")


@pytest.mark.parametrize("ground", GROUNDS)
def test_classes_are_seen_in_the_light_and_in_the_dark(module, ground):
    palette = module.evaluate("colours.PALETTE")
    assert len({*palette}) == len(palette) >= 10
    for colour in palette:
        assert contrast(colour, ground) >= LEAST_CONTRAST, colour


def test_classes_beyond_the_palette_repeat_it(module):
    found = module.evaluate("[0, 1, 12, 13].map(colours.category)")
    assert found[:2] == found[2:]
