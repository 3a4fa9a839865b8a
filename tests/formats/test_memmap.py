"""NumPy arrays that map into memory, and files that do not belong together."""

import json

import numpy as np
import pytest
import some_rows

from vggish_tf import VGGishError, formats
from vggish_tf.rows import Archive


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_arrays_map_and_say_which_clip_a_row_is_of(dtype, tmp_path):
    archive = some_rows.archive(dtype, labelled=True)
    path = formats.write(tmp_path / "rows", archive, "memmap")
    mapped = np.load(path / "embedding.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(
        mapped, np.concatenate([clip.embedding for clip in archive.clips])
    )
    clips = [json.loads(line) for line in (path / "clips.jsonl").read_text().splitlines()]
    numbers = np.load(path / "clip.npy", mmap_mode="r")
    start, end = (np.load(path / f"{name}.npy", mmap_mode="r") for name in ("start", "end"))
    for number, clip in enumerate(archive.clips):
        np.testing.assert_array_equal(start[numbers == number], clip.start)
        np.testing.assert_array_equal(end[numbers == number], clip.end)
        assert clips[number]["labels"] == clip.labels.tolist()


def test_arrays_of_no_rows_map_too(tmp_path):
    path = formats.write(tmp_path / "rows", Archive([], {}), "memmap")
    assert np.load(path / "embedding.npy", mmap_mode="r").shape == (0, 128)


def _other_rows(path):
    np.save(path / "end.npy", np.zeros(1))


def _no_rows(path):
    np.save(path / "start.npy", np.float64(1))


def _other_clips(path):
    (path / "clips.jsonl").write_text('{"path": "a", "rows": 1}\n')


def _more_clips(path):
    (path / "clips.jsonl").write_text('{"path": "a", "rows": 10000000000}\n')


def _negative(path):
    (path / "clips.jsonl").write_text('{"path": "a", "rows": -1}\n')


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_other_rows, r"its arrays have \[1, 10\] rows"),
        (_no_rows, r"start\.npy is missing, damaged, or cut short"),
        (_other_clips, "its clips do not have the 10 rows"),
        (_more_clips, "its clips do not have the 10 rows"),
        (_negative, "line 1 is not a clip"),
        (lambda path: (path / "clips.jsonl").write_text("{}\n"), "line 1 is not a clip"),
        (lambda path: (path / "clips.jsonl").unlink(), r"clips\.jsonl does not exist"),
        (lambda path: (path / "end.npy").unlink(), r"end\.npy is missing"),
        (lambda path: (path / "provenance.json").unlink(), r"provenance\.json cannot be read"),
    ],
)
def test_files_that_do_not_belong_together_are_a_line(damage, said, tmp_path):
    path = formats.write(tmp_path / "rows", some_rows.archive(names="abcd"), "memmap")
    damage(path)
    with pytest.raises(VGGishError, match=said):
        list(formats.read(path).clips)
