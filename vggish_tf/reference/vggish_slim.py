"""The network as a TF1 graph in tf-slim, with the published names of variables and tensors.

The input is log-mel examples, and the output raw embeddings. tf-slim imports private modules of
TensorFlow, so it is imported only when a graph is defined; everything else works without it.

Source: tensorflow/models research/audioset/vggish/vggish_slim.py, after #9080 removed the ReLU of
the last layer.
"""

import contextlib
import warnings

import tensorflow as tf

from vggish_tf.errors import CheckpointError
from vggish_tf.reference import vggish_params

tf1 = tf.compat.v1


def define_vggish_slim(features_tensor=None, training=False):
    """Adds the network to the current TF1 graph: 18 variables and `vggish/embedding:0`.

    Args:
        features_tensor: (batch, 96, 64) float32, log-mel examples, at least one (TensorFlow's fused
            convolutions fail on none); None makes the placeholder `vggish/input_features:0`.
        training: whether the variables are trainable. It has no other effect: there is no dropout.

    Returns:
        The tensor `vggish/embedding:0`, (batch, 128) float32, before any activation.

    Raises:
        TypeError: features_tensor is a boolean.
        ImportError: tf-slim is missing, or does not fit this TensorFlow.

    Example:
        >>> with tf.Graph().as_default():
        ...     print(define_vggish_slim().name)
        vggish/embedding:0

    Source: vggish_slim.define_vggish_slim.
    """
    if isinstance(features_tensor, bool):
        raise TypeError(
            f"features_tensor must be a tensor or None; received {features_tensor}. Old scripts "
            f"had training there: write define_vggish_slim(training={features_tensor})."
        )
    slim = _import_slim()
    with _layer_defaults(slim, training), tf1.variable_scope("vggish"):
        if features_tensor is None:
            shape = (None, vggish_params.NUM_FRAMES, vggish_params.NUM_BANDS)
            features_tensor = tf1.placeholder(tf.float32, shape=shape, name="input_features")
        image = (-1, vggish_params.NUM_FRAMES, vggish_params.NUM_BANDS, 1)
        net = tf.reshape(features_tensor, image)
        net = _define_dense_layers(slim, _define_convolutions(slim, net))
        return tf.identity(net, name="embedding")


def load_vggish_slim_checkpoint(session, checkpoint_path):
    """Restores the 18 variables of `define_vggish_slim` from a V1 or V2 checkpoint.

    Other variables are not changed.

    Args:
        session: a TF1 session, in whose graph `define_vggish_slim` was called.
        checkpoint_path: the file, or for V2 the prefix of the files.

    Raises:
        CheckpointError: the graph of the session lacks some of the variables.
        ValueError: there is no such checkpoint.
        tf.errors.NotFoundError, tf.errors.InvalidArgumentError: the checkpoint lacks a variable or
            has another shape.

    Example:
        >>> with tf.Graph().as_default(), tf1.Session() as session:  # doctest: +SKIP
        ...     embedding = define_vggish_slim()
        ...     load_vggish_slim_checkpoint(session, "vggish_model.ckpt")

    Source: vggish_slim.load_vggish_slim_checkpoint.
    """
    with tf.Graph().as_default():
        define_vggish_slim(training=False)
        names = {variable.name for variable in tf1.global_variables()}
    with session.graph.as_default():
        variables = [variable for variable in tf1.global_variables() if variable.name in names]
        _check_complete(names, variables)
        saver = tf1.train.Saver(variables, name="vggish_load_pretrained")
        saver.restore(session, str(checkpoint_path))


def _import_slim():
    try:
        import tf_slim
    except Exception as error:  # it uses private modules, so a mismatch can raise any error
        raise ImportError(
            f"the TF1 graph needs tf-slim, which cannot be imported ({type(error).__name__}: "
            f"{error}). Run: pip install tf-slim. Everything outside "
            "vggish_tf.reference.vggish_slim works without it."
        ) from error
    return tf_slim


@contextlib.contextmanager
def _layer_defaults(slim, training):
    """Arguments that the layers share; all but the last have a ReLU."""
    with (
        # tf-slim calls deprecated functions of TensorFlow
        warnings.catch_warnings(action="ignore", category=UserWarning),
        slim.arg_scope(
            [slim.conv2d, slim.fully_connected],
            weights_initializer=tf1.truncated_normal_initializer(stddev=vggish_params.INIT_STDDEV),
            biases_initializer=tf1.zeros_initializer(),
            activation_fn=tf.nn.relu,
            trainable=training,
        ),
        slim.arg_scope([slim.conv2d], kernel_size=[3, 3], stride=1, padding="SAME"),
        slim.arg_scope([slim.max_pool2d], kernel_size=[2, 2], stride=2, padding="SAME"),
    ):
        yield


def _define_convolutions(slim, net):
    """(batch, 96, 64, 1) → (batch, 6, 4, 512)."""
    net = slim.conv2d(net, 64, scope="conv1")
    net = slim.max_pool2d(net, scope="pool1")
    net = slim.conv2d(net, 128, scope="conv2")
    net = slim.max_pool2d(net, scope="pool2")
    net = slim.repeat(net, 2, slim.conv2d, 256, scope="conv3")
    net = slim.max_pool2d(net, scope="pool3")
    net = slim.repeat(net, 2, slim.conv2d, 512, scope="conv4")
    return slim.max_pool2d(net, scope="pool4")


def _define_dense_layers(slim, net):
    """(batch, 6, 4, 512) → (batch, 128), before any activation."""
    net = slim.flatten(net)  # (batch, 12288)
    net = slim.repeat(net, 2, slim.fully_connected, 4096, scope="fc1")
    return slim.fully_connected(net, vggish_params.EMBEDDING_SIZE, scope="fc2", activation_fn=None)


def _check_complete(names, variables):
    missing = sorted(names - {variable.name for variable in variables})
    if missing:
        raise CheckpointError(
            f"the graph of this session lacks {len(missing)} of the {len(names)} VGGish variables, "
            f"first {missing[0]!r}. Call define_vggish_slim() in it first. Nothing was restored."
        )
