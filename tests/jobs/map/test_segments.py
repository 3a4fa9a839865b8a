"""Segments of every format: the rows, files, times and labels that were written."""

import archives
import numpy as np
import pytest

from vggish_tf import formats
from vggish_tf.errors import VGGishError
from vggish_tf.jobs.map import segments
from vggish_tf.rows import Archive, ClipRows

LENGTHS = {"s/a.wav": 3, "s/b.wav": 0, "s/c.wav": 2}


def clips(dtype=np.float32, labelled=False):
    """Two clips with rows, of which the second is in two stretches of the file."""
    generator = np.random.default_rng(0)
    made = []
    for number, (path, count) in enumerate([*LENGTHS.items(), ("s/a.wav", 2)]):
        rows = archives.normal(count, 128, seed=number)
        if dtype == np.uint8:
            rows = generator.integers(0, 256, (count, 128), np.uint8)
        clip = archives.clip(path, rows, 100.0 * number)
        made.append(clip._replace(labels=np.array([number, 7])) if labelled else clip)
    return made


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("name", ["rows", "rows.parquet", "rows.csv", "memmap", "npz"])
def test_every_format_gives_the_same_segments(name, dtype, tmp_path):
    made = clips(dtype) if name != "npz" else clips(dtype)[:3]
    kind = name if name in ("memmap", "npz") else None
    path = formats.write(tmp_path / name, Archive(made, {}), kind)
    found = segments.read(formats.read(path))
    expected = [clip for clip in made if len(clip.start)]
    assert [found.files[file] for file in found.file] == [
        clip.path for clip in expected for _ in clip.start
    ]
    for place, values in ((1, found.start), (2, found.end), (3, found.rows)):
        np.testing.assert_array_equal(values, np.concatenate([clip[place] for clip in expected]))
    assert found.rows.dtype == dtype
    assert found.files == ["s/a.wav", "s/c.wav"]
    assert (found.label, found.labels, found.left_out) == (None, [], 0)


def test_labels_of_records_are_classes(tmp_path):
    path = formats.write(tmp_path / "rows.tfrecord", Archive(clips(np.uint8, labelled=True), {}))
    found = segments.read(formats.read(path))
    classes = [found.labels[label] for label in found.label]
    assert classes == ["0, 7"] * 3 + ["2, 7"] * 2 + ["3, 7"] * 2


def test_clips_with_an_empty_list_of_labels_are_in_the_class_without_a_label():
    some, none = (archives.clip(path, archives.normal(1, 128)) for path in ("a.wav", "b.wav"))
    labelled = [some._replace(labels=np.array([3])), none._replace(labels=np.array([], np.int64))]
    found = segments.read(Archive(labelled, {}))
    assert found.labels == ["3", segments.UNLABELLED]


def test_rows_of_a_pooled_archive_of_another_size():
    pooled = [clip.pooled("mean+std") for clip in clips() if len(clip.start)]
    found = segments.read(Archive(pooled, {"pool": "mean+std"}))
    assert found.rows.shape == (3, 256)
    assert found.end.tolist() == [clip.end[-1] for clip in pooled]


def test_rows_without_a_direction_are_left_out_and_counted():
    rows = archives.normal(6, 128)
    rows[0], rows[2, 5], rows[3, 7] = 0, np.nan, np.inf
    made = [archives.clip("a.wav", rows[:4]), archives.clip("b.wav", rows[4:])]
    found = segments.read(Archive(made, {}))
    np.testing.assert_array_equal(found.rows, rows[[1, 4, 5]])
    assert found.left_out == 3
    assert found.start.tolist() == [0.96, 0, 0.96]
    assert [found.files[file] for file in found.file] == ["a.wav", "b.wav", "b.wav"]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([], "holds no rows"),
        ([archives.clip("a.wav", np.zeros((0, 128), np.float32))], "holds no rows"),
        ([archives.clip("a.wav", np.zeros((2, 128), np.float32))], "2 rows, each zero or not"),
        ([archives.clip("a.wav", np.full((1, 128), np.nan, np.float32))], "1 row, each zero"),
        (
            [archives.clip(f"{n}.wav", np.ones((1, n), np.float32)) for n in (128, 256)],
            "all rows of an archive must be",
        ),
        ([ClipRows("a.wav", np.zeros(2), np.zeros(2), np.ones((1, 128), np.float32))], "n times"),
    ],
)
def test_what_gives_no_map_is_refused(made, words):
    with pytest.raises(VGGishError, match=words):
        segments.read(Archive(made, {}))


def test_too_many_rows_are_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr(segments, "MOST", 4)
    heard = []

    def some():
        for number in range(100):
            heard.append(number)
            yield archives.clip(f"{number}.wav", archives.normal(1, 128))

    with pytest.raises(VGGishError, match="at most 4 rows"):
        segments.read(Archive(some(), {}))
    assert len(heard) < 10
