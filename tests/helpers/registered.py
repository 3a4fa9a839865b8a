"""All classes that the package registers with Keras, with a recipe to make and to use each.

Whoever registers a class adds recipes of it to RECIPES. No TensorFlow here: it runs on every
backend.
"""

import importlib
import pkgutil

import keras
import numpy as np
import signals
import small_network
from keras import ops

import vggish_tf
from vggish_tf import (
    FrameExamples,
    LogMel,
    Params,
    Postprocessor,
    Resample,
    StftMagnitude,
    WaveformToExamples,
)
from vggish_tf.jobs import finetune
from vggish_tf.network import heads
from vggish_tf.network.backbone import FiniteOrNaN, FoldExamples, UnfoldExamples

PACKAGE = "vggish_tf>"
RNG = np.random.default_rng(0)
CHANGED = Params(sample_rate=22_050, example_hop_seconds=0.48, log_offset=0.001)


def positive(*shape) -> np.ndarray:
    return RNG.uniform(0, 10, shape).astype(np.float32)


def normal(*shape) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def zero_filled(*lengths) -> np.ndarray:
    """Noise of these lengths, one below the other."""
    batch = 0.3 * normal(len(lengths), max(lengths))
    for row, length in zip(batch, lengths, strict=True):
        row[length:] = 0
    return batch


NOISE = np.stack([signals.noise(16_000, seed) for seed in range(3)])
CLIPS = zero_filled(40_000, 16_000, 31_000)
SCORES = RNG.dirichlet([1, 1, 1, 1], 3).astype(np.float32)
MASK = np.array([[True] * 4, [True] + [False] * 3, [True, True, False, True]])
NOT_FINITE = positive(3, 7, 4)
NOT_FINITE[1, 3, 2] = np.nan

# Class → recipes of it: (one made anew, what it is used on, a batch of 3 rows that differ). Inputs
# have rank, length and scale as in the pipeline. Between them, the recipes of a class give every
# argument another value than its default.
RECIPES = {
    "Accuracy": [
        (lambda: heads.Accuracy(), (np.array([0, 2, 1]), SCORES)),
        (lambda: heads.Accuracy(name="hits"), (np.eye(4, dtype=np.float32)[:3], SCORES)),
    ],
    "ClassScores": [
        (lambda: heads.ClassScores("abcd"), normal(3, 4)),
        (lambda: heads.ClassScores("abcd", multi_label=True), [normal(3, 4, 4), MASK]),
    ],
    "Crossentropy": [
        (lambda: heads.Crossentropy(), (np.array([0, 2, 1]), SCORES)),
        (lambda: heads.Crossentropy(name="loss"), (np.eye(4, dtype=np.float32)[:3], SCORES)),
    ],
    "DiscriminativeAdam": [
        (lambda: heads.DiscriminativeAdam(), normal(3, 4)),
        (
            lambda: heads.DiscriminativeAdam(0.1, backbone_factor=0.25, epsilon=1e-6),
            normal(3, 4),
        ),
    ],
    "FiniteOrNaN": [(lambda: FiniteOrNaN(), [normal(3, 5), NOT_FINITE])],
    "FoldExamples": [(lambda: FoldExamples(), positive(3, 96, 64))],
    "FrameExamples": [
        (lambda: FrameExamples(), positive(3, 200, 64)),
        (lambda: FrameExamples(CHANGED), positive(3, 200, 64)),
    ],
    "LogMel": [
        (lambda: LogMel(), positive(3, 50, 257)),
        (lambda: LogMel(CHANGED), positive(3, 50, 513)),
    ],
    "MixUp": [(lambda: finetune.MixUp(0.9, seed=4), [NOISE, normal(3, 4)])],
    "PoolExamples": [
        (lambda: heads.PoolExamples(), [normal(3, 4, 5), MASK]),
        (lambda: heads.PoolExamples("max"), [normal(3, 4, 5), MASK]),
        (lambda: heads.PoolExamples("attention"), [normal(3, 4, 5), MASK]),
    ],
    "Postprocessor": [
        (lambda: Postprocessor(weights=None), normal(3, 128)),
        (lambda: Postprocessor(False, weights=None), normal(3, 5, 128)),
    ],
    "RandomGain": [(lambda: finetune.RandomGain(3.0, seed=4), NOISE)],
    "RandomNoise": [(lambda: finetune.RandomNoise(1.0, 2.0, seed=4), CLIPS)],
    "RandomShift": [
        (lambda: finetune.RandomShift(0.1, sample_rate=8_000, seed=4), CLIPS),
    ],
    "Resample": [
        (lambda: Resample(44_100), NOISE),
        (lambda: Resample(8_000, 22_050, zero_filled=True), CLIPS),
    ],
    "SoundingExamples": [
        (lambda: heads.SoundingExamples(), CLIPS),
        (lambda: heads.SoundingExamples(CHANGED, pad="always"), CLIPS),
    ],
    "SpecAugment": [
        (lambda: finetune.SpecAugment(60, 40, seed=4), normal(3, 2, 96, 64)),
    ],
    "StftMagnitude": [
        (lambda: StftMagnitude(), NOISE),
        (lambda: StftMagnitude(CHANGED, transform="matrix"), positive(3, 4_000)),
    ],
    "UnfoldExamples": [(lambda: UnfoldExamples(), [normal(3, 6, 4, 8), positive(3, 96, 64)])],
    "VGGishModel": [
        (lambda: small_network.randomize(small_network.vggish("waveform", pad="short")), NOISE),
        (lambda: small_network.randomize(small_network.vggish()), positive(3, 96, 64)),
    ],
    "WaveformToExamples": [
        (lambda: WaveformToExamples(), positive(3, 31_000)),
        (
            lambda: WaveformToExamples(CHANGED, pad="always", transform="matrix"),
            positive(3, 31_000),
        ),
    ],
}
CASES = {
    f"{name} {number}": recipe
    for name, recipes in RECIPES.items()
    for number, recipe in enumerate(recipes)
}


