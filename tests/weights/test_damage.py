"""Damaged, short and other files instead of checkpoints; checkpoints written whole or not."""

import numpy as np
import pytest
import tensorflow as tf
from refusals import message_of
from small_network import (
    VARIABLES,
    by_name,
    check_nothing_is_loaded,
    randomize,
    vggish,
)

from vggish_tf import checkpoints
from vggish_tf.errors import UsageError, VGGishError

tf1 = tf.compat.v1
NOT_A_CHECKPOINT = "it is empty, cut short, or not a checkpoint."
DAMAGED = "it is damaged: a checksum in it does not match."
CUT_SHORT = "it is damaged or cut short."


def copied(path, folder):
    """A copy of a checkpoint that may be damaged; of a V2 checkpoint, both files."""
    for part in path.parent.glob(f"{path.name}*"):
        (folder / part.name).write_bytes(part.read_bytes())
    return folder / path.name


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"hello\n" * 1000, b"<html>404</html>", bytes(100_000)]
)
@pytest.mark.parametrize("name", ["model.ckpt", "model.keras", "model.weights.h5"])
def test_a_file_that_is_no_checkpoint(name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    assert check_nothing_is_loaded(path) == f"cannot read checkpoint '{path}': {NOT_A_CHECKPOINT}"


@pytest.mark.parametrize(
    ("kind", "reason"), [("V1", NOT_A_CHECKPOINT), ("keras", CUT_SHORT), ("h5", CUT_SHORT)]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_file_cut_short(kind, reason, share, tmp_path, written):
    path = copied(written[kind], tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert check_nothing_is_loaded(path) == f"cannot read checkpoint '{path}': {reason}"


@pytest.mark.parametrize(("kind", "reason"), [("V1", DAMAGED), ("keras", CUT_SHORT)])
def test_a_flipped_bit_is_found(kind, reason, tmp_path, written):
    path = copied(written[kind], tmp_path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    assert check_nothing_is_loaded(path) == f"cannot read checkpoint '{path}': {reason}"


def test_the_files_of_a_v2_checkpoint_damaged(tmp_path, written):
    path = copied(written["V2"], tmp_path)
    data, index = tmp_path / "v2.ckpt.data-00000-of-00001", tmp_path / "v2.ckpt.index"
    whole_data, whole_index = data.read_bytes(), index.read_bytes()
    data.write_bytes(whole_data[: len(whole_data) // 2])
    assert check_nothing_is_loaded(path) == f"cannot read checkpoint '{path}': {CUT_SHORT}"
    data.write_bytes(bytes([whole_data[0] ^ 1]) + whole_data[1:])
    assert check_nothing_is_loaded(path) == f"cannot read checkpoint '{path}': {DAMAGED}"
    data.unlink()
    assert check_nothing_is_loaded(path).startswith(
        f"cannot read checkpoint '{path}': {data}; No such file"
    )
    data.write_bytes(whole_data)
    index.write_bytes(whole_index[: len(whole_index) // 2])
    assert check_nothing_is_loaded(path) == f"cannot read checkpoint '{path}': {NOT_A_CHECKPOINT}"
    index.write_bytes(whole_index)
    checkpoints.load_weights(vggish(), path)


# Writing


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_tf1_session_reads_what_is_saved(version, tmp_path, source):
    """Oracle: TF1's Saver, which restores by name and refuses missing variables."""
    path = checkpoints.save_tf1_checkpoint(source, tmp_path / "model.ckpt", version=version)
    values = by_name(source)
    assert sorted(tf.train.list_variables(str(path))) == sorted(
        (name, list(values[name].shape)) for name in VARIABLES
    )
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = {
            name: tf1.get_variable(name, shape=value.shape) for name, value in values.items()
        }
        tf1.train.Saver(variables).restore(session, str(path))
        for name, value in session.run(variables).items():
            assert np.array_equal(value, values[name]), name
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == (
        ["model.ckpt"]
        if version == "V1"
        else ["model.ckpt.data-00000-of-00001", "model.ckpt.index"]
    )


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_saving_replaces_what_was_there(version, tmp_path):
    path = tmp_path / "model.ckpt"
    for seed in (1, 2):
        checkpoints.save_tf1_checkpoint(randomize(vggish(), seed), path, version=version)
    expected = by_name(randomize(vggish(), 2))
    assert all(
        np.array_equal(value, expected[name]) for name, value in checkpoints.read(path).items()
    )


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_save_that_fails_leaves_what_was_there(version, tmp_path, source, monkeypatch):
    path = checkpoints.save_tf1_checkpoint(source, tmp_path / "model.ckpt", version=version)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    full = lambda *names: (_ for _ in ()).throw(OSError(28, "disk full"))  # noqa: E731
    monkeypatch.setattr("vggish_tf.weights.writers.os.replace", full)
    with pytest.raises(OSError, match="disk full") as caught:
        checkpoints.save_tf1_checkpoint(randomize(vggish(), 5), path, version=version)
    assert caught.value.filename == str(path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_checkpoint_that_cannot_be_written_is_one_line(tmp_path, source):
    with pytest.raises(UsageError, match=r"^version must be 'V1' or 'V2'; received 'V3'\.$"):
        checkpoints.save_tf1_checkpoint(source, tmp_path / "model.ckpt", version="V3")
    for version in ("V1", "V2"):
        with pytest.raises(
            VGGishError, match=r"the folder .*absent does not exist\. Create it first\."
        ):
            checkpoints.save_tf1_checkpoint(
                source, tmp_path / "absent" / "model.ckpt", version=version
            )
    path = checkpoints.save_tf1_checkpoint(source, tmp_path / "model.ckpt", version="V2")
    assert message_of(checkpoints.save_tf1_checkpoint, source, path, version="V1") == (
        f"cannot write {path}: TensorFlow would read {path}.index instead. Delete that first."
    )
