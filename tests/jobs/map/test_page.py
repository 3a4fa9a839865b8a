"""The file of a page: nothing outside it, its data as they were, and text that is no markup."""

import base64
import json
import os
import re

import archives
import numpy as np
import pytest
import tones
import webpage

from vggish_tf import Embeddings, VGGishError, formats
from vggish_tf.formats import npz
from vggish_tf.jobs import map
from vggish_tf.rows import Archive

HOSTILE = (
    '</script><script>alert("x")</script>.wav', "<!-- .wav", "a&amp;b.wav", "$title ${style}.wav",
    "line\u2028end.wav", "tab\t.wav", "C:\\sounds\\a.wav", "\\udc80.wav", "音/grün.wav", "",
    "'\".wav",
)  # fmt: skip


def element(text, name):
    found = re.search(rf'<script type="text/plain" id="{name}">([^<]*)</script>', text)
    return base64.b64decode(found[1], validate=True)


def written(tmp_path, clips, provenance=None, **options):
    """The text of the page, its JSON, and the lines that were said."""
    lines = []
    path = map.write(
        Archive(clips, provenance or {}), tmp_path / "map.html", said=lines.append, **options
    )
    text = path.read_text(encoding="utf-8")
    about = re.search(r'<script type="application/json" id="about">(.*?)</script>', text, re.DOTALL)
    return text, json.loads(about[1]), lines


def test_the_arrays_are_those_of_the_archive(tmp_path):
    clips = [archives.clip(f"{n}.wav", archives.normal(n, 128, seed=n)) for n in (3, 1, 2)]
    clips[1].end[0] = np.nan
    text, about, lines = written(tmp_path, clips, neighbours=4)
    assert about["files"] == ["3.wav", "1.wav", "2.wav"]
    assert np.frombuffer(element(text, "file"), "<u4").tolist() == [0, 0, 0, 1, 2, 2]
    for name, place in (("start", 1), ("end", 2)):
        expected = np.concatenate([clip[place] for clip in clips])
        np.testing.assert_array_equal(np.frombuffer(element(text, name), "<f8"), expected)
    near = np.frombuffer(element(text, "neighbour"), "<u4").reshape(6, 4)
    assert all(number not in line for number, line in enumerate(near))
    assert len(element(text, "x")) == len(element(text, "y")) == 6 * 4
    assert lines[0] == "6 segments of 3 files"
    assert lines[-1].startswith(f"wrote {tmp_path / 'map.html'}: ")


def test_names_that_are_no_utf_8_are_escaped(tmp_path):
    """Those of the archive and of the recording; an npz of embed has the latter's as it is."""
    source = tmp_path / os.fsdecode(b"caf\xe9.npz")
    rows = Embeddings(archives.normal(3, 128), np.arange(3) * 0.96)
    npz.write(source, rows, {"audio": os.fsdecode(b"\xe9.wav")})
    path = map.write(source, tmp_path / "map.html")
    assert "<title>caf\\udce9.npz" in path.read_text(encoding="utf-8")


def test_where_there_are_fewer_others_the_rest_is_none(tmp_path):
    clips = [archives.clip("a.wav", archives.normal(3, 128))]
    text, _, _ = written(tmp_path, clips)
    near = np.frombuffer(element(text, "neighbour"), "<u4").reshape(3, 10)
    assert (near[:, 2:] == 2**32 - 1).all()
    assert (near[:, :2] < 3).all()


@pytest.mark.parametrize("count", [1, 2, 30])
def test_equal_rows_make_a_page(count, tmp_path):
    rows = np.repeat(archives.normal(1, 128), count, axis=0)
    text, _, _ = written(tmp_path, [archives.clip("a.wav", rows)])
    assert element(text, "x") == bytes(4 * count)