def classes() -> dict[str, type]:
    """Name → class, of all that the modules of the package register; integrations, which need
    other programs, register none.
    """
    for module in pkgutil.walk_packages(vggish_tf.__path__, "vggish_tf."):
        if not module.name.startswith("vggish_tf.integrations."):
            importlib.import_module(module.name)
    found = keras.saving.get_custom_objects().items()
    return {key.removeprefix(PACKAGE): value for key, value in found if key.startswith(PACKAGE)}


def faults() -> list[str]:
    """Where classes() and RECIPES differ, and what to do."""
    found = classes()
    return [
        f"{name} is registered and has no recipe: add to RECIPES in tests/helpers/registered.py "
        "how one is made and what it is used on"
        for name in sorted(found.keys() - RECIPES.keys())
    ] + [
        f"{name} has a recipe and is not registered: take it out of RECIPES in "
        "tests/helpers/registered.py"
        for name in sorted(RECIPES.keys() - found.keys())
    ]


def use(thing, inputs, **options):
    """A function without arguments: what a layer, model, loss or metric makes of its inputs; of an
    optimizer, two weights after two more steps along them as gradients.
    """
    if isinstance(thing, keras.Optimizer):
        return _steps(thing, inputs)
    if isinstance(thing, keras.Metric):
        return lambda: (thing.reset_state(), thing.update_state(*inputs), thing.result())[-1]
    if isinstance(thing, keras.Loss):
        return lambda: thing(*inputs)
    return lambda: joined(thing(inputs, **options))


def joined(outputs):
    """One tensor, be the outputs of a layer one or several of as many rows."""
    return ops.concatenate(outputs, axis=-1) if isinstance(outputs, list) else outputs


def _steps(optimizer: keras.Optimizer, gradient: np.ndarray):
    layers = [keras.layers.Dense(4, use_bias=False, name=name) for name in ("conv1", "mine")]
    for layer in layers:
        layer.build((None, 3))
        layer.kernel.assign(np.ones((3, 4)))
    weights = [layer.kernel for layer in layers]
    optimizer.build(weights)

    def step_twice():
        for _ in range(2):
            optimizer.apply([ops.convert_to_tensor(gradient)] * 2, weights)
        return ops.stack([weight.value for weight in weights])

    return step_twice
