"""A network with VGGish's layer names and a few numbers a layer, and files of its weights written
by TF1 and Keras.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from refusals import message_of

from vggish_tf import checkpoints

tf1 = tf.compat.v1
NAMES = [  # written out, so that a mistake in the package's table shows
    *("vggish/conv1", "vggish/conv2", "vggish/conv3/conv3_1", "vggish/conv3/conv3_2"),
    *(
        "vggish/conv4/conv4_1",
        "vggish/conv4/conv4_2",
        "vggish/fc1/fc1_1",
        "vggish/fc1/fc1_2",
        "vggish/fc2",
    ),
]
VARIABLES = [f"{name}/{kind}" for name in NAMES for kind in ("weights", "biases")]
CONVOLUTIONS = ["conv1", "conv2", "conv3_1", "conv3_2", "conv4_1", "conv4_2"]
KINDS = ["V1", "V2", "keras", "h5"]


def small(
    convolutions=CONVOLUTIONS, *, postprocess=False, head=False, dtype="float32"
) -> keras.Model:
    """A network of VGGish's layer names; all convolutions but conv1 have the same shapes."""
    x = source = keras.Input((4, 4, 2))
    for name in convolutions:
        x = keras.layers.Conv2D(2, 3, padding="same", name=name, dtype=dtype)(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for name, units in (("fc1_1", 5), ("fc1_2", 5), ("embedding", 3)):
        x = keras.layers.Dense(units, name=name, dtype=dtype)(x)
    if postprocess:
        x = keras.layers.Dense(3, name="postprocess")(x)
    if head:
        x = keras.layers.Dense(7, name="head")(x)
    return keras.Model(source, x, name="vggish")


def randomize(model, seed=0):
    generator = np.random.default_rng(seed)
    for variable in model.weights:
        variable.assign(generator.standard_normal(variable.shape))
    return model


def arrays(model) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.weights]


def by_layer(model) -> dict[str, np.ndarray]:
    """Published name → array, with the table written out above."""
    layers = [*CONVOLUTIONS, "fc1_1", "fc1_2", "embedding"]
    values = (value for name in layers for value in model.get_layer(name).get_weights()[:2])
    return dict(zip(VARIABLES, values, strict=True))


def write_with_tf1(path, values: dict[str, np.ndarray], version="V1") -> Path:
    """A checkpoint by TF1's Saver."""
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = [tf1.get_variable(name, initializer=value) for name, value in values.items()]
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver(variables, write_version=getattr(tf1.train.SaverDef, version))
        saver.save(session, str(path), write_meta_graph=False, write_state=False)
    return path


def write(kind: str, folder: Path, model) -> Path:
    path = (
        folder
        / {"V1": "v1.ckpt", "V2": "v2.ckpt", "keras": "model.keras", "h5": "model.weights.h5"}[kind]
    )
    if kind in ("V1", "V2"):
        return write_with_tf1(path, by_layer(model), kind)
    model.save(path) if kind == "keras" else model.save_weights(path)
    return path


def check_nothing_is_loaded(path) -> str:
    """The message of the CheckpointError on loading `path`; asserts that no weight changed."""
    model = randomize(small(), seed=1)
    before = arrays(model)
    message = message_of(checkpoints.load_weights, model, path)
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays(model), strict=True))
    return message
