"""A folder of npz files: a place for every clip and no other's, and what embed wrote before."""

import numpy as np
import pytest
import some_rows

from vggish_tf import Embeddings, VGGishError, formats
from vggish_tf.formats import npz, tree
from vggish_tf.rows import Archive


def places(folder) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in tree.files_of(folder)]


def test_clips_have_the_folders_of_their_paths(tmp_path):
    names = ["one/a.wav", "two/a.wav", "/root/b.flac", "../up/c.mp3", "s.tar::m/d.wav", ""]
    path = formats.write(tmp_path / "rows", some_rows.archive(names=names), "npz")
    assert places(path) == [
        *("_.npz", "one/a.wav.npz", "root/b.flac.npz", "s.tar::m/d.wav.npz"),
        *("two/a.wav.npz", "up/c.mp3.npz"),
    ]


def test_nothing_is_written_outside_of_the_folder(tmp_path):
    names = ["../../../etc/a.wav", "/a.wav", "..", "/", "a/../../b.wav"]
    path = formats.write(tmp_path / "rows", some_rows.archive(names=names), "npz")
    assert list(tmp_path.iterdir()) == [path]
    assert len(places(path)) == len(names)


def test_no_two_clips_share_a_file(tmp_path):
    """Nor does a clip take the place of a folder."""
    names = ["up/a.wav", "../up/a.wav", "/up/a.wav", "up/a.wav", "x", "x.npz/y", "n\0ul"]
    archive = some_rows.archive(names=names)
    path = formats.write(tmp_path / "rows", archive, "npz")
    assert len(places(path)) == len(names)
    assert {"up/a.wav.npz", "up/a.wav~2.npz", "up/a.wav~4.npz", "x.npz~2/y.npz"} <= {*places(path)}
    found = formats.read(path)
    assert some_rows.described(found, False) == some_rows.described(archive, False)


def test_a_folder_of_embed(tmp_path):
    """Without the paths, which older ones do not have: the names of the recordings count."""
    provenance = {**some_rows.PROVENANCE, "params": {"example_window_seconds": 0.5}}
    for name in ("a", "b"):
        (tmp_path / "rows" / name).mkdir(parents=True)
        rows = np.zeros((2, 128), np.float32), np.array([0.0, 0.96])
        npz.write(tmp_path / "rows" / name / "clip.npz", rows, {**provenance, "audio": "clip.wav"})
    found = formats.read(tmp_path / "rows")
    clips = list(found.clips)
    assert [clip.path for clip in clips] == ["a/clip.wav", "b/clip.wav"]
    assert clips[0].end.tolist() == [0.5, 1.46]
    assert found.provenance == provenance


def test_an_npz_of_embed_keeps_where_its_rows_end(tmp_path):
    rows = Embeddings(np.zeros((2, 128), np.float32), np.array([0.0, 1.0]), example_seconds=0.25)
    path = npz.write(tmp_path / "clip.npz", rows, {"audio": "clip.wav"})
    (clip,) = formats.read(path).clips
    assert (clip.path, clip.end.tolist()) == ("clip.wav", [0.25, 1.25])
    assert [len(array) for array in npz.read(path)] == [2, 2, 1]


def test_files_of_other_settings_are_refused(tmp_path):
    path = formats.write(tmp_path / "rows", some_rows.archive(names=["a.wav"]), "npz")
    other = {**some_rows.PROVENANCE, "weights": {"values_sha256": "cd"}}
    npz.write_clip(path / "b.npz", some_rows.clip("b.wav", 1), other)
    with pytest.raises(VGGishError, match=r"b\.npz was made with other settings .*: weights"):
        list(formats.read(path).clips)


@pytest.mark.parametrize(("names", "said"), [([], "none"), (["a.wav", "b.wav"], "several")])
def test_one_npz_holds_one_clip(names, said, tmp_path):
    with pytest.raises(VGGishError, match=f"holds one clip, and the archive has {said}"):
        formats.write(tmp_path / "rows.npz", some_rows.archive(names=names))
    archive = Archive([some_rows.clip("a.wav", 2, labelled=True)], some_rows.PROVENANCE)
    found = formats.read(formats.write(tmp_path / "rows.npz", archive))
    assert some_rows.described(found) == some_rows.described(archive)
    assert found.provenance == some_rows.PROVENANCE
