"""Every layer × every contract that a Keras layer keeps."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import places
import pytest
import signals
import tensorflow as tf

from vggish_tf import (
    FrameExamples,
    LogMel,
    Params,
    Postprocessor,
    StftMagnitude,
    WaveformToExamples,
)
from vggish_tf.network.backbone import FoldExamples, UnfoldExamples

RNG = np.random.default_rng(0)
CHANGED = Params(sample_rate=22_050, example_hop_seconds=0.48, log_offset=0.001)


def positive(*shape):
    return RNG.uniform(0, 10, shape).astype(np.float32)


# id: (layer, input of a batch of 3). The inputs have rank, length and scale as the layer meets them
# in the pipeline.
CASES = {
    "StftMagnitude": (
        lambda: StftMagnitude(),
        np.stack([signals.noise(16_000, seed) for seed in range(3)]),
    ),
    "StftMagnitude, matrix": (
        lambda: StftMagnitude(CHANGED, transform="matrix"),
        positive(3, 4_000),
    ),
    "LogMel": (lambda: LogMel(), positive(3, 50, 257)),
    "LogMel, changed": (lambda: LogMel(CHANGED), positive(3, 50, 513)),
    "FrameExamples": (lambda: FrameExamples(), positive(3, 200, 64)),
    "FrameExamples, changed": (lambda: FrameExamples(CHANGED), positive(3, 200, 64)),
    "WaveformToExamples": (lambda: WaveformToExamples(), positive(3, 31_000)),
    "WaveformToExamples, changed": (
        lambda: WaveformToExamples(CHANGED, pad="always"),
        positive(3, 31_000),
    ),
    "FoldExamples": (lambda: FoldExamples(), positive(3, 96, 64)),
    "Postprocessor": (
        lambda: Postprocessor(weights=None),
        RNG.normal(size=(3, 128)).astype(np.float32),
    ),
    "Postprocessor, pca": (
        lambda: Postprocessor(False, weights=None),
        RNG.normal(size=(3, 5, 128)).astype(np.float32),
    ),
}
# One kernel or another may be chosen for another shape; the largest difference seen is 2 float32
# steps.
CLOSE = {"rtol": 3e-7, "atol": 1e-6}


@pytest.fixture(params=CASES, ids=str)
def case(request):
    make, inputs = CASES[request.param]
    return make(), inputs


def test_the_config_survives_json(case):
    layer, inputs = case
    config = json.loads(json.dumps(layer.get_config()))
    twin = type(layer).from_config(config)
    assert twin.get_config() == layer.get_config()
    np.testing.assert_array_equal(twin(inputs), layer(inputs))


def test_a_keras_file_restores_it(case, tmp_path):
    layer, inputs = case
    source = keras.Input(inputs.shape[1:])
    keras.Model(source, layer(source)).save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_array_equal(loaded(inputs), layer(inputs))


def test_it_is_registered_under_the_package(case):
    name = keras.saving.get_registered_name(type(case[0]))
    assert name == f"vggish_tf>{type(case[0]).__name__}"


def test_eager_is_graph_is_tf_data(case):
    layer, inputs = case
    eager = np.asarray(layer(inputs))
    unknown = tf.TensorSpec([None] * (inputs.ndim - 1) + [inputs.shape[-1]])
    np.testing.assert_allclose(
        tf.function(layer, input_signature=[unknown])(inputs), eager, **CLOSE
    )
    dataset = tf.data.Dataset.from_tensors(inputs).map(layer)
    np.testing.assert_allclose(next(iter(dataset)), eager, **CLOSE)


def test_a_batch_is_its_rows(case):
    layer, inputs = case
    batch = np.asarray(layer(inputs))
    assert len(batch) == 3
    assert np.any(batch[0] != batch[1])
    for row, one in zip(batch, inputs, strict=True):
        np.testing.assert_allclose(np.asarray(layer(one[np.newaxis]))[0], row, **CLOSE)


def test_the_symbolic_shape_and_dtype_are_the_real_ones(case):
    layer, inputs = case
    symbolic = layer(keras.Input(batch_shape=inputs.shape))
    real = layer(inputs)
    assert all(said in (None, size) for said, size in zip(symbolic.shape, real.shape, strict=True))
    assert symbolic.shape[1:] == tuple(real.shape[1:])
    assert symbolic.dtype == keras.backend.standardize_dtype(real.dtype)


def test_a_length_that_is_not_known_stays_unknown(case):
    layer, inputs = case
    shape = [None] * (inputs.ndim - 1) + [inputs.shape[-1]]
    if isinstance(layer, (StftMagnitude, WaveformToExamples)):
        shape[-1] = None
    symbolic = layer(keras.Input(batch_shape=shape))
    assert all(
        said in (None, size) for said, size in zip(symbolic.shape, layer(inputs).shape, strict=True)
    )


def test_bfloat16_policies_change_nothing_but_the_network(case):
    layer, inputs = case
    expected = np.asarray(layer(inputs))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        under_policy = type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})
        result = under_policy(inputs)
    finally:
        keras.config.set_dtype_policy("float32")
    if isinstance(layer, FoldExamples):
        assert result.dtype == tf.bfloat16
    else:
        np.testing.assert_array_equal(result, expected)


def test_gradients_are_finite_at_zero(case):
    layer, inputs = case
    if layer(inputs).dtype == tf.uint8:
        pytest.skip("bytes have no gradient")
    zeros = tf.Variable(np.zeros_like(inputs))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(zeros))
    assert np.isfinite(tape.gradient(total, zeros)).all()


def test_fold_and_unfold_are_inverse():
    examples = positive(2, 3, 96, 64)
    folded = FoldExamples()(examples)
    assert folded.shape == (6, 96, 64, 1)
    np.testing.assert_array_equal(
        UnfoldExamples()([folded, examples]), examples.reshape(2, 3, 96 * 64)
    )
    nothing = np.zeros((2, 0, 96, 64), np.float32)
    folded = FoldExamples()(nothing)
    assert folded.shape == (1, 96, 64, 1)
    assert UnfoldExamples()([folded, nothing]).shape == (2, 0, 96 * 64)


# Samples around a window (400), the next frame (560), an example (15,600), the next (30,960): rows.
EDGES = {
    0: 0,
    1: 0,
    239: 0,
    240: 0,
    399: 0,
    400: 0,
    559: 0,
    560: 0,
    15_599: 0,
    15_600: 1,
    30_959: 1,
    30_960: 2,
}

# In a process of its own, since a backend is chosen once. Long and short clips alternate: none may
# spoil the next.
EDGES_CODE = """
import json, sys
import keras
import numpy as np
import small_network
from vggish_tf import Resample, StftMagnitude, VGGish, WaveformToExamples
lengths, backend = json.loads(sys.argv[1]), sys.argv[2]
assert keras.config.backend() == backend, keras.config.backend()
small_network.shrink()
model = VGGish(None)
layers = {
    "rfft": StftMagnitude(),
    "matrix": StftMagnitude(transform="matrix"),
    "examples": WaveformToExamples(),
    "short": WaveformToExamples(pad="short"),
    "always": WaveformToExamples(pad="always"),
    "resampled": Resample(16_000, 8_000),
    "called": model,
    "predicted": lambda x: model.predict(x, verbose=0),
}
for length in lengths:
    waveform = np.random.default_rng(length).uniform(-0.5, 0.5, (2, length)).astype(np.float32)
    shapes = {name: list(layer(waveform).shape) for name, layer in layers.items()}
    print(json.dumps([length, shapes]), flush=True)
"""


def expected_shapes(length: int, rows: int) -> dict[str, list[int]]:
    frames = 0 if length < 400 else 1 + (length - 400) // 160
    always = 0 if not length else 1 + max(0, -(-(length - 15_600) // 15_360))
    return {
        "rfft": [2, frames, 257],
        "matrix": [2, frames, 257],
        "examples": [2, rows, 96, 64],
        "short": [2, max(rows, min(length, 1)), 96, 64],
        "always": [2, always, 96, 64],
        "resampled": [2, -(-length // 2)],
        "called": [2, rows, 128],
        "predicted": [2, rows, 128],
    }


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_lengths_at_the_edges_give_the_same_rows_on_every_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    lengths = [length for pair in zip(EDGES, reversed(EDGES), strict=True) for length in pair][
        : len(EDGES)
    ]
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", EDGES_CODE, json.dumps(lengths), backend]
    ran = subprocess.run(
        command, env=environment, cwd=places.HELPERS, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout[-500:] + ran.stderr[-2000:]
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert found == [[length, expected_shapes(length, EDGES[length])] for length in lengths]
