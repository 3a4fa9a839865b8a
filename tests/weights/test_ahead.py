"""Weights that are read ahead: those of the file as it is now, or none."""

import os

import numpy as np
import pytest
from small_network import arrays as arrays_of
from small_network import by_name, randomize, vggish, write_with_tf1

from vggish_tf import CheckpointError, Params
from vggish_tf.inference import _shapes
from vggish_tf.weights import arrays, kept

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("VGGISH_TF_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def path(source, tmp_path):
    return write_with_tf1(tmp_path / "model.ckpt", by_name(source))


@pytest.fixture
def opened(monkeypatch):
    """How often the weights were opened, and not taken from what was read ahead."""
    times, real = [], arrays.opened
    monkeypatch.setattr(
        arrays, "opened", lambda *args, **kw: times.append(args) or real(*args, **kw)
    )
    return times


def read(path):
    return arrays.read(path, _shapes(Params()))


def check_same(found, model):
    for array, expected in zip(found.values(), arrays_of(model), strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("spelling", ["model.ckpt", "./model.ckpt", "absolute"])
def test_what_was_read_ahead_is_taken(spelling, path, source, opened):
    expected = read(path)  # which keeps a copy
    opened.clear()
    arrays.read_ahead(path if spelling == "absolute" else spelling)
    found = read(path.absolute())
    assert not opened
    check_same(found[0], source)
    assert found[1] == expected[1]
    assert not arrays._started  # nothing stays in memory


def test_without_a_copy_the_file_is_read(path, source, opened):
    arrays.read_ahead(path)
    check_same(read(path)[0], source)
    assert opened


def test_a_file_that_changed_is_read_again(path, opened, tmp_path):
    read(path)
    opened.clear()
    arrays.read_ahead(path)
    arrays._started[path.absolute()].result()
    other = randomize(vggish(), seed=1)
    os.replace(write_with_tf1(tmp_path / "other.ckpt", by_name(other)), path)
    check_same(read(path)[0], other)
    assert opened


def test_another_file_is_not_mistaken_for_it(path, source, tmp_path):
    other = randomize(vggish(), seed=1)
    second = write_with_tf1(tmp_path / "other.ckpt", by_name(other))
    for each in (path, second):
        read(each)
    arrays.read_ahead(path)
    check_same(read(second)[0], other)
    check_same(read(path)[0], source)


def test_a_copy_that_goes_or_is_damaged_meanwhile_is_no_error(path, source, tmp_path):
    read(path)
    (copy,) = (tmp_path / "cache" / kept.FOLDER).iterdir()
    copy.write_bytes(copy.read_bytes()[:-7])
    arrays.read_ahead(path)
    check_same(read(path)[0], source)


@pytest.mark.parametrize("bad", ["absent.ckpt", ".", "text.txt", ""])
def test_errors_are_said_when_the_weights_are_read(bad, tmp_path):
    (tmp_path / "text.txt").write_text("no weights", encoding="utf-8")
    arrays.read_ahead(bad)
    with pytest.raises(CheckpointError):
        read(bad)


def test_other_shapes_are_refused(path):
    read(path)
    arrays.read_ahead(path)
    with pytest.raises(CheckpointError, match="does not match the model"):
        arrays.read(path, _shapes(Params(num_mel_bins=32)))
