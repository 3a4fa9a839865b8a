"""Files appear whole or not at all, and what was there is kept after an error."""

import os

import pytest

from vggish_tf.files import replacing, replacing_all


@pytest.fixture
def old(tmp_path):
    """A folder with a file."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "kept").touch()
    return tmp_path / "old"


def names_in(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


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
