"""A process of its own, since a backend is chosen once: python on_backend.py BACKEND FOLDER LENGTHS

Writes into the folder `outcomes.npz`, what each case of `registered` makes of its inputs, eager and
compiled; and `edges.json`, the shapes that come of waveforms of LENGTHS samples.
"""

import contextlib
import json
import sys
from pathlib import Path

import keras
import numpy as np
import registered
import small_network

from vggish_tf import Resample, StftMagnitude, VGGish, WaveformToExamples

backend, folder, lengths = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
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
    if backend != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.enable_x64(True)


def outcomes():
    for name, (make, inputs) in registered.CASES.items():
        thing = make()
        with float64() if isinstance(thing, keras.Layer) else contextlib.nullcontext():
            yield name, registered.use(thing, inputs)()
            if isinstance(thing, keras.Layer):
                yield f"{name} compiled", compiled(thing, inputs)


def edges():
    """Long and short clips alternate: none may spoil the next."""
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
        yield length, {name: list(layer(waveform).shape) for name, layer in layers.items()}


to_numpy = keras.ops.convert_to_numpy
np.savez(folder / "outcomes.npz", **{name: to_numpy(value) for name, value in outcomes()})
(folder / "edges.json").write_text(json.dumps(list(edges())))
