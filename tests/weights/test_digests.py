"""A digest is the system's own, is taken once, and never that of a file as it was before."""

import hashlib
import os
import subprocess

import pytest

from vggish_tf.weights import digests


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(os.urandom(digests.PIECE + 17))
    return path


def md5sum(*paths):
    return subprocess.run(
        ["md5sum"], input=b"".join(p.read_bytes() for p in paths), capture_output=True
    ).stdout[:32]


def test_md5_is_md5sum_s(file):
    assert digests.md5([file, file]).encode() == md5sum(file, file)


def test_it_is_taken_once_even_if_asked_for_while_it_is_taken(file, monkeypatch):
    made, make = [], hashlib.md5
    monkeypatch.setattr(digests.hashlib, "md5", lambda **kwargs: made.append(0) or make(**kwargs))
    digests.compute_ahead([file])
    assert digests.md5([file]) == digests.md5([file])
    assert len(made) == 1


def test_a_file_that_changed_is_hashed_anew(file):
    before = digests.md5([file])
    file.write_bytes(b"x" + file.read_bytes()[1:-1] + b"y")
    assert digests.md5([file]) != before
    assert digests.md5([file]).encode() == md5sum(file)


def test_the_digest_of_a_missing_file_is_a_file_not_found_error(tmp_path):
    digests.compute_ahead([tmp_path / "none"])  # says nothing
    with pytest.raises(FileNotFoundError):
        digests.md5([tmp_path / "none"])
