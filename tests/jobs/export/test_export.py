"""Every format but the SavedModel and the frozen graph, each in its own runtime.

The network is VGGish's with a few filters a layer, so that an export takes seconds. Oracle: the
reference front end (NumPy, float64), and the same Keras layers behind it.
"""

import importlib.metadata
import json
import os
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import slow
from runtimes import RUNTIMES, run_tflite
from signals import uniform_noise

from vggish_tf import Resample, checkpoints
from vggish_tf.jobs.export import export
from vggish_tf.jobs.export import manifest as manifests
from vggish_tf.reference import vggish_input, vggish_postprocess

pytestmark = pytest.mark.usefixtures("small_networks")
# Against the float64 log-mel, on noise: ten float32 layers, and the front end in float32. The
# largest seen is 1e-5.
ATOL = 5e-5
FORMATS = ["onnx", "tflite", slow("openvino"), "keras"]


@pytest.fixture(scope="module")
def oracle(small):
    """(num_samples,) → (examples, 128)"""
    names = [layer.name for layer in small.layers]
    network = keras.Model(small.layers[names.index("examples")].output, small.output)

    def run(waveform):
        examples = vggish_input.waveform_to_examples(waveform.astype(np.float64), 16_000)
        return np.asarray(network(examples[np.newaxis].astype(np.float32)))[0]

    return run


@pytest.mark.parametrize("format", FORMATS)
def test_a_waveform_goes_in_and_embeddings_come_out(format, oracle, exported):
    """By name, for a batch, and for more than one length."""
    path = exported(format)
    run = RUNTIMES[format](path)
    for shape in ((1, 15_600), (3, 40_000)):
        waveforms = uniform_noise(*shape)
        embedding = run(waveforms)
        for waveform, rows in zip(waveforms, embedding, strict=True):
            np.testing.assert_allclose(rows, oracle(waveform), atol=ATOL)
    manifest = json.loads(path.with_name(f"{path.name}.json").read_text())
    assert manifest["format"] == format
    assert 0 <= manifest["check"]["largest_difference"] <= manifest["check"]["allowed_difference"]
    printed = path.with_name("printed.txt").read_text()
    assert f"largest difference {manifest['check']['largest_difference']:.2g}" in printed
    (signature,) = manifest["signatures"].values()
    assert signature["inputs"] == {"waveform": {"dtype": "float32", "shape": [None, None]}}
    assert list(signature["outputs"]) == ["embedding"]


@pytest.mark.parametrize("format", FORMATS)
def test_a_clip_too_short_gives_no_rows_and_spoils_none_that_follow(format, exported, oracle):
    """In a session of its own: once it gave rows, LiteRT's Python does not hand out none."""
    whole = uniform_noise(2, 15_600)
    expected = [oracle(waveform) for waveform in whole]
    for num_samples in (0, 399, 400, 15_599):
        run = RUNTIMES[format](exported(format))
        rows = run(uniform_noise(2, num_samples))
        assert (rows.shape, rows.dtype) == ((2, 0, 128), np.float32)
        np.testing.assert_allclose(run(whole), expected, atol=ATOL)


def test_the_version_of_a_runtime_of_another_distribution_is_its_own(monkeypatch):
    """As tensorflow-cpu is of TensorFlow."""
    runtime = types.SimpleNamespace(__version__="2.3.0")
    monkeypatch.setitem(sys.modules, "ai_edge_litert", runtime)

    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(manifests, "version", absent)
    assert manifests._versions(["ai_edge_litert"])["ai_edge_litert"] == "2.3.0"


def test_a_manifest_keeps_names_that_are_no_utf_8(tmp_path):
    about = {"weights": {"asked": os.fsdecode("grün ".encode() + b"caf\xe9.ckpt")}}
    manifests.write(tmp_path / "m.json", about)
    text = (tmp_path / "m.json").read_text(encoding="utf-8")
    assert "grün" in text
    assert json.loads(text) == about


MORE_PRECISIONS = [slow(name) for name in ("float32", "int8")]


@pytest.mark.parametrize("precision", ["float16", *MORE_PRECISIONS])
def test_litert_has_builtin_operators_only(precision, exported):
    path = exported("tflite", precision=precision)
    from ai_edge_litert.interpreter import Interpreter

    operators = {operator["op_name"] for operator in Interpreter(str(path))._get_ops_details()}
    assert "CONV_2D" in operators
    assert not [name for name in operators if name.startswith("Flex") or name == "CUSTOM"]


