"""Files of weights made to hang a reader, to fill its memory, or to make it read another file."""

import contextlib
import os
import signal
import struct
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from refusals import message_of
from small_network import arrays, check_nothing_is_loaded, vggish

from vggish_tf import CheckpointError, checkpoints, cli
from vggish_tf.weights import digests, registry

MIB = 1 << 20
LARGE = 0x0FEDCBA9  # bytes; as four of them, not to be met elsewhere in a small file


@contextlib.contextmanager
def within(seconds: int):
    """Fails if the block takes longer, even if it hangs in a system call."""

    def stop(*_):
        raise TimeoutError(f"still at it after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# Not a file


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "weights.ckpt"
    os.mkfifo(path)
    return path


def test_a_pipe_or_a_device_is_not_opened(fifo, tmp_path, capsys):
    link = tmp_path / "link.ckpt"
    link.symlink_to("/dev/zero")
    with within(30):
        for path in map(Path, (fifo, link, "/dev/zero")):
            assert check_nothing_is_loaded(path) == (
                f"{path} is a pipe or a device. Give the path of a checkpoint."
            )
            message_of(registry.resolve, path, kind="pca")
            with pytest.raises(OSError, match="not a regular file"):
                digests.md5([path])
        assert cli.main(["verify", str(fifo)]) == 4
    assert "is a pipe or a device" in capsys.readouterr().err


def test_a_pipe_among_the_files_of_a_v2_checkpoint(fifo, tmp_path):
    fifo.rename(tmp_path / "v2.ckpt.data-00000-of-00001")
    (tmp_path / "v2.ckpt.index").touch()
    with within(30):
        message = check_nothing_is_loaded(tmp_path / "v2.ckpt")
    assert message.startswith(f"{tmp_path}/v2.ckpt.data-00000-of-00001 is a pipe or a device")


def test_a_pipe_in_the_cache():
    path = registry.cache_folder() / "vggish_model.ckpt"
    os.mkfifo(path)
    with within(30):
        assert message_of(registry.fetch) == f"cannot read {path}: not a regular file."


# Zip files that unpack to more than a model takes


def pack(path, method=zipfile.ZIP_DEFLATED):
    """A small .keras file whose weights unpack to 267 million zeros."""
    with (
        zipfile.ZipFile(path, "w", method) as archive,
        archive.open("model.weights.h5", "w") as member,
    ):
        for start in range(0, LARGE, MIB):
            member.write(bytes(min(MIB, LARGE - start)))
    return path


def hide_size(path):
    """Makes the zip's own headers say 1 KiB; the packed data are longer."""
    content = path.read_bytes()
    assert content.count(struct.pack("<I", LARGE)) == 2
    path.write_bytes(content.replace(struct.pack("<I", LARGE), struct.pack("<I", 1024)))


def peak_of(function, *args) -> int:
    """The most memory that a call takes, in bytes."""
    tracemalloc.start()
    try:
        function(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_bomb_is_not_unpacked(tmp_path):
    path = pack(tmp_path / "model.keras")
    assert path.stat().st_size < MIB
    messages = []
    assert peak_of(lambda: messages.append(check_nothing_is_loaded(path))) < 16 * MIB
    assert "': model.weights.h5 in it unpacks to 267,242,409 bytes; at most 16," in messages[0]


def test_a_bomb_that_hides_its_size_is_not_unpacked(tmp_path):
    path = pack(tmp_path / "model.keras")
    hide_size(path)
    messages = []
    assert peak_of(lambda: messages.append(check_nothing_is_loaded(path))) < 16 * MIB
    assert messages == [f"cannot read checkpoint '{path}': it is damaged or cut short."]


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_BZIP2, pytest.param(zipfile.ZIP_LZMA, marks=pytest.mark.slow)]
)
def test_a_bomb_of_another_method_is_not_unpacked(method, tmp_path):
    """Python's decompressors of these take no limit, so a lie about the size is all it takes."""
    path = pack(tmp_path / "model.keras", method)
    hide_size(path)
    messages = []
    assert peak_of(lambda: messages.append(check_nothing_is_loaded(path))) < 16 * MIB
    assert "in it is packed by a method that is neither deflate nor none." in messages[0]


def test_a_compressed_keras_file_of_honest_size_loads(tmp_path, source, written):
    with zipfile.ZipFile(written["keras"]) as plain:
        weights = plain.read("model.weights.h5")
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", weights)
    model = vggish()
    checkpoints.load_weights(model, tmp_path / "model.keras")
    assert np.array_equal(model.get_layer("conv2").kernel, source.get_layer("conv2").kernel)


