"""VGGish and Embedder on JAX and PyTorch: TensorFlow's numbers, from the same checkpoint."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
import seeded
import signals

from vggish_tf import Embedder
from vggish_tf.reference import vggish_input

# Of embeddings whose largest value is about 1.5: float32 sums in another order.
ATOL = 1e-5
# As in test_frontend where there is float64; JAX without it rounds in float32, 4e-5 in the quiet
# bins of speech.
LOG_MEL_ATOL = {"examples": 2e-6, "examples_in_float32": 1e-4}

# Runs where KERAS_BACKEND can still be chosen: in a process of its own.
CODE = """
import contextlib, sys
import keras
import numpy as np
from vggish_tf import Embedder, VGGish, WaveformToExamples
checkpoint, source, target, backend = sys.argv[1:]
assert keras.config.backend() == backend, keras.config.backend()
waveform = np.load(source)
float64 = contextlib.nullcontext()
if backend == "jax":
    import jax
    float64 = jax.enable_x64(True)
as_it_comes = WaveformToExamples()(waveform)
model = VGGish(checkpoint)
embedder = Embedder(checkpoint)
stream = embedder.stream(16_000)
blocks = [waveform[start : start + 10_000] for start in range(0, len(waveform), 10_000)]
parts = [stream.push(block).embedding for block in blocks]
with float64:
    examples, rows = WaveformToExamples()(waveform), model(waveform[np.newaxis], training=False)[0]
np.savez(
    target,
    examples_in_float32=keras.ops.convert_to_numpy(as_it_comes),
    examples=keras.ops.convert_to_numpy(examples),
    model=keras.ops.convert_to_numpy(rows),
    embedder=embedder(waveform, 16_000).embedding,
    stream=np.concatenate([*parts, stream.finish().embedding]),
    resampled=embedder(waveform, 44_100).embedding,
)
"""


@pytest.fixture(scope="module")
def waveform():
    return np.concatenate([signals.by_name()["speech"], signals.by_name()["noise"]])[: 16_000 * 5]


@pytest.fixture(scope="module", params=["jax", "torch"])
def results(request, tmp_path_factory, seeded_checkpoint, waveform):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    np.save(folder / "waveform.npy", waveform)
    paths = [str(seeded_checkpoint), str(folder / "waveform.npy"), str(folder / "results.npz")]
    environment = {**os.environ, "KERAS_BACKEND": request.param, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", CODE, *paths, request.param]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return np.load(paths[-1])


@pytest.fixture(scope="module")
def expected(seeded_checkpoint, waveform):
    with seeded.slim_session(seeded_checkpoint) as session:
        return session(vggish_input.waveform_to_examples(waveform, signals.RATE))


@pytest.mark.parametrize("name", LOG_MEL_ATOL)
def test_the_front_end_is_the_reference(results, waveform, name):
    reference = vggish_input.waveform_to_examples(waveform, signals.RATE)
    np.testing.assert_allclose(results[name], reference, rtol=0, atol=LOG_MEL_ATOL[name])


@pytest.mark.parametrize("name", ["model", "embedder", "stream"])
def test_the_embedding_is_the_tf1_session_s(results, expected, name):
    assert results[name].shape == expected.shape == (5, 128)
    np.testing.assert_allclose(results[name], expected, rtol=0, atol=ATOL)


def test_another_rate_gives_the_tensorflow_backend_s_embedding(
    results, seeded_checkpoint, waveform
):
    expected = Embedder(seeded_checkpoint)(waveform, 44_100).embedding
    # 1e-5 of the largest value: the TensorFlow backend's are computed in another way, see
    # test_winograd
    np.testing.assert_allclose(
        results["resampled"], expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )
