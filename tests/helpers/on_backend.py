"""A process of its own, since a backend is chosen once: python on_backend.py BACKEND FOLDER

The folder holds `job.json`: `lengths`, the path of a `checkpoint`, and whether networks are to be
`small`; and `waveform.npy`, 16 kHz. Written into it are `outcomes.npz`, what each case of
`registered` makes of its inputs, eager and compiled; `edges.json`, the shapes that come of
waveforms of `lengths` samples; and `embeddings.npz`, of the waveform by every road.
"""

import contextlib
import json
import sys
from pathlib import Path

import keras
import numpy as np
import registered
import small_network

from vggish_tf import Embedder, Resample, StftMagnitude, VGGish, WaveformToExamples
from vggish_tf.backend import float64_in_jax

backend, folder = sys.argv[1], Path(sys.argv[2])
job = json.loads((folder / "job.json").read_text())
if job["small"]:
    small_network.shrink()
assert keras.config.backend() == backend, keras.config.backend()


def compiled(layer, inputs):
    """By the compiler of the backend, if it has one that is always there."""
    if backend != "jax":
        return registered.use(layer, inputs)()
    import jax

    states = [
        [variable.value for variable in group]
        for group in (layer.trainable_variables, layer.non_trainable_variables)
    ]
    run = jax.jit(lambda *arguments: layer.stateless_call(*arguments)[0])
    return registered.joined(run(*states, inputs))


def float64():
    """JAX has it on request alone, and the front end is exact only with it."""
    return float64_in_jax() if backend == "jax" else contextlib.nullcontext()


def outcomes():
    for name, (make, inputs) in registered.CASES.items():
        thing = make()
        with float64() if isinstance(thing, keras.Layer) else contextlib.nullcontext():
            yield name, registered.use(thing, inputs)()
            if isinstance(thing, keras.Layer):
                yield f"{name} compiled", compiled(thing, inputs)


def edges():
    """Long and short clips alternate: none may spoil the next."""
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
    for length in job["lengths"]:
        waveform = np.random.default_rng(length).uniform(-0.5, 0.5, (2, length)).astype(np.float32)
        yield length, {name: list(layer(waveform).shape) for name, layer in layers.items()}


def embeddings(waveform):
    yield "examples_in_float32", WaveformToExamples()(waveform)
    model, embedder = VGGish(job["checkpoint"]), Embedder(job["checkpoint"])
    stream = embedder.stream(16_000)
    starts = range(0, len(waveform), 10_000)
    parts = [stream.push(waveform[start : start + 10_000]) for start in starts]
    with float64():
        yield "examples", WaveformToExamples()(waveform)
        yield "model", model(waveform[np.newaxis], training=False)[0]
    yield "embedder", embedder(waveform, 16_000).embedding
    yield "stream", np.concatenate([part.embedding for part in [*parts, stream.finish()]])
    yield "resampled", embedder(waveform, 44_100).embedding


def save(name, values):
    to_numpy = keras.ops.convert_to_numpy
    np.savez(folder / name, **{key: to_numpy(value) for key, value in values})


save("embeddings.npz", embeddings(np.load(folder / "waveform.npy")))
save("outcomes.npz", outcomes())
(folder / "edges.json").write_text(json.dumps(list(edges())))
