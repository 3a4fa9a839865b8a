"""A sample that is not finite gives an embedding of NaN, in every format and its own runtime.

ReLUs and max-pools drop NaN, so that a network by itself makes one plausible row of it. The network
has few filters.
"""

import numpy as np
import pytest
import tensorflow as tf
from cases import slow
from runtimes import RUNTIMES, run_saved_model
from signals import uniform_noise

from vggish_tf import Resample

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("small_networks")]
tf1 = tf.compat.v1
BAD = (np.nan, np.inf, -np.inf)
# Clip 1 of three, example 1 of three: where example 0 has ended and example 2 has not begun, in
# samples at 16 kHz.
CLIP, EXAMPLE, FIRST, LAST = 1, 1, 15_600, 30_719
REACH = 2 * Resample(44_100).window_length  # samples


def run_session(path, output="embedding"):
    """The C++ loader, as TF Serving's."""
    session = tf1.Session(graph=tf.Graph())
    with session.graph.as_default():
        definition = tf1.saved_model.load(session, ["serve"], str(path)).signature_def[
            "serving_default"
        ]
    names = definition.outputs[output].name, definition.inputs["waveform"].name
    return lambda waveform: session.run(names[0], {names[1]: waveform})


def spoilt(array, place, bad):
    copy = array.copy()
    copy[place] = bad
    return copy


def check(run, array, places, row, nothing=np.nan):
    """Asserts that only `row` of the answer changes, and that all of it is NaN, or 0 for bytes."""
    clean = run(array)
    assert np.ptp(clean.reshape(-1, clean.shape[-1]).astype(float), axis=0).max() > 0, (
        "nothing is shown"
    )
    expected = spoilt(clean, row, nothing)
    for place in places:
        for bad in BAD:
            np.testing.assert_array_equal(
                run(spoilt(array, place, bad)), expected, err_msg=f"{bad} at {place}"
            )


def check_waveforms(run, rate=16_000, row=(CLIP, EXAMPLE), nothing=np.nan, reach=0):
    """Spoils samples; a resampler may carry them `reach` samples to either side."""
    first, last = (round(sample * rate / 16_000) for sample in (FIRST, LAST))
    places = [(CLIP, sample) for sample in (first + reach, (first + last) // 2, last - reach)]
    check(run, uniform_noise(3, 48_000 * rate // 16_000), places, row, nothing)


@pytest.mark.parametrize(
    ("format", "precision"),
    [
        ("saved_model", "float32"),
        slow("saved_model", "bfloat16"),
        ("onnx", "float32"),
        ("tflite", "float32"),
        slow("tflite", "float16"),
        slow("tflite", "int8"),
        slow("openvino", "float32"),
        ("keras", "float32"),
    ],
)
def test_the_example_that_holds_it_is_nan_and_no_other_row_changes(format, precision, exported):
    path = exported(format, precision=precision)
    check_waveforms(RUNTIMES[format](path))
    if format == "saved_model":
        check_waveforms(run_session(path))


@pytest.mark.parametrize(
    ("format", "postprocess"),
    [
        ("onnx", "quantized"),
        ("keras", "pca"),
        *[slow("tflite", postprocess) for postprocess in ("pca", "quantized")],
        *[slow("saved_model", postprocess) for postprocess in ("pca", "quantized")],
        slow("openvino", "quantized"),
        slow("keras", "quantized"),
    ],
)
def test_quantized_rows_are_all_0_and_whitened_ones_nan(format, postprocess, exported, pca_params):
    """Behind a resampler, which carries what is not finite no further than its filter."""
    options = {"input_rate": 44_100, "postprocess": postprocess, "pca": pca_params}
    path, behind = exported(format, **options), {"rate": 44_100, "reach": REACH}
    nothing = 0 if postprocess == "quantized" else np.nan
    check_waveforms(RUNTIMES[format](path), nothing=nothing, **behind)
    if format == "saved_model":
        check_waveforms(run_saved_model(path, signature="quantized"), nothing=0, **behind)


@pytest.mark.parametrize("format", ["onnx", *map(slow, ("saved_model", "tflite", "openvino"))])
def test_a_resampler_carries_it_no_further_than_its_filter(format, exported):
    run = RUNTIMES[format](exported(format, input_rate=44_100))
    check_waveforms(run, rate=44_100, reach=REACH)


def test_the_signature_examples_of_a_saved_model(exported):
    examples = np.random.default_rng(0).uniform(-4, 2, (3, 96, 64)).astype(np.float32)
    path = exported("saved_model")
    check(
        run_saved_model(path, signature="examples"),
        examples,
        [(1, 0, 0), (1, 40, 30), (1, 95, 63)],
        1,
    )
