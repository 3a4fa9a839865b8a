"""The picture: bars, intervals and lines stand for the numbers."""

import os

import numpy as np
import pytest

from vggish_tf.drawing import pictures
from vggish_tf.jobs import fad
from vggish_tf.jobs.fad import Gaussian
from vggish_tf.jobs.fad.frechet import Infinity
from vggish_tf.jobs.fad.sources import Set

REFERENCE = Set("real", Gaussian(np.zeros(2), np.eye(2), 100, 10), {}, "real")
LINE = Infinity(2.0, 0.1, 0.99, 20.0, np.array([50, 100, 200]), np.array([2.4, 2.2, 2.1]))


def comparison(name, value, **more):
    return fad.Comparison(name, 10, 100, 2, {}, value, **more)


@pytest.fixture
def found():
    return [
        comparison("made", 2.1, interval=(1.9, 2.4), kad=-0.3, infinity=LINE),
        comparison("a rather long name of a folder, longer than there is room", 3.0, kad=1.5),
    ]


def test_bars_intervals_and_lines_are_the_numbers(found):
    bars, kernels, lines = fad.draw(REFERENCE, found).axes
    assert [bar.get_width() for bar in bars.patches] == [2.1, 3.0]
    assert [bar.get_width() for bar in kernels.patches] == [-0.3, 1.5]
    interval = next(line for line in bars.lines if line.get_marker() == "|")
    np.testing.assert_array_equal(interval.get_xdata(), [1.9, 2.4])
    points, line, _ = lines.lines[:3]
    np.testing.assert_allclose(points.get_xdata(), [0.02, 0.01, 0.005])
    np.testing.assert_allclose(points.get_ydata(), [2.4, 2.2, 2.1])
    np.testing.assert_allclose(line.get_xdata(), [0.0, 0.02])
    np.testing.assert_allclose(line.get_ydata(), [2.0, 2.4])
    assert bars.get_yticklabels()[1].get_text().startswith("…")


def test_panels_without_numbers_are_left_out():
    assert len(fad.draw(REFERENCE, [comparison("made", 2.0)]).axes) == 1


def test_untrained_weights_are_in_the_picture():
    made = {"weights": {"values_sha256": "ab" * 32, "untrained": True}}
    figure = fad.draw(REFERENCE._replace(provenance=made), [comparison("made", 2.0)])
    assert "UNTRAINED" in figure.get_suptitle()


def test_names_that_are_no_utf_8_are_escaped(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    pictures.save(
        fad.draw(REFERENCE._replace(name=name), [comparison(name, 2.0, infinity=LINE)]),
        tmp_path / "fad.svg",
    )
    assert (tmp_path / "fad.svg").exists()


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_it_can_be_saved(found, ending, tmp_path):
    pictures.save(fad.draw(REFERENCE, found), tmp_path / f"fad{ending}")
    assert (tmp_path / f"fad{ending}").stat().st_size > 5000
