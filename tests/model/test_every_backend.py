"""All that is registered, waveforms of lengths at the edges, and the embeddings of a checkpoint, on
TensorFlow, JAX and PyTorch.

The network is small; with -m slow it has the published size, too.
"""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import places
import pytest
import seeded
import signals
from registered import CASES, use

from vggish_tf import Embedder
from vggish_tf.reference import vggish_input

pytestmark = pytest.mark.thorough

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
# Parts of the largest value: float32 sums in another order.
RTOL = 1e-5
# Of embeddings whose largest value is about 1.5.
ATOL = 1e-5
# As in test_layers where there is float64; JAX without it rounds in float32, 4e-5 in the quiet bins
# of speech.
LOG_MEL_ATOL = {"examples": 2e-6, "examples_in_float32": 1e-4}


# JAX compiles each length anew: a minute and a half.
BACKENDS = [
    "torch",
    *(pytest.param(each, marks=pytest.mark.slow) for each in ("tensorflow", "jax")),
]


@pytest.fixture(scope="module")
def waveform():
    return np.concatenate([signals.by_name()["speech"], signals.by_name()["noise"]])[: 16_000 * 5]


@pytest.fixture(scope="module", params=BACKENDS)
def on_backend(request, sized_checkpoint, waveform, tmp_path_factory):
    """The folder that helpers/on_backend.py filled."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    np.save(folder / "waveform.npy", waveform)
    pairs = zip(EDGES, reversed(EDGES), strict=True)
    job = {
        "lengths": [length for pair in pairs for length in pair][: len(EDGES)],
        "checkpoint": str(sized_checkpoint),
        "small": sized_checkpoint.stat().st_size < 1e6,
    }
    (folder / "job.json").write_text(json.dumps(job))
    environment = {**os.environ, "KERAS_BACKEND": request.param, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, places.HELPERS / "on_backend.py", request.param, folder]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-500:] + ran.stderr[-2000:]
    return folder


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


def test_lengths_at_the_edges_give_the_same_rows(on_backend):
    found = json.loads((on_backend / "edges.json").read_text())
    assert sorted(length for length, _ in found) == sorted(EDGES)
    for length, shapes in found:
        assert shapes == expected_shapes(length, EDGES[length]), length


def test_all_that_is_registered_gives_what_it_gives_here(on_backend):
    with np.load(on_backend / "outcomes.npz") as outcomes:
        assert {name.removesuffix(" compiled") for name in outcomes} == set(CASES)
        for name, outcome in outcomes.items():
            check_close(outcome, here(name.removesuffix(" compiled")), name)


def here(name) -> np.ndarray:
    make, inputs = CASES[name]
    return keras.ops.convert_to_numpy(use(make(), inputs)())


def check_close(found, expected, name):
    assert found.dtype == expected.dtype, name
    if expected.dtype.kind != "f":  # bytes are truncated, and so one step apart at most
        np.testing.assert_allclose(found.astype(int), expected.astype(int), atol=1, err_msg=name)
        return
    atol = RTOL * np.nanmax(np.abs(expected))
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=name)


# From the same checkpoint, the embeddings of TensorFlow.


@pytest.fixture(scope="module")
def results(on_backend):
    with np.load(on_backend / "embeddings.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def expected(sized_checkpoint, waveform):
    with seeded.slim_session(sized_checkpoint) as session:
        return session(vggish_input.waveform_to_examples(waveform, signals.RATE))


@pytest.mark.parametrize("name", LOG_MEL_ATOL)
def test_the_front_end_is_the_reference(results, waveform, name):
    reference = vggish_input.waveform_to_examples(waveform, signals.RATE)
    np.testing.assert_allclose(results[name], reference, rtol=0, atol=LOG_MEL_ATOL[name])


@pytest.mark.parametrize("name", ["model", "embedder", "stream"])
def test_the_embedding_is_the_tf1_session_s(results, expected, name):
    assert results[name].shape == expected.shape == (5, 128)
    np.testing.assert_allclose(results[name], expected, rtol=0, atol=ATOL)


def test_another_rate_gives_the_tensorflow_backend_s_embedding(results, sized_checkpoint, waveform):
    expected = Embedder(sized_checkpoint)(waveform, 44_100).embedding
    # 1e-5 of the largest value: of the published size, the TensorFlow backend's are computed in
    # another way, see test_winograd
    np.testing.assert_allclose(
        results["resampled"], expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )
