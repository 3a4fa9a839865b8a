"""Exports that are refused, or that warn; and the command line. The network is small."""

import json
import os
import resource
import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf
from cases import first
from signals import uniform_noise

from vggish_tf import VGGish, cli, load_model
from vggish_tf.errors import CheckpointError, VGGishError
from vggish_tf.jobs.export import catalogue, check, export
from vggish_tf.jobs.export.writers import weights

pytestmark = pytest.mark.usefixtures("small_networks")
NAMES = {"onnx": "vggish.onnx", "tflite": "vggish.tflite", "openvino": "vggish.xml"}


def test_untrained_weights_are_called_so(tmp_path, capsys):
    path = export(VGGish(None), tmp_path / "vggish.weights.h5", format="weights")
    assert "UNTRAINED" in capsys.readouterr().out
    assert (
        json.loads(path.with_name(path.name + ".json").read_text())["weights"]["untrained"] is True
    )


@pytest.mark.thorough
def test_an_export_that_differs_leaves_no_file(small, tmp_path, monkeypatch):
    """A bias that moves by a thousandth of the embedding, between the model and its file."""
    path = export(small, tmp_path / "vggish.weights.h5", format="weights")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    write = weights.write

    def write_something_else(pipeline, path, precision):
        bias = pipeline.network.get_layer("embedding").bias
        bias.assign_add([0.01] + [0.0] * 127)
        write(pipeline, path, precision)
        bias.assign_sub([0.01] + [0.0] * 127)

    monkeypatch.setattr(weights, "write", write_something_else)
    for target in (path, tmp_path / "new.weights.h5"):
        with pytest.raises(
            VGGishError, match=r"does not agree with the live model: largest difference 0\.01"
        ):
            export(small, target, format="weights", overwrite=True)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_nan_is_a_difference():
    assert not check.Comparison(float("nan"), 1.0).passed
    assert check.Comparison(1.0, 1.0).passed


def message_of(*arguments, **options) -> str:
    with pytest.raises(VGGishError) as error:
        export(*arguments, **options)
    return str(error.value)


def test_what_cannot_be_is_said_before_any_work(tmp_path, monkeypatch):
    """The model is none at all: nobody has looked at it."""
    model = object()
    assert "format must be 'saved_model', 'frozen_graph', 'onnx'" in message_of(
        model, tmp_path / "m", format="coreml"
    )
    path = tmp_path / "m.keras"
    assert message_of(model, path, format="keras", precision="int8") == (
        "precision must be 'float32'; received 'int8'. The format 'keras' has no other."
    )
    assert "must end in .keras" in message_of(model, tmp_path / "m.h5", format="keras")
    assert "input_rate=44100 does not apply to it" in message_of(
        model, tmp_path / "m.pb", format="frozen_graph", input_rate=44_100
    )
    fixed = {"path": tmp_path / "m.onnx", "format": "onnx", "fixed_shape": 0.975}
    assert "takes any batch and length: fixed_shape=0.975 does not apply to it" in message_of(
        model, **fixed
    )
    assert "does not exist" in message_of(model, tmp_path / "no" / "m.keras", format="keras")
    path.write_text("mine")
    assert f"{path} already exists" in message_of(model, path, format="keras")
    (tmp_path / "folder").mkdir()
    assert "is a folder" in message_of(
        model, tmp_path / "folder", format="saved_model", overwrite=True
    )
    (tmp_path / "other.keras.json").touch()
    assert "other.keras.json already exists" in message_of(
        model, tmp_path / "other.keras", format="keras"
    )
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "not writable" in message_of(model, path, format="keras", overwrite=True)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("format", ["onnx", "tflite", "openvino"])
def test_a_missing_extra_is_named(format, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "find_spec", lambda module: None)
    assert f"in a clone of the repository: pip install '.[{format}]'" in message_of(
        object(), tmp_path / NAMES[format], format=format
    )


def test_a_model_with_a_head_is_refused(small, tmp_path):
    head = keras.Model(small.input, keras.layers.Dense(3, name="head")(small.output))
    with pytest.raises(CheckpointError, match="head"):
        export(head, tmp_path / "m.keras", format="keras")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(find_spec("ai_edge_quantizer") is None, reason="pip install '.[tflite]'")
def test_lengths_that_hold_no_example_are_refused(small, tmp_path):
    options = {"path": tmp_path / "m.tflite", "format": "tflite"}
    assert "0.97 seconds hold no example, which takes 0.975" in message_of(
        small, fixed_shape=0.97, **options
    )
    for seconds in (0.0, -1.0, float("nan"), 1e9):
        assert "fixed_shape must be positive and at most 3600 seconds" in message_of(
            small, fixed_shape=seconds, **options
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("format", "name"),
    first(2, [("keras", "m.keras"), ("tf1_checkpoint", "m"), ("saved_model", "m")]),
)
def test_a_full_disk_leaves_nothing(format, name, small, tmp_path):
    """A limit on the size of files makes every write fail where a full disk would."""
    (tmp_path / "out").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            export(small, tmp_path / "out" / name, format=format, pca=None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(tmp_path / "out" / name)
    assert not list((tmp_path / "out").iterdir())


def test_a_disk_too_small_is_refused_beforehand(small, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    assert "it needs 0 MB, and 0 MB are free" in message_of(
        small, tmp_path / "m.keras", format="keras"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_saved_model_replaces_another_if_told(small, tmp_path):
    path = export(small, tmp_path / "vggish", pca=None)
    assert "already exists" in message_of(small, path, pca=None)
    (path / "old").touch()
    export(small, path, pca=None, overwrite=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["vggish", "vggish.json"]
    assert not (path / "old").exists()
    assert "quantized" not in tf.saved_model.load(path).signatures  # there are no PCA parameters


def test_the_command_line(small, tmp_path, capsys):
    model = tmp_path / "model.keras"
    small.save(model)
    command = [
        "export",
        "--model",
        str(model),
        "--format",
        "keras",
        "--input-rate",
        "48000",
        "--pad",
        "always",
    ]
    assert cli.main([*command, "-o", str(tmp_path / "out.keras")]) == 0
    assert load_model(tmp_path / "out.keras")(uniform_noise(1, 48_000)).shape == (1, 2, 128)
    assert json.loads((tmp_path / "out.keras.json").read_text())["pad"] == "always"
    capsys.readouterr()
    assert cli.main([*command, "-o", str(tmp_path / "out.keras")]) == 5
    assert (
        cli.main(
            [
                "export",
                "--model",
                str(tmp_path / "no.keras"),
                "--format",
                "keras",
                "-o",
                str(tmp_path / "a.keras"),
            ]
        )
        == 4
    )
    captured = capsys.readouterr()
    assert [line.split(":")[0] for line in captured.err.splitlines()] == ["vggish-tf", "vggish-tf"]


def test_the_command_line_refuses_without_tensorflow(tmp_path):
    """In well under the three seconds that importing it takes."""
    loaded = "{'tensorflow', 'keras'} & set(sys.modules)"
    code = f"import sys; from vggish_tf.cli import main; print(main(sys.argv[1:]), {loaded})"
    command = [sys.executable, "-c", code, "export", "--format", "nope", "-o", str(tmp_path / "x")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2 set()"
    assert len(done.stderr.splitlines()) == 1