def test_nothing_is_outside_the_page(tmp_path, machine):
    page = map.write(machine / "rows.parquet", tmp_path / "map.html")
    found = webpage.Page(page)
    assert found.addresses == []
    assert "@import" not in found.source
    assert "url(" not in found.source
    assert not re.search(r"\bfetch\(|XMLHttpRequest|\bimport[ (]|importScripts", found.source)
    assert "default-src 'none'" in found.source


def test_names_are_text(tmp_path):
    clips = [archives.clip(name, archives.normal(1, 128, seed=n)) for n, name in enumerate(HOSTILE)]
    text, about, _ = written(tmp_path, clips)
    assert about["files"] == [*HOSTILE]
    tags = webpage.Page(tmp_path / "map.html").tags
    plain, _, _ = written(tmp_path, [archives.clip("a.wav", archives.normal(1, 128))])
    assert tags == webpage.Page(tmp_path / "map.html").tags
    assert text.count("<script") == plain.count("<script")


def test_the_name_of_the_archive_is_text(tmp_path):
    path = tmp_path / "<b>rows & more.parquet"
    archives.written(path, [archives.clip("a.wav", archives.normal(2, 128))])
    map.write(path, tmp_path / "map.html")
    page = webpage.Page(tmp_path / "map.html")
    assert "b" not in page.tags
    assert "<b>rows & more.parquet: map of sounds" in page.text


def test_untrained_weights_are_said(tmp_path):
    clips = [archives.clip("a.wav", archives.normal(2, 128))]
    provenance = {"weights": {"asked": "untrained", "values_sha256": "ab", "untrained": True}}
    with pytest.warns(UserWarning, match="UNTRAINED"):
        _, about, _ = written(tmp_path, clips, provenance)
    assert about["untrained"] is True
    assert about["weights"] == "UNTRAINED (untrained)"
    _, about, _ = written(tmp_path, clips, {"weights": {"asked": "x", "untrained": False}})
    assert about["untrained"] is False


@pytest.mark.parametrize("provenance", [{"weights": "x", "profile": "y", "params": 3}, {"pool": 1}])
def test_a_provenance_of_others_is_passed_over(provenance, tmp_path):
    clips = [archives.clip("a.wav", archives.normal(2, 128))]
    _, about, _ = written(tmp_path, clips, provenance)
    assert (about["untrained"], about["weights"], about["profile"]) == (False, "", "")


def test_lines_count_what_is_left_out_and_what_is_not_found(tmp_path, machine, monkeypatch):
    monkeypatch.chdir(machine)
    rows = archives.normal(4, 128)
    rows[1] = 0
    clips = [archives.clip(f"sounds/{tones.FILES[0]}", rows), archives.clip("no.wav", rows[2:])]
    _, about, lines = written(tmp_path, clips)
    assert "1 row of zeros or not finite: left out" in lines
    assert about["leftOut"] in lines
    assert "1 of 2 files not found: " in " ".join(lines)
    assert [address is None for address in about["addresses"]] == [False, True]


def test_an_archive_that_cannot_be_read_to_its_end_leaves_no_page(tmp_path):
    path = tmp_path / "rows"
    formats.write(path, Archive([archives.clip("a.wav", archives.normal(9, 128))], {}), "memmap")
    (path / "embedding.npy").write_bytes((path / "embedding.npy").read_bytes()[:-4])
    with pytest.raises(VGGishError, match=r"embedding\.npy is missing, damaged, or cut short"):
        map.write(path, tmp_path / "map.html")
    assert [each.name for each in tmp_path.iterdir()] == ["rows"]


def test_the_page_that_is_there_stays_after_an_error(tmp_path, monkeypatch):
    clips = [archives.clip("a.wav", archives.normal(2, 128))]
    before, _, _ = written(tmp_path, clips)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="No space"):
        map.write(Archive(clips, {}), tmp_path / "map.html", neighbours=1)
    assert (tmp_path / "map.html").read_text(encoding="utf-8") == before
    assert len([*tmp_path.iterdir()]) == 1
