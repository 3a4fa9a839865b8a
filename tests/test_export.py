"""Every format but the SavedModel, each in its own runtime; and what must not be exported.

The network is VGGish's with a few filters a layer, so that a format takes a second; the tests marked slow export the
whole one. Oracle: the reference front end (NumPy, float64), and the same Keras layers behind it; for whole networks the
tf-slim graph.
"""

import json
import os
import resource
import subprocess
import sys
from functools import cache
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from vggish_tf import Resample, VGGish, backbone, cli, load_model
from vggish_tf.errors import CheckpointError, VGGishError
from vggish_tf.jobs.export import check, export, formats, weights
from vggish_tf.reference import vggish_input

NAMES = {"onnx": "vggish.onnx", "tflite": "vggish.tflite", "openvino": "vggish.xml", "keras": "vggish.keras"}
EXTRA = {"onnx": "onnxruntime", "tflite": "ai_edge_quantizer", "openvino": "openvino", "keras": "keras"}
# Against the float64 log-mel, on noise: ten float32 layers, and the front end in float32. The largest seen is 1e-5.
ATOL = 5e-5


def noise(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def few_filters():
    """VGGish with a 32nd of its filters, for this module."""
    with pytest.MonkeyPatch.context() as patch:
        table = tuple((name, width and width // 32) for name, width in backbone.CONVOLUTIONS)
        patch.setattr(backbone, "CONVOLUTIONS", table)
        patch.setattr(backbone, "DENSE", (("fc1_1", 48), ("fc1_2", 48), ("embedding", 128)))
        yield


@pytest.fixture(scope="module")
def small(few_filters):
    """A waveform model with weights that are not the initializer's. Do not change them."""
    model = VGGish(None)
    generator = np.random.default_rng(0)
    for variable in model.weights:
        fan_in = np.prod(variable.shape[:-1])
        variable.assign(generator.standard_normal(variable.shape) * np.sqrt(2 / fan_in))
    return model


@pytest.fixture(scope="module")
def files(small, tmp_path_factory):
    """format → its file; each is exported once."""
    folder = tmp_path_factory.mktemp("files")
    return cache(lambda format: exported(small, folder, format))


@pytest.fixture(scope="module")
def oracle(small):
    """(num_samples,) → (examples, 128)"""
    names = [layer.name for layer in small.layers]
    network = keras.Model(small.layers[names.index("examples")].output, small.output)

    def run(waveform):
        examples = vggish_input.waveform_to_examples(waveform.astype(np.float64), 16_000)
        return np.asarray(network(examples[np.newaxis].astype(np.float32)))[0]

    return run


def exported(model, folder, format, **options):
    pytest.importorskip(EXTRA[format], reason=f"pip install 'vggish-tf[{format}]'")
    return export(model, folder / NAMES[format], format=format, **options)


def run_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    return lambda waveform: session.run(["embedding"], {"waveform": waveform})[0]


def run_tflite(path):
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path)).get_signature_runner()
    return lambda waveform: runner(waveform=waveform)["embedding"]


def run_openvino(path):
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda waveform: compiled({"waveform": waveform})["embedding"]


def run_keras(path):
    model = load_model(path)
    return lambda waveform: np.asarray(model(waveform))


RUNTIMES = {"onnx": run_onnx, "tflite": run_tflite, "openvino": run_openvino, "keras": run_keras}


@pytest.mark.parametrize("format", RUNTIMES)
def test_a_waveform_goes_in_and_embeddings_come_out(format, small, oracle, files, capsys):
    """By name, for a batch, and for more than one length."""
    path = files(format)
    run = RUNTIMES[format](path)
    for shape in ((1, 15_600), (3, 40_000)):
        waveforms = noise(*shape)
        embedding = run(waveforms)
        for waveform, rows in zip(waveforms, embedding, strict=True):
            np.testing.assert_allclose(rows, oracle(waveform), atol=ATOL)
    manifest = json.loads(path.with_name(f"{NAMES[format]}.json").read_text())
    assert manifest["format"] == format
    assert 0 <= manifest["check"]["largest_difference"] <= manifest["check"]["allowed_difference"]
    assert f"largest difference {manifest['check']['largest_difference']:.2g}" in capsys.readouterr().out
    (signature,) = manifest["signatures"].values()
    assert signature["inputs"] == {"waveform": {"dtype": "float32", "shape": [None, None]}}
    assert list(signature["outputs"]) == ["embedding"]


@pytest.mark.parametrize("format", ["onnx", "openvino", "keras"])
def test_a_clip_too_short_gives_no_rows(format, files):
    run = RUNTIMES[format](files(format))
    for num_samples in (0, 399, 400, 15_599):
        assert run(noise(2, num_samples)).shape == (2, 0, 128)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_litert_has_builtin_operators_only(precision, small, tmp_path):
    path = exported(small, tmp_path, "tflite", precision=precision)
    from ai_edge_litert.interpreter import Interpreter

    operators = {operator["op_name"] for operator in Interpreter(str(path))._get_ops_details()}
    assert "CONV_2D" in operators
    assert not [name for name in operators if name.startswith("Flex") or name == "CUSTOM"]


def test_litert_weights_get_smaller_and_the_front_end_stays_exact(small, tmp_path, oracle):
    """TensorFlow's own converter rounds the front end too: the smoke signal's embedding is then off by more than half."""
    sizes, differences = {}, {}
    smoke = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 16_000).astype(np.float32)
    for precision in ("float32", "float16", "int8"):
        path = exported(small, tmp_path, "tflite", precision=precision, overwrite=True)
        sizes[precision] = path.stat().st_size
        differences[precision] = np.abs(run_tflite(path)(smoke[np.newaxis])[0] - oracle(smoke)).max()
    weights = 4 * small.count_params()
    assert sizes["float32"] - sizes["float16"] > 0.4 * weights
    assert sizes["float32"] - sizes["int8"] > 0.6 * weights  # biases and scales stay float32
    assert 1e-6 < differences["float16"] < 1e-2 * np.abs(oracle(smoke)).max() < differences["int8"] * 10
    assert differences["int8"] < 0.2 * np.abs(oracle(smoke)).max()