# HDF5 datasets that are not what they seem

NOT_PLAIN = "'conv2/kernel' is not stored plainly in the file"


@pytest.fixture
def h5(tmp_path, written):
    """A copy of a .weights.h5 file, and the path of conv2's kernel in it."""
    path = tmp_path / "model.weights.h5"
    path.write_bytes(written["h5"].read_bytes())
    return path, "layers/conv2d_1/vars/0"


def replace(path, name, **options):
    """Makes a dataset anew, of the same shape."""
    with h5py.File(path, "a") as file:
        shape = file[name].shape
        del file[name]
        file.create_dataset(name, shape, "float32", **options)


def test_a_dataset_in_another_file_is_not_followed(h5, tmp_path):
    path, name = h5
    outside = tmp_path / "outside"
    outside.write_bytes(bytes(MIB))
    for source in (str(outside), "/dev/zero"):
        replace(path, name, external=[(source, 0, h5py.h5f.UNLIMITED)])
        assert NOT_PLAIN in check_nothing_is_loaded(path)


def test_a_virtual_dataset_is_not_followed(h5, written):
    path, name = h5
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout(file[name].shape, "float32")
        layout[...] = h5py.VirtualSource(written["h5"], name, file[name].shape)
        del file[name]
        file.create_virtual_dataset(name, layout)
        assert np.any(file[name][()])  # HDF5 itself would follow it
    assert NOT_PLAIN in check_nothing_is_loaded(path)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_link_into_another_file_is_not_followed(depth, h5, written):
    path, name = h5
    group = "/".join(name.split("/")[:depth])
    with h5py.File(path, "a") as file:
        del file[group]
        file[group] = h5py.ExternalLink(str(written["h5"]), group)
        assert file[group]  # HDF5 itself would follow it
    assert "missing 'vggish/" in check_nothing_is_loaded(path)


def test_a_dataset_in_another_file_is_not_followed_inside_a_keras_file(h5, tmp_path):
    path, name = h5
    replace(path, name, external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)])
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.write(path, "model.weights.h5")
    assert NOT_PLAIN in check_nothing_is_loaded(tmp_path / "model.keras")


def test_a_compressed_dataset_is_not_unpacked(h5):
    """The unpacked size of a compressed chunk is known only afterwards, whatever its shape."""
    path, name = h5
    replace(path, name, compression="gzip")
    assert NOT_PLAIN in check_nothing_is_loaded(path)


def test_a_number_that_is_an_array_is_not_read(h5):
    """Of the right shape, but each of its numbers is a megabyte."""
    path, name = h5
    with h5py.File(path, "a") as file:
        shape = file[name].shape
        del file[name]
        kind = h5py.h5t.py_create(np.dtype(("<f4", (MIB,))))
        h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple(shape))
    messages = []
    assert peak_of(lambda: messages.append(check_nothing_is_loaded(path))) < 16 * MIB
    assert "'vggish/conv2/weights' in the checkpoint is void" in messages[0]


def test_shapes_are_checked_before_a_value_is_read(h5):
    """A dataset that was never written takes no room in the file, and terabytes in memory."""
    path, name = h5
    with h5py.File(path, "a") as file:
        del file[name]
        file.create_dataset(name, (10**6, 10**6), "float32")
    message = check_nothing_is_loaded(path)
    assert "wrong shape: 'vggish/conv2/weights' is (1000000, 1000000)" in message
    assert message_of(checkpoints.read, path).startswith(f"cannot read checkpoint '{path}': ")


@pytest.mark.parametrize("seed", range(15))
def test_damage_inside_a_compressed_keras_file_is_a_checkpoint_error(
    seed, tmp_path, source, written
):
    """zlib has errors of its own, which are no ValueErrors. All is loaded, or nothing."""
    with zipfile.ZipFile(written["keras"]) as plain:
        weights = plain.read("model.weights.h5")
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", weights)
    content = bytearray(path.read_bytes())
    generator = np.random.default_rng(seed)
    content[generator.integers(4, len(content))] ^= 1 << generator.integers(8)
    path.write_bytes(content)
    model = vggish()
    expected = arrays(model)
    with contextlib.suppress(CheckpointError):  # and nothing else; a date may be wrong
        checkpoints.load_weights(model, path)
        expected = arrays(source)
    assert all(np.array_equal(a, b) for a, b in zip(expected, arrays(model), strict=True))
