"""Where sounds are found, and the addresses a browser resolves to them."""

import os
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import archives
import numpy as np
import pytest

from vggish_tf import formats
from vggish_tf.errors import VGGishError
from vggish_tf.jobs.map import places

NAMES = ["x/a.wav", "x/b.wav", "y/a.wav", "y/odd #1 ?&%20 'ü\\.wav"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder that is elsewhere; `data/sounds` has the files."""
    for name in NAMES:
        path = tmp_path / "data" / "sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def check(found, names=NAMES):
    """Each file holds its own name."""
    assert [None if path is None else path.read_text() for path in found] == names


def test_paths_as_they_are(folder, monkeypatch):
    check(places.find([str(folder / "data" / "sounds" / name) for name in NAMES]))
    monkeypatch.chdir(folder / "data")
    check(places.find([f"sounds/{name}" for name in NAMES]))


def test_from_the_folder_of_the_archive(folder):
    files = [f"sounds/{name}" for name in NAMES]
    check(places.find(files, folder / "data" / "rows"))
    assert places.find(files, folder / "rows") == [None] * 4


@pytest.mark.parametrize("audio", ["data", "data/sounds"])
@pytest.mark.parametrize("before", ["sounds/", "/home/someone/sounds/", "C:\\sounds\\"])
def test_below_a_folder_whole_or_without_the_first_folders(folder, audio, before):
    names = NAMES[:3]
    files = [before + (name.replace("/", "\\") if "\\" in before else name) for name in names]
    check(places.find(files, audio=folder / audio), names)


def test_all_lose_the_same_folders(folder):
    """Not each as many as it takes: y/b.wav is not there, and x/b.wav is another file."""
    found = places.find(["sounds/x/a.wav", "sounds/y/b.wav"], audio=folder / "data")
    check(found, ["x/a.wav", None])
    found = places.find(["sounds/x/a.wav", "sounds/y/b.wav"], audio=folder / "data/sounds/x")
    check(found, ["x/a.wav", "x/b.wav"])  # the folder that was given has these names


@pytest.mark.parametrize("before", ["", "sounds/"])
def test_a_name_that_is_not_utf_8_is_found(folder, before):
    """An archive has such a byte as \\udce9; a file that is really called so comes first."""
    names, sounds = [os.fsdecode(b"0n\xe9on.wav"), "0n\\udce8on.wav"], folder / "data" / "sounds"
    for name in names:
        (sounds / name).write_text(repr(name))
    clips = [archives.clip(before + name, np.eye(1, 4)) for name in names]
    archive = archives.written(folder / "data/sounds/".removesuffix(before) / "rows.parquet", clips)
    files = [clip.path for clip in formats.read(archive).clips]
    assert files[0] == f"{before}0n\\udce9on.wav"
    for given in ({"archive": archive}, {"audio": sounds}):
        found = places.find(files, **given)
        check(found, list(map(repr, names)))
        assert next(places.addresses(found, folder / "map.html")) == "data/sounds/0n%E9on.wav"


@pytest.mark.parametrize("name", ["", ".", "/", "x", "nul\0.wav", "a" * 5000, "s3://bucket/a.wav"])
def test_what_is_no_file_is_not_found(folder, name):
    assert places.find([name]) == [None]
    assert places.find([name], audio=folder / "data" / "sounds") == [None]


@pytest.mark.parametrize("page", ["map.html", "data/map.html", "elsewhere/deep/map.html"])
def test_a_browser_finds_the_files_by_their_addresses(folder, page):
    """As urllib resolves a reference, RFC 3986."""
    found = [folder / "data" / "sounds" / name for name in NAMES]
    base = (folder / page).as_uri()
    for path, address in zip(found, places.addresses(found, folder / page), strict=True):
        assert unquote(urlsplit(urljoin(base, address)).path) == os.fspath(path)
    assert [*places.addresses([None], folder / page)] == [None]


def test_a_page_of_which_the_path_is_relative(folder):
    (address,) = places.addresses([folder / "data" / "sounds" / "x" / "a.wav"], Path("map.html"))
    assert address == "../data/sounds/x/a.wav"


def test_what_is_no_folder_is_refused(folder):
    places.check_folder(None)
    places.check_folder(folder)
    for path in (folder / "nothing", folder / "data" / "sounds" / "x" / "a.wav"):
        with pytest.raises(VGGishError, match="is not a folder"):
            places.check_folder(path)
