"""A checkpoint in the published format and names, with weights from a seed: what tests use for the
published file.

The published weights cannot be in the repository and need a network to fetch. These are as large,
have the same 18 names, and give embeddings of real sound with about the published spread (standard
deviation 0.2 to 0.4, half of them negative), different for different examples. They mean nothing:
similar sounds are not near each other.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ENDPOINTS = {  # a layer's name → the tensor that leaves it, after its ReLU
    "input_features": "vggish/input_features:0",
    "conv1": "vggish/conv1/Relu:0",
    "pool1": "vggish/pool1/MaxPool:0",
    "conv2": "vggish/conv2/Relu:0",
    "pool2": "vggish/pool2/MaxPool:0",
    "conv3_1": "vggish/conv3/conv3_1/Relu:0",
    "conv3_2": "vggish/conv3/conv3_2/Relu:0",
    "pool3": "vggish/pool3/MaxPool:0",
    "conv4_1": "vggish/conv4/conv4_1/Relu:0",
    "conv4_2": "vggish/conv4/conv4_2/Relu:0",
    "pool4": "vggish/pool4/MaxPool:0",
    "fc1_1": "vggish/fc1/fc1_1/Relu:0",
    "fc1_2": "vggish/fc1/fc1_2/Relu:0",
    "embedding": "vggish/embedding:0",
}
SHAPES = {  # the published layers, in the order of the data
    "vggish/conv1": (3, 3, 1, 64),
    "vggish/conv2": (3, 3, 64, 128),
    "vggish/conv3/conv3_1": (3, 3, 128, 256),
    "vggish/conv3/conv3_2": (3, 3, 256, 256),
    "vggish/conv4/conv4_1": (3, 3, 256, 512),
    "vggish/conv4/conv4_2": (3, 3, 512, 512),
    "vggish/fc1/fc1_1": (12288, 4096),
    "vggish/fc1/fc1_2": (4096, 4096),
    "vggish/fc2": (4096, 128),
}
# standard deviation 0.32 for a 1 kHz sine, 0.22 for a street, 0.37 for noise and sweeps
EMBEDDING_GAIN = 0.6


def seeded_weights(seed: int = 0) -> dict[str, np.ndarray]:
    """The 18 variables by name, float32: He weights that sum to zero into each unit, and biases
    that are not zero.

    Without the zero sums, what all log-mels have in common (their mean is far from 0) would drown
    their differences.
    """
    generator = np.random.default_rng(seed)
    weights = {}
    for layer, shape in SHAPES.items():
        fan_in = int(np.prod(shape[:-1]))
        kernel = generator.standard_normal(shape, dtype=np.float32)
        kernel -= kernel.mean(axis=tuple(range(len(shape) - 1)))
        gain = EMBEDDING_GAIN if layer == "vggish/fc2" else 1.0
        weights[f"{layer}/weights"] = kernel * np.float32(gain * np.sqrt(2 / fan_in))
        weights[f"{layer}/biases"] = generator.normal(0.0, 0.1 * gain, shape[-1]).astype(np.float32)
    return weights


def write_seeded_checkpoint(path, version: str = "V1", seed: int = 0) -> Path:
    """Writes `seeded_weights(seed)` as TF1's Saver does: V1 is the one file `path`, V2 several that
    begin with it.
    """
    import tensorflow as tf

    from vggish_tf.reference import vggish_slim

    tf1 = tf.compat.v1
    weights = seeded_weights(seed)
    with tf.Graph().as_default(), tf1.Session() as session:
        vggish_slim.define_vggish_slim()
        for variable in tf1.global_variables():
            variable.load(weights[variable.op.name], session)
        saver = tf1.train.Saver(write_version=getattr(tf1.train.SaverDef, version))
        saver.save(session, str(path), write_meta_graph=False, write_state=False)
    return Path(path)


class SlimSession:
    """VGGish as upstream runs it; call it with examples and the names of endpoints."""

    def __init__(self, session):
        self.session = session

    def __call__(self, examples, *endpoints: str):
        """The named tensors for (batch, 96, 64): one array for one name ("embedding" if none), else
        a list.
        """
        fetches = [ENDPOINTS.get(name, name) for name in endpoints or ("embedding",)]
        values = self.session.run(fetches, feed_dict={ENDPOINTS["input_features"]: examples})
        return values if len(endpoints) > 1 else values[0]


@contextlib.contextmanager
def slim_session(path) -> Iterator[SlimSession]:
    """The tf-slim graph with the checkpoint restored.

    with slim_session(path) as run:
        pool4, embedding = run(examples, "pool4", "embedding")
    """
    import tensorflow as tf

    from vggish_tf.reference import vggish_slim

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vggish_slim.define_vggish_slim()
        vggish_slim.load_vggish_slim_checkpoint(session, path)
        yield SlimSession(session)
