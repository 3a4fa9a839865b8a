"""Files of weights from any format to any that can be written: equal to the last bit."""

import os
import re
import sys
from contextlib import contextmanager

import keras
import numpy as np
import other_programs
import pytest
import tensorflow as tf
from refusals import message_of
from small_network import arrays, by_name, randomize, vggish, write, write_with_tf1

from vggish_tf import cli
from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.convert_weights import convert_weights
from vggish_tf.weights import loading, readers, registry, writers

pytestmark = pytest.mark.usefixtures("small_networks", "copies_of_each_test")

NAMES = {
    "safetensors": "out.safetensors",
    "v1": "out.ckpt",
    "v2": "out",
    "keras": "out.keras",
    "h5": "out.weights.h5",
    "torch": "out.pth",
}


@pytest.fixture(scope="module")
def source():
    return randomize(vggish())


@pytest.fixture(scope="module")
def path(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    return write_with_tf1(folder / "source.ckpt", {**by_name(source), "step": np.int64(3)})


@pytest.mark.parametrize("format", NAMES)
def test_to_each_format_and_back(format, path, source, tmp_path):
    if format == "torch":
        pytest.importorskip("torch")
    output = tmp_path / NAMES[format]
    identity = convert_weights(path, output, format="v2" if format == "v2" else None)
    assert identity.path == str(path)
    model = vggish()
    found = loading.load_weights(model, output)
    assert found.values_sha256 == identity.values_sha256
    assert all(np.array_equal(a, b) for a, b in zip(arrays(model), arrays(source), strict=True))
    again = convert_weights(output, tmp_path / "again.ckpt")
    assert again.values_sha256 == identity.values_sha256


def test_every_format_that_can_be_written_is_tried():
    assert set(NAMES) == set(writers.FORMATS)


@pytest.mark.parametrize("name", other_programs.SOME)
def test_from_each_program(name, source, tmp_path):
    other = other_programs.WRITERS[name](tmp_path / name, by_name(source))
    convert_weights(other, tmp_path / "out.safetensors")
    with readers.opened(tmp_path / "out.safetensors") as opened:
        values = by_name(source)
        assert list(opened.shapes) == list(values)
        assert all(np.array_equal(opened.get(name), value) for name, value in values.items())


def test_torch_reads_what_is_written_for_torchvggish(path, source, tmp_path):
    """Oracle: torch.load, and the axes as the helper has them."""
    torch = pytest.importorskip("torch")
    convert_weights(path, tmp_path / "out.pth")
    found = torch.load(tmp_path / "out.pth", weights_only=True)
    expected = other_programs.state_dict(by_name(source))
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_keras_reads_what_is_written_for_it(path, source, tmp_path):
    convert_weights(path, tmp_path / "out.keras")
    model = keras.saving.load_model(tmp_path / "out.keras")
    assert all(np.array_equal(a, b) for a, b in zip(arrays(model), arrays(source), strict=True))


def test_safetensors_carry_the_identity(path, tmp_path):
    from safetensors import safe_open

    identity = convert_weights(path, tmp_path / "out.safetensors")
    with safe_open(tmp_path / "out.safetensors", framework="numpy") as file:
        metadata = file.metadata()
    assert metadata["values_sha256"] == identity.values_sha256
    assert (metadata["sha256"], metadata["md5"]) == (identity.sha256, identity.md5)
    assert (metadata["published"], metadata["untrained"]) == ("False", "False")


def test_a_moving_average_is_taken_when_it_is_asked_for_by_name(source, tmp_path):
    """Oracle: tf.train.ExponentialMovingAverage and its Saver."""
    tf1 = tf.compat.v1
    values = by_name(source)
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = [tf1.get_variable(name, initializer=value) for name, value in values.items()]
        average = tf1.train.ExponentialMovingAverage(0.5)
        update = average.apply(variables)
        session.run(tf1.global_variables_initializer())
        session.run([variable.assign(variable * 3) for variable in variables])
        session.run(update)
        tf1.train.Saver().save(session, str(tmp_path / "averaged.ckpt"))
    path = tmp_path / "averaged.ckpt"
    for asked, factor in (("", 3), ("ExponentialMovingAverage", 2)):
        model = vggish()
        loading.load_weights(model, path, average=asked)
        for name, value in by_name(model).items():
            np.testing.assert_allclose(value, factor * values[name], rtol=1e-6)  # two roundings
    output = tmp_path / "averages.safetensors"
    command = ["convert-weights", str(path), str(output), "--average", "ExponentialMovingAverage"]
    assert cli.main(command) == 0
    found = readers.read(output)
    assert all(np.array_equal(found[name], value) for name, value in by_name(model).items())
    message = message_of(loading.load_weights, vggish(), path, average="EMA")
    assert "it holds no moving average 'EMA': no variable's name ends in /EMA." in message
    message = message_of(loading.load_weights, vggish(), output, average="EMA")
    assert "its format has no moving averages." in message


# Mistakes


def test_mistakes_are_told_before_anything_is_read(path, tmp_path, monkeypatch):
    def ask(source, output, **options):
        with pytest.raises(VGGishError) as raised:
            convert_weights(source, output, **options)
        return str(raised.value)

    monkeypatch.setattr(loading, "load_weights", None)
    assert "no format of weights has the suffix of" in ask(path, tmp_path / "out.txt")
    assert "its name must end in .safetensors" in ask(path, tmp_path / "o.h5", format="safetensors")
    assert re.match("format must be 'safetensors', ", ask(path, tmp_path / "o.ckpt", format="V3"))
    assert "does not exist. Create it first." in ask(path, tmp_path / "no" / "out.ckpt")
    (tmp_path / "there.ckpt").touch()
    assert "already exists" in ask(path, tmp_path / "there.ckpt")
    (tmp_path / "v2.index").touch()
    assert "already exists" in ask(path, tmp_path / "v2", format="v2")
    assert "is the file to convert" in ask(path, path, overwrite=True)
    (tmp_path / "v2.ckpt.index").touch()
    assert "TensorFlow would read" in ask(path, tmp_path / "v2.ckpt")
    (tmp_path / "u.data-00000-of-00001").mkdir()
    assert "u.data-00000-of-00001" in ask(path, tmp_path / "u", format="v2")
    (tmp_path / "u.data-00000-of-00001").rmdir()
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(writers, "find_spec", lambda name: None)
    assert "PyTorch is not installed." in ask(path, tmp_path / "out.pth")
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "there.ckpt",
        "v2.ckpt.index",
        "v2.index",
    ]
    with pytest.raises(UsageError):
        convert_weights(path, tmp_path / "out.txt")