@pytest.mark.slow
def test_litert_weights_get_smaller_and_the_front_end_stays_exact(small, exported, oracle):
    """TensorFlow's own converter would round the front end too, and fail on the smoke signal."""
    sizes, differences = {}, {}
    smoke = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 16_000).astype(np.float32)
    for precision in ("float32", "float16", "int8"):
        path = exported("tflite", precision=precision)
        sizes[precision] = path.stat().st_size
        differences[precision] = np.abs(
            run_tflite(path)(smoke[np.newaxis])[0] - oracle(smoke)
        ).max()
    weights = 4 * small.count_params()
    assert sizes["float32"] - sizes["float16"] > 0.4 * weights
    assert sizes["float32"] - sizes["int8"] > 0.6 * weights  # biases and scales stay float32
    assert (
        1e-6
        < differences["float16"]
        < 1e-2 * np.abs(oracle(smoke)).max()
        < differences["int8"] * 10
    )
    assert differences["int8"] < 0.2 * np.abs(oracle(smoke)).max()


@pytest.mark.parametrize(
    ("format", "postprocess"),
    [
        ("keras", "pca"),
        slow("onnx", "quantized"),
        slow("tflite", "pca"),
        slow("tflite", "quantized"),
        slow("openvino", "quantized"),
    ],
)
def test_the_resampler_and_the_postprocessor_go_along(
    format, postprocess, small, exported, pca_params
):
    path = exported(format, postprocess=postprocess, pca=pca_params, input_rate=44_100)
    waveforms = uniform_noise(2, 50_000)
    embedding = RUNTIMES[format](path)(waveforms)
    assert embedding.dtype == ("uint8" if postprocess == "quantized" else "float32")
    raw = np.asarray(small(np.asarray(Resample(44_100)(waveforms))))
    expected = (
        vggish_postprocess.Postprocessor(str(pca_params))
        .postprocess(raw.reshape(2, 128))
        .reshape(2, 1, 128)
    )
    as_bytes = embedding if postprocess == "quantized" else (np.clip(embedding, -2, 2) + 2) * 63.75
    assert np.ptp(expected) > 100
    # truncation makes a step of any difference
    np.testing.assert_allclose(as_bytes, expected.astype(float), atol=1)
    manifest = json.loads(path.with_name(f"{path.name}.json").read_text())
    assert (manifest["input_rate"], manifest["postprocess"]) == (44_100, postprocess)


@pytest.mark.parametrize(
    ("options", "seconds", "num_samples", "rows"),
    [
        ({"input_rate": 44_100}, 2.5, 110_250, 2),
        slow({}, 0.975, 15_600, 1),
        slow({"pad": "short"}, 0.5, 8_000, 1),
    ],
)
def test_litert_takes_one_clip_of_a_fixed_length(
    options, seconds, num_samples, rows, small, exported
):
    """As LiteRT.js runs it: nothing is resized, and the size of every tensor is known before."""
    path = exported("tflite", fixed_shape=seconds, **options)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (source,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (list(source["shape_signature"]), list(output["shape_signature"])) == (
        [1, num_samples],
        [1, rows, 128],
    )
    assert all(-1 not in tensor["shape_signature"] for tensor in interpreter.get_tensor_details())
    waveform = uniform_noise(1, num_samples)
    interpreter.set_tensor(source["index"], waveform)
    interpreter.invoke()
    whole = (
        np.asarray(Resample(options["input_rate"])(waveform))
        if "input_rate" in options
        else waveform
    )
    expected = small(np.pad(whole, ((0, 0), (0, max(0, 15_600 - whole.shape[1])))))
    np.testing.assert_allclose(interpreter.get_tensor(output["index"]), expected, atol=ATOL)
    manifest = json.loads(path.with_name("vggish.tflite.json").read_text())
    assert manifest["signatures"]["serving_default"]["inputs"]["waveform"]["shape"] == [
        1,
        num_samples,
    ]


@pytest.mark.slow
def test_a_saved_model_resamples_in_blocks(small, exported):
    """A batch over many blocks equals the layer on all samples at once.

    15,600 samples at 16 kHz are 42,997.5 samples of the input.
    """
    path = exported("saved_model", input_rate=44_100)
    loaded = tf.saved_model.load(path)
    waveforms = uniform_noise(2, 30 * 44_100 + 7)
    expected = small(np.asarray(Resample(44_100)(waveforms)))
    np.testing.assert_allclose(loaded(waveforms), expected, atol=ATOL)
    assert loaded(uniform_noise(43_000)).shape == (1, 128)
    assert loaded(uniform_noise(42_996)).shape == (0, 128)


def test_weights_and_tf1_checkpoints_hold_the_values_by_name(small, tmp_path):
    """Read by h5py and by TensorFlow."""
    kernel = np.asarray(small.get_layer("fc1_2").kernel)
    path = export(small, tmp_path / "vggish.ckpt", format="tf1_checkpoint")
    reader = tf.train.load_checkpoint(str(path))
    assert path.is_file()  # V1, as published
    assert len(reader.get_variable_to_shape_map()) == 18
    assert np.array_equal(reader.get_tensor("vggish/fc1/fc1_2/weights"), kernel)
    path = export(small, tmp_path / "vggish.weights.h5", format="weights")
    other = keras.models.clone_model(small)
    checkpoints.load_weights(other, path)
    assert np.array_equal(other.get_layer("fc1_2").kernel, kernel)
