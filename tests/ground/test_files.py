"""Files appear whole or not at all, and what was there is kept after an error."""

import os

import pytest

from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing, replacing_all


@pytest.fixture
def old(tmp_path):
    """A folder with a file."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "kept").touch()
    return tmp_path / "old"


def names_in(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def new_folder_in(folder):
    (folder / "old").mkdir()
    (folder / "old" / "new").touch()


def test_a_folder_replaces_a_folder_and_a_file(old, tmp_path):
    (tmp_path / "file").touch()
    for target in (old, tmp_path / "file"):
        with replacing_all([target]) as folder:
            (folder / target.name).mkdir()
            (folder / target.name / "new").touch()
    assert names_in(tmp_path) == ["file", "file/new", "old", "old/new"]


def test_a_rename_that_fails_moves_the_old_folder_back(old, tmp_path):
    with pytest.raises(FileNotFoundError), replacing_all([old]):
        pass  # nothing is written, so there is nothing to rename
    assert names_in(tmp_path) == ["old", "old/kept"]


@pytest.mark.parametrize(("rename", "left"), [(1, "kept"), (2, "new")])
def test_a_stop_after_a_rename_leaves_the_old_folder_or_the_new_one(
    rename, left, old, tmp_path, monkeypatch
):
    """As Ctrl-C does: the rename is made, and then the signal is raised."""
    made = []

    def stopped(source, target, replace=os.replace):
        replace(source, target)
        made.append(target)
        if len(made) == rename:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(KeyboardInterrupt), replacing_all([old]) as folder:
        new_folder_in(folder)
    assert names_in(tmp_path) == ["old", f"old/{left}"]


def test_an_old_folder_that_cannot_be_moved_back_is_kept_and_named(old, tmp_path, monkeypatch):
    def fails(source, target, replace=os.replace):
        if source != old:
            raise OSError(5, "Input/output error", str(source))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails)
    with (
        pytest.raises(VGGishError, match="could not be moved back: Input/output error") as caught,
        replacing_all([old]) as folder,
    ):
        (folder / "old").mkdir()
    assert names_in(tmp_path / folder.name) == ["old", "old.old", "old.old/kept"]
    assert f"It is kept as {folder / 'old.old'}; move it back" in str(caught.value)


@pytest.mark.parametrize("name", ["old/kept", "absent"])
def test_a_link_to_a_file_stays_and_the_file_is_replaced(name, old, tmp_path):
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "link"
    link.symlink_to(f"../{name}")
    with replacing(link) as temporary:
        temporary.write_text("new")
        assert names_in(tmp_path / "links") == ["link"]  # it may be on a smaller disk
    assert link.is_symlink()
    assert (tmp_path / name).read_text() == "new"


def test_a_link_to_a_folder_stays_and_the_folder_is_replaced(old, tmp_path):
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "old"
    link.symlink_to("../old")
    with replacing_all([link]) as folder:
        new_folder_in(folder)
        assert names_in(tmp_path / "links") == ["old"]
    assert link.is_symlink()
    assert names_in(tmp_path) == ["links", "links/old", "old", "old/new"]


def test_an_error_about_another_file_names_that(tmp_path):
    with pytest.raises(FileNotFoundError, match="source") as caught, replacing(tmp_path / "new"):
        (tmp_path / "source").read_bytes()
    assert caught.value.filename == str(tmp_path / "source")


def test_an_error_about_the_temporary_file_names_the_target(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "new"):
        pass
    assert caught.value.filename == str(tmp_path / "new")


@pytest.mark.parametrize("letter", ["a", "\u9f8d"])
def test_a_name_may_be_as_long_as_the_system_allows(letter, tmp_path):
    name = letter * (251 // len(os.fsencode(letter))) + ".txt"
    with replacing(tmp_path / name) as temporary:
        temporary.touch()
    with replacing_all([tmp_path / name]) as folder:
        (folder / name).touch()
    assert names_in(tmp_path) == [name]
