"""VGGish with a few filters a layer, under its own names: for tests of what is done with a network,
not of the network; and files of its weights, written by TF1 and Keras.

A test whose own code builds networks uses the fixture `small_networks`, which conftest has; a
process of its own calls `shrink()`.
"""

import contextlib
from pathlib import Path

import keras
import numpy as np
import pytest
from labelled_clips import LABELS
from refusals import message_of

from vggish_tf import VGGish, checkpoints
from vggish_tf.jobs import finetune
from vggish_tf.network import backbone

PUBLISHED_NAMES = {  # written out, so that a mistake in the package's table shows
    "conv1": "vggish/conv1",
    "conv2": "vggish/conv2",
    "conv3_1": "vggish/conv3/conv3_1",
    "conv3_2": "vggish/conv3/conv3_2",
    "conv4_1": "vggish/conv4/conv4_1",
    "conv4_2": "vggish/conv4/conv4_2",
    "fc1_1": "vggish/fc1/fc1_1",
    "fc1_2": "vggish/fc1/fc1_2",
    "embedding": "vggish/fc2",
}
VARIABLES = [
    f"{name}/{kind}" for name in PUBLISHED_NAMES.values() for kind in ("weights", "biases")
]
SHAPES = [(3, 3, 1, 4), *[(3, 3, 4, 4)] * 5, (96, 16), (16, 16), (16, 128)]
FILE_NAMES = {"V1": "v1.ckpt", "V2": "v2.ckpt", "keras": "model.keras", "h5": "model.weights.h5"}
KINDS = list(FILE_NAMES)


def shrink(setattr=setattr):
    """Makes every network that is built from now on a small one, TF1's too, and seeded weights."""
    widths = [(name, width and 4) for name, width in backbone.CONVOLUTIONS]
    setattr(backbone, "CONVOLUTIONS", tuple(widths))
    setattr(backbone, "DENSE", (("fc1_1", 16), ("fc1_2", 16), ("embedding", 128)))
    # He et al. 2015, so that three layers of sixteen units let differences through
    setattr(backbone, "_kernel", lambda initializer: keras.initializers.HeNormal(seed=0))
    if keras.config.backend() == "tensorflow":
        _shrink_tf1(setattr)


def _shrink_tf1(setattr):
    import seeded

    from vggish_tf.reference import vggish_slim  # which imports TensorFlow

    def convolutions(slim, net):
        for name, width in backbone.CONVOLUTIONS:
            scope = PUBLISHED_NAMES.get(name, name).removeprefix("vggish/")
            net = (
                slim.conv2d(net, width, scope=scope) if width else slim.max_pool2d(net, scope=scope)
            )
        return net

    def dense_layers(slim, net):
        net = slim.repeat(slim.flatten(net), 2, slim.fully_connected, 16, scope="fc1")
        return slim.fully_connected(net, 128, scope="fc2", activation_fn=None)

    setattr(vggish_slim, "_define_convolutions", convolutions)
    setattr(vggish_slim, "_define_dense_layers", dense_layers)
    setattr(seeded, "SHAPES", dict(zip(PUBLISHED_NAMES.values(), SHAPES, strict=True)))


@contextlib.contextmanager
def shrunken():
    """Every network that is built inside is a small one."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch.setattr)
        yield


def vggish(inputs="examples", **options) -> keras.Model:
    """VGGish(), small and untrained."""
    with shrunken():
        return VGGish(None, inputs=inputs, **options)


def classifier(**options) -> keras.Model:
    """A classifier of LABELS whose network has biases, and so does not count as untrained."""
    keras.utils.set_random_seed(3)
    with shrunken():
        model = finetune.classifier(3, weights=None, labels=LABELS, **options)
    generator = np.random.default_rng(0)
    for name in backbone.LAYER_NAMES:
        bias = model.get_layer(name).bias
        bias.assign(generator.normal(0, 0.1, bias.shape))
    return model


def with_head(model: keras.Model) -> keras.Model:
    """A network that somebody else has put a layer behind."""
    return keras.Model(model.input, keras.layers.Dense(7, name="head")(model.output), name="vggish")


def randomize(model, seed=0):
    """Weights that are not the initializer's, and embeddings of about 1 in size."""
    generator = np.random.default_rng(seed)
    for variable in model.weights:
        fan_in = np.prod(variable.shape[:-1])
        variable.assign(generator.standard_normal(variable.shape) * np.sqrt(2 / fan_in))
    return model


def arrays(model) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.weights]


def by_name(model) -> dict[str, np.ndarray]:
    """Published name → array, with the table written out above."""
    values = (value for name in PUBLISHED_NAMES for value in model.get_layer(name).get_weights())
    return dict(zip(VARIABLES, values, strict=True))


def write_with_tf1(path, values: dict[str, np.ndarray], version="V1") -> Path:
    """A checkpoint by TF1's Saver."""
    import tensorflow as tf  # not by those who only shrink, on another backend

    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = [tf1.get_variable(name, initializer=value) for name, value in values.items()]
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver(variables, write_version=getattr(tf1.train.SaverDef, version))
        saver.save(session, str(path), write_meta_graph=False, write_state=False)
    return path


def write(kind: str, folder: Path, model) -> Path:
    """A file of a model's weights, of one of KINDS."""
    path = folder / FILE_NAMES[kind]
    if kind in ("V1", "V2"):
        return write_with_tf1(path, by_name(model), kind)
    model.save(path) if kind == "keras" else model.save_weights(path)
    return path


def check_nothing_is_loaded(path) -> str:
    """The message of the CheckpointError on loading `path`; asserts that no weight changed."""
    model = randomize(vggish(), seed=1)
    before = arrays(model)
    message = message_of(checkpoints.load_weights, model, path)
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays(model), strict=True))
    return message