@pytest.mark.parametrize(
    ("format", "postprocess"),
    [("onnx", "quantized"), ("tflite", "pca"), ("tflite", "quantized"), ("openvino", "quantized"), ("keras", "pca")],
)
def test_the_resampler_and_the_postprocessor_go_along(format, postprocess, small, tmp_path, pca_params):
    path = exported(small, tmp_path, format, postprocess=postprocess, pca=pca_params, input_rate=44_100)
    embedding = RUNTIMES[format](path)(noise(2, 50_000))
    assert (embedding.shape, embedding.dtype) == (
        (2, 1, 128),
        np.dtype("uint8" if postprocess == "quantized" else "f4"),
    )
    manifest = json.loads((tmp_path / f"{NAMES[format]}.json").read_text())
    assert (manifest["input_rate"], manifest["postprocess"]) == (44_100, postprocess)


def test_a_saved_model_resamples_in_blocks(small, tmp_path):
    """A batch, over many blocks, as the layer does it at once; and 15,600 samples at 16 kHz are 42,997.5 of these."""
    path = export(small, tmp_path / "vggish", input_rate=44_100, pca=None)
    loaded = tf.saved_model.load(path)
    waveforms = noise(2, 30 * 44_100 + 7)
    expected = small(np.asarray(Resample(44_100)(waveforms)))
    np.testing.assert_allclose(loaded(waveforms), expected, atol=ATOL)
    assert loaded(noise(43_000)).shape == (1, 128)
    assert loaded(noise(42_996)).shape == (0, 128)


