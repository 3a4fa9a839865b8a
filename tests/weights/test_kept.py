"""Copies of weights in the cache: the same values, of the right source, come what may."""

import os
import shutil

import numpy as np
import pytest
from cases import first
from refusals import message_of
from small_network import arrays, by_name, randomize, vggish, write_with_tf1

from vggish_tf import checkpoints
from vggish_tf.weights import kept, registry, writers

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """The folder of the copies, in a cache of its own."""
    monkeypatch.setenv("VGGISH_TF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / kept.FOLDER


@pytest.fixture
def path(source, tmp_path):
    return write_with_tf1(tmp_path / "model.ckpt", {**by_name(source), "step": np.int64(3)})


@pytest.fixture
def reads(monkeypatch):
    """The files that were opened by a reader."""
    opened, files = kept.readers.opened, []

    def watched(path, *args):
        files.append(path)
        return opened(path, *args)

    monkeypatch.setattr(kept.readers, "opened", watched)
    return files


def loaded(path) -> list[np.ndarray]:
    model = vggish()
    checkpoints.load_weights(model, path)
    return arrays(model)


def same(found, model) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(found, arrays(model), strict=True))


def test_the_second_load_reads_the_copy_alone(path, source, folder, reads):
    first = vggish()
    checkpoints.load_weights(first, path)
    assert [copy.name for copy in folder.iterdir()] == [f"{registry.sha256_of(path)}.safetensors"]
    assert path in reads
    reads.clear()
    second = vggish()
    checkpoints.load_weights(second, path)
    assert set(reads) == set(folder.iterdir())
    assert first.identity == second.identity  # of the source, not of the copy
    assert first.identity.path == str(path)
    assert same(arrays(second), source)


def test_what_else_the_source_holds_is_said_again(path, caplog):
    for _ in range(2):
        caplog.clear()
        with caplog.at_level("INFO", "vggish_tf"):
            loaded(path)
        assert "holds 1 variables besides VGGish's, which are not loaded: 'step'" in caplog.text


@pytest.mark.parametrize("place", first(2, [40, -1, 0, 4, 2000]))
def test_a_damaged_copy_is_made_anew(place, path, source, folder):
    loaded(path)
    (copy,) = folder.iterdir()
    whole = copy.read_bytes()
    for damaged in (flipped(whole, place), whole[: len(whole) // 2], b""):
        copy.write_bytes(damaged)
        assert same(loaded(path), source)
        assert copy.read_bytes() == whole


def flipped(content: bytes, place: int) -> bytes:
    damaged = bytearray(content)
    damaged[place] ^= 1
    return bytes(damaged)


def test_a_changed_source_has_a_copy_of_its_own(path, folder):
    other = randomize(vggish(), seed=8)
    before = loaded(path)
    write_with_tf1(path, by_name(other))
    assert same(loaded(path), other)
    assert len(list(folder.iterdir())) == 2
    assert not same(before, other)


def test_a_copy_under_another_name_is_not_used(path, source, folder, tmp_path):
    other = randomize(vggish(), seed=8)
    loaded(write_with_tf1(tmp_path / "other.ckpt", by_name(other)))
    (copy,) = folder.iterdir()
    copy.rename(copy.with_name(f"{registry.sha256_of(path)}.safetensors"))
    assert same(loaded(path), source)


def test_a_copy_of_another_version_is_made_anew(path, source, folder, monkeypatch, reads):
    loaded(path)
    monkeypatch.setattr(kept, "VERSION", "vggish_tf 2")
    reads.clear()
    assert same(loaded(path), source)
    assert path in reads


def test_a_cache_that_cannot_be_written_to_is_no_error(path, source, folder):
    folder.parent.write_text("a file where a folder should be")
    assert same(loaded(path), source)


def test_a_full_disk_is_no_error_and_leaves_nothing(path, source, folder, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_tensors", full)
    assert same(loaded(path), source)
    assert list(folder.iterdir()) == []


def test_wrong_weights_are_not_kept(path, source, folder):
    values = {**by_name(source), "vggish/fc2/biases": np.full(128, np.nan, np.float32)}
    wrong = write_with_tf1(path.with_name("nan.ckpt"), values)
    message_of(checkpoints.load_weights, vggish(), wrong)
    assert list(folder.iterdir()) == []


def test_only_the_last_used_copies_are_kept(source, folder, tmp_path):
    paths = [
        write_with_tf1(tmp_path / f"{n}.ckpt", {**by_name(source), "n": np.int64(n)})
        for n in range(kept.MOST + 2)
    ]
    for n, path in enumerate(paths):
        loaded(path)
        for copy in folder.iterdir():  # a second ago
            os.utime(copy, (copy.stat().st_mtime - 1,) * 2)
        loaded(paths[0])  # used again and again
        assert len(list(folder.iterdir())) == min(n + 1, kept.MOST)
    names = {copy.stem for copy in folder.iterdir()}
    assert names == {registry.sha256_of(path) for path in (paths[0], *paths[-kept.MOST + 1 :])}


def test_a_file_of_safetensors_has_no_copy(source, folder, tmp_path):
    path = writers.write_safetensors(tmp_path / "model.safetensors", by_name(source), {})
    assert same(loaded(path), source)
    assert not folder.exists()


def test_a_source_that_is_gone_is_an_error_though_there_is_a_copy(path):
    loaded(path)
    shutil.move(path, path.with_name("elsewhere.ckpt"))
    assert "there is no checkpoint at" in message_of(checkpoints.load_weights, vggish(), path)


def test_many_extras_are_kept_too(source, tmp_path, folder):
    more = {f"optimizer/a_rather_long_name/{n}": np.float32(n) for n in range(2000)}
    path = writers.write_v1(tmp_path / "large.ckpt", {**by_name(source), **more})
    for _ in range(2):
        with kept.opened(path, 10**9, lambda source: None) as (opened, _survey):
            assert len(opened.extras) == 2000
    assert len(list(folder.iterdir())) == 1


def test_a_copy_that_goes_while_it_is_read_is_read_all_the_same(path, source, folder):
    loaded(path)
    with kept.opened(path, 10**9, lambda source: None) as (opened, _survey):
        for copy in folder.iterdir():
            copy.unlink()
        path.unlink()
        for name, value in by_name(source).items():
            np.testing.assert_array_equal(opened.get(name), value)


def test_the_copy_of_a_torch_file_needs_no_torch(source, tmp_path, monkeypatch):
    import sys

    import other_programs

    path = other_programs.torchaudio(tmp_path / "t.pt", by_name(source))
    loaded(path)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert same(loaded(path), source)


@pytest.mark.parametrize("kind", ["V1", "V2", "keras", "h5"])
def test_a_source_that_goes_while_it_is_loaded_is_loaded_whole(
    kind, source, written, tmp_path, monkeypatch
):
    """Without a copy."""
    for part in written[kind].parent.glob(f"{written[kind].name}*"):
        shutil.copy(part, tmp_path / part.name)
    path = tmp_path / written[kind].name
    monkeypatch.setenv("VGGISH_TF_CACHE", "/dev/null")
    with kept.opened(path, 10**9, lambda source: None) as (opened, _survey):
        for part in tmp_path.glob(f"{path.name}*"):
            part.unlink()
        for name, value in by_name(source).items():
            np.testing.assert_array_equal(opened.get(name), value)
