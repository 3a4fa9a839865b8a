"""Keras's and TensorFlow's own converters on VGGish(), with few filters, each in its runtime."""

import numpy as np
import pytest
import runtimes
import signals
import small_network
import tensorflow as tf

from vggish_tf import load_model

pytestmark = pytest.mark.thorough

# Of the largest embedding. Float32 on both sides, behind a front end that is exact on both: 3e-6.
RTOL = 2e-5


def run_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    return lambda waveform: session.run(None, {"waveform": waveform})[0]


def run_litert(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    names = {operator["op_name"] for operator in interpreter._get_ops_details()}
    assert not [name for name in names if name.startswith("Flex") or name == "CUSTOM"]
    run = interpreter.get_signature_runner()
    return lambda waveform: run(waveform=waveform)["output_0"]


def by_onnx(model, folder):
    model.export(folder / "m.onnx", format="onnx", verbose=False)
    return run_onnx(folder / "m.onnx")


def by_litert(model, folder):
    model.export(folder / "m.tflite", format="litert", verbose=False)
    return run_litert(folder / "m.tflite")


def by_converter(model, folder):
    (folder / "m.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return run_litert(folder / "m.tflite")


@pytest.fixture(scope="module")
def matrix(small):
    """The same network behind the front end that converters know, through a file of its own."""
    model = small_network.vggish("waveform", transform="matrix")
    model.set_weights(small.get_weights())
    return model


@pytest.mark.parametrize(
    ("convert", "transform"),
    [
        (by_onnx, "rfft"),
        pytest.param(by_litert, "rfft", marks=pytest.mark.slow),
        pytest.param(by_onnx, "matrix", marks=pytest.mark.slow),
        pytest.param(by_litert, "matrix", marks=pytest.mark.slow),
        pytest.param(by_converter, "matrix", marks=pytest.mark.slow),
    ],
)
def test_a_converted_model_is_the_model(convert, transform, small, matrix, tmp_path):
    runtimes.needs("onnx" if convert is by_onnx else "tflite")
    model = small if transform == "rfft" else matrix
    run = convert(model, tmp_path)
    for name, waveform in signals.by_name().items():
        expected = small(waveform[np.newaxis]).numpy()
        np.testing.assert_allclose(
            run(waveform[np.newaxis]),
            expected,
            rtol=0,
            atol=RTOL * np.abs(expected).max(),
            err_msg=name,
        )
    spoilt = signals.noise(2 * 31_000).reshape(2, 31_000)
    spoilt[1, 20_000] = np.nan
    assert np.isnan(run(spoilt)[..., 0]).tolist() == [[False, False], [False, True]]
    assert model.get_layer("examples").stft_magnitude.transform == transform  # as before


def test_the_transform_is_kept_in_a_keras_file(matrix, tmp_path):
    matrix.save(tmp_path / "m.keras")
    assert (
        load_model(tmp_path / "m.keras").get_layer("examples").get_config()["transform"] == "matrix"
    )