def test_untrained_weights_are_called_so(tmp_path, capsys):
    path = export(VGGish(None), tmp_path / "vggish.weights.h5", format="weights")
    assert "UNTRAINED" in capsys.readouterr().out
    assert json.loads(path.with_name(path.name + ".json").read_text())["untrained"] is True


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
        with pytest.raises(VGGishError, match=r"does not give what the live model does: largest difference 0\.01"):
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
    assert "no export format 'coreml'. Choose from saved_model," in message_of(model, tmp_path / "m", format="coreml")
    path = tmp_path / "m.keras"
    assert "no precision 'int8'" in message_of(model, path, format="keras", precision="int8")
    assert "must end in .keras" in message_of(model, tmp_path / "m.h5", format="keras")
    assert "input_rate=44100 has no place" in message_of(
        model, tmp_path / "m.pb", format="frozen_graph", input_rate=44_100
    )
    assert "does not exist" in message_of(model, tmp_path / "no" / "m.keras", format="keras")
    path.write_text("mine")
    assert f"{path} already exists" in message_of(model, path, format="keras")
    (tmp_path / "folder").mkdir()
    assert "is a folder" in message_of(model, tmp_path / "folder", format="saved_model", overwrite=True)
    (tmp_path / "other.keras.json").touch()
    assert "other.keras.json already exists" in message_of(model, tmp_path / "other.keras", format="keras")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "not writable" in message_of(model, path, format="keras", overwrite=True)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("format", ["onnx", "tflite", "openvino"])
def test_a_missing_extra_is_named(format, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda module: None)
    assert f"pip install 'vggish-tf[{format}]'" in message_of(object(), tmp_path / NAMES[format], format=format)


def test_a_model_with_a_head_is_refused(small, tmp_path):
    head = keras.Model(small.input, keras.layers.Dense(3, name="head")(small.output))
    with pytest.raises(CheckpointError, match="head"):
        export(head, tmp_path / "m.keras", format="keras")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("format", "name"),
    [("saved_model", "m"), ("keras", "m.keras"), ("tf1_checkpoint", "m")],
)
def test_a_full_disk_leaves_nothing(format, name, small, tmp_path):
    """A limit on the size of files makes every write fail where a full disk would."""
    (tmp_path / "out").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match=f"cannot write {tmp_path / 'out' / name}: .*Nothing was written"):
            export(small, tmp_path / "out" / name, format=format, pca=None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tmp_path / "out").iterdir())


def test_a_disk_too_small_is_refused_beforehand(small, tmp_path, monkeypatch):
    monkeypatch.setattr(formats.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    assert "it needs 0 MB, and 0 MB are free" in message_of(small, tmp_path / "m.keras", format="keras")
    assert not list(tmp_path.iterdir())


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
    command = ["export", "--model", str(model), "--format", "keras", "--input-rate", "48000", "--pad", "always"]
    assert cli.main([*command, "-o", str(tmp_path / "out.keras")]) == 0
    assert run_keras(tmp_path / "out.keras")(noise(1, 48_000)).shape == (1, 2, 128)
    assert json.loads((tmp_path / "out.keras.json").read_text())["pad"] == "always"
    capsys.readouterr()
    assert cli.main([*command, "-o", str(tmp_path / "out.keras")]) == 5
    assert (
        cli.main(
            ["export", "--model", str(tmp_path / "no.keras"), "--format", "keras", "-o", str(tmp_path / "a.keras")]
        )
        == 4
    )
    captured = capsys.readouterr()
    assert [line.split(":")[0] for line in captured.err.splitlines()] == ["vggish-tf", "vggish-tf"]


def test_the_command_line_refuses_without_tensorflow(tmp_path):
    """In well under the three seconds that importing it takes."""
    code = "import sys; from vggish_tf.cli import main; print(main(sys.argv[1:]), {'tensorflow', 'keras'} & set(sys.modules))"
    command = [sys.executable, "-c", code, "export", "--format", "nope", "-o", str(tmp_path / "x")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "5 set()"
    assert len(done.stderr.splitlines()) == 1