def test_a_bad_source_leaves_nothing(source, tmp_path):
    values = by_name(source)
    del values["vggish/fc2/biases"]
    path = write_with_tf1(tmp_path / "bad.ckpt", values)
    assert "missing 'vggish/fc2/biases'" in message_of(
        convert_weights, path, tmp_path / "out.safetensors"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["bad.ckpt"]


def test_the_command_replaces_only_when_told(source, tmp_path, capsys):
    path = write("h5", tmp_path, source)
    command = ["convert-weights", str(path), str(tmp_path / "out.safetensors")]
    assert cli.main(command) == 0
    assert re.fullmatch(
        rf"{tmp_path}/out\.safetensors: model\.weights\.h5, values SHA-256 \w+: not the .*\n",
        capsys.readouterr().out,
    )
    assert cli.main(command) == 5
    assert "already exists. Choose another name, or pass overwrite=True" in capsys.readouterr().err
    assert cli.main([*command, "--overwrite"]) == 0


@contextmanager
def no_room():
    """The operating system writes no file past 4 kB, which is an error as that of a full disk."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("format", NAMES)
def test_an_error_of_the_system_is_told_with_the_name_of_the_output(format, path, tmp_path, capsys):
    """And with exit status 6, as docs/commands.md has it."""
    if format == "torch":
        pytest.importorskip("torch")
    output = tmp_path / NAMES[format]
    with no_room():
        status = cli.main(["convert-weights", str(path), str(output), "--format", format])
    assert capsys.readouterr().err.splitlines()[-1] == f"vggish-tf: {output}: File too large."
    assert status == 6
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", NAMES)
def test_a_name_that_is_no_utf_8(format, path, tmp_path):
    if format == "torch":
        pytest.importorskip("torch")
    output = tmp_path / os.fsdecode(b"caf\xe9 " + NAMES[format].encode())
    identity = convert_weights(path, output, format=format)
    found = convert_weights(output, tmp_path / "again.ckpt")
    assert found.values_sha256 == identity.values_sha256


def test_the_published_name_is_a_source(path, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "resolve", lambda weights, **_: path)
    assert convert_weights("audioset", tmp_path / "out.safetensors").asked == "audioset"
