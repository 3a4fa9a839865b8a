"""Files of weights as other programs write them, each with the program's own library where there is
one, from values by published name. Names and axes are written out here, so that a mistake in the
package's tables shows.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

FEATURES = (0, 3, 6, 8, 11, 13)  # places of the convolutions in torchvggish's Sequential
EMBEDDINGS = (0, 2, 4)
PCA_SHAPES = {"pca_matrix": (128, 128), "pca_means": (128, 1)}
DTAOO = ("vggish_fc1/fc1_1", "vggish_fc1/fc1_2", "vggish_fc2")
VGGISH_KERAS = ("fc1/fc1_1", "fc1/fc1_2", "fc2")


def as_torch(value: np.ndarray) -> np.ndarray:
    """(height, width, in, out) → (out, in, height, width); (in, out) → (out, in)."""
    if value.ndim == 4:
        value = np.moveaxis(value, [3, 2], [0, 1])
    elif value.ndim == 2:
        value = value.T
    return np.ascontiguousarray(value)


def torch_names(features="features", embeddings="embeddings") -> list[str]:
    layers = [f"{features}.{n}" for n in FEATURES] + [f"{embeddings}.{n}" for n in EMBEDDINGS]
    return [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]


def state_dict(values, *blocks) -> dict:
    torch = pytest.importorskip("torch")
    arrays = [torch.from_numpy(as_torch(value)) for value in values.values()]
    return dict(zip(torch_names(*blocks), arrays, strict=True))


def torchvggish(path: Path, values) -> Path:
    """Its release: a state_dict in the format before PyTorch 1.6."""
    torch = pytest.importorskip("torch")
    torch.save(state_dict(values), path, _use_new_zipfile_serialization=False)
    return path


def torchvggish_with_pca(path: Path, values) -> Path:
    """The state_dict of its whole module, in the format of today."""
    torch = pytest.importorskip("torch")
    more = {"pproc.pca_eigen_vectors": torch.eye(128), "pproc.pca_means": torch.ones(128, 1)}
    torch.save({**state_dict(values), **more}, path)
    return path


def torchaudio(path: Path, values) -> Path:
    torch = pytest.importorskip("torch")
    torch.save(state_dict(values, "features_network", "embedding_network"), path)
    return path


def w_hc_with_classifier(path: Path, values) -> Path:
    torch = pytest.importorskip("torch")
    more = {f"classifier.{n}.weight": torch.ones(3, 128) for n in (0, 2)}
    torch.save({**state_dict(values), **more}, path)
    return path


def training_of_torch(path: Path, values) -> Path:
    """Weights in a dictionary with the state of training, of a module that was run in parallel."""
    torch = pytest.importorskip("torch")
    weights = {f"module.{name}": value for name, value in state_dict(values).items()}
    torch.save({"state_dict": weights, "epoch": 3, "optimizer": {"lr": 0.1}}, path)
    return path


def safetensors_of_torch(path: Path, values) -> Path:
    from safetensors.numpy import save_file

    arrays = [as_torch(value) for value in values.values()]
    save_file(dict(zip(torch_names(), arrays, strict=True)), path)
    return path


def safetensors(path: Path, values) -> Path:
    """Published names, by the safetensors package."""
    from safetensors.numpy import save_file

    save_file(values, path)
    return path


def keras_2(path: Path, values, dense, save="save_weights", postprocess=False) -> Path:
    """Keras 2's .h5, by Keras 2."""
    tf_keras = pytest.importorskip("tf_keras")
    blocks = ["conv1", "conv2", *(f"conv{n}/conv{n}_{m}" for n in (3, 4) for m in (1, 2))]
    kernels = list(values.values())[::2]
    x = source = tf_keras.Input((96, 64, 1), name="input_1")
    for name, kernel in zip(blocks, kernels, strict=False):
        layer = tf_keras.layers.Conv2D(kernel.shape[-1], 3, padding="same", name=name)
        x = layer(x)
        if name not in ("conv3/conv3_1", "conv4/conv4_1"):
            x = tf_keras.layers.MaxPooling2D(2)(x)
    x = tf_keras.layers.Flatten(name="flatten_")(x)
    for name, kernel in zip(dense, kernels[len(blocks) :], strict=True):
        x = tf_keras.layers.Dense(kernel.shape[-1], name=name)(x)
    arrays = list(values.values())
    if postprocess:
        x = _postprocess(tf_keras)(x)
        arrays += [np.full(shape, 2.5, np.float32) for shape in PCA_SHAPES.values()]
    model = tf_keras.Model(source, x, name="model")
    model.set_weights(arrays)
    getattr(model, save)(str(path))
    return path


def _postprocess(tf_keras):
    """A layer with the variables of vggish-keras's, whose name Keras makes of its class's."""

    class Postprocess(tf_keras.layers.Layer):
        def build(self, input_shape):
            for name, shape in PCA_SHAPES.items():
                self.add_weight(name=name, shape=shape)

        def call(self, x):
            return x

    return Postprocess()


def dtaoo(path: Path, values) -> Path:
    return keras_2(path, values, DTAOO)


def vggish_keras(path: Path, values) -> Path:
    return keras_2(path, values, VGGISH_KERAS, postprocess=True)


def whole_keras_2_model(path: Path, values) -> Path:
    return keras_2(path, values, VGGISH_KERAS, save="save")


def published_saved_model(path: Path, values) -> Path:
    """A SavedModel of TF1, with the published names."""
    import tensorflow as tf

    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = [tf1.get_variable(name, initializer=value) for name, value in values.items()]
        session.run(tf1.global_variables_initializer())
        source = tf1.placeholder(tf.float32, (None,), name="x")
        sides = {"x": source}, {"y": source + tf.reduce_sum(variables[1])}
        tf1.saved_model.simple_save(session, str(path), *sides)
    return path


def saved_model_of_objects(path: Path, values) -> Path:
    """A SavedModel of a tf.Module with the published names, such as TF-Hub's."""
    import tensorflow as tf

    module = tf.Module()
    module.all = [tf.Variable(value, name=name) for name, value in values.items()]
    module.step = tf.Variable(3, name="step")
    module.f = tf.function(lambda: module.all[1], input_signature=[])
    tf.saved_model.save(module, str(path))
    return path


def frozen_graph(path: Path, values, prefix="model/vggish", names=None) -> Path:
    """A GraphDef as Essentia names its own: model/Placeholder → model/vggish/embeddings."""
    import tensorflow as tf

    tf1 = tf.compat.v1
    names = names or [name.removeprefix("vggish/") for name in values]
    arrays = iter(zip(names, values.values(), strict=True))
    with tf.Graph().as_default() as graph:

        def constant():
            name, value = next(arrays)
            return tf.identity(tf.constant(value, name=f"{prefix}/{name}"), name="read")

        x = tf1.placeholder(tf.float32, (None, 96, 64), name="model/Placeholder")
        x = x[..., tf.newaxis]
        for pool in (True, True, False, True, False, True):
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, constant(), 1, "SAME"), constant()))
            x = tf.nn.max_pool2d(x, 2, 2, "SAME") if pool else x
        x = tf.reshape(x, (-1, int(np.prod(x.shape[1:]))))
        for activation in (tf.nn.relu, tf.nn.relu, tf.identity):
            x = activation(tf.nn.bias_add(tf.matmul(x, constant()), constant()))
        tf.identity(x, name="model/vggish/embeddings")
        head = tf.constant(np.ones((128, 2), np.float32))
        tf.nn.softmax(tf.matmul(x, head))  # a classifier behind it
        path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def onnx(path: Path, values, flatten="bhwc") -> Path:
    """A graph as PyTorch exports torchvggish: initializers numbered, two Transposes, Gemm."""
    library = pytest.importorskip("onnx")
    make, from_array = library.helper.make_node, library.numpy_helper.from_array
    arrays = [as_torch(value) for value in values.values()]
    if flatten == "bchw":
        arrays[12] = rows_channels_first(values["vggish/fc1/fc1_1/weights"]).T.copy()
    shape = np.array([-1, arrays[12].shape[1]], np.int64)
    tensors = [from_array(value, f"onnx::{100 + n}") for n, value in enumerate(arrays)]
    tensors.append(from_array(shape, "shape"))
    nodes, x, inputs = [], "x", iter(tensors)

    def add(op, *more, **attributes):
        nonlocal x
        nodes.append(make(op, [x, *more], [f"y{len(nodes)}"], **attributes))
        x = nodes[-1].output[0]

    for pool in (True, True, False, True, False, True):
        add("Conv", next(inputs).name, next(inputs).name, pads=[1] * 4, kernel_shape=[3, 3])
        add("Relu")
        if pool:
            add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    if flatten == "bhwc":
        add("Transpose", perm=[0, 3, 2, 1])
        add("Transpose", perm=[0, 2, 1, 3])
    add("Reshape", "shape")
    for _ in range(3):
        add("Gemm", next(inputs).name, next(inputs).name, transB=1)
        add("Relu")
    info = library.helper.make_tensor_value_info
    sides = [info("x", 1, [None, 1, 96, 64])], [info(x, 1, [None, 128])]
    model = library.helper.make_model(library.helper.make_graph(nodes, "g", *sides, tensors))
    library.checker.check_model(model)
    library.save(model, path)
    return path


def onnx_channels_first(path: Path, values) -> Path:
    """A graph that flattens channel, height, width."""
    return onnx(path, values, flatten="bchw")


def rows_channels_first(kernel: np.ndarray) -> np.ndarray:
    """The kernel of a dense layer behind 6×4 pixels: row by row into the other order."""
    channels = len(kernel) // 24
    moved = np.empty_like(kernel)
    for pixel in range(24):
        for channel in range(channels):
            moved[channel * 24 + pixel] = kernel[pixel * channels + channel]
    return moved


def own_keras(path: Path, values, save="save") -> Path:
    from vggish_tf.network import backbone

    model = backbone.network()
    for layer, (kernel, bias) in zip(
        backbone.LAYER_NAMES, zip(*[iter(values.values())] * 2, strict=True), strict=True
    ):
        model.get_layer(layer).set_weights([kernel, bias])
    getattr(model, save)(path)
    return path


def own_weights(path: Path, values) -> Path:
    return own_keras(path, values, "save_weights")


def keras_saved_model(path: Path, values) -> Path:
    """A SavedModel by Keras's own export."""
    own_keras(path.with_suffix(".keras"), values)
    keras.saving.load_model(path.with_suffix(".keras")).export(path, verbose=False)
    return path


# a file's name → its writer
WRITERS = {
    "torchvggish.pth": torchvggish,
    "torchvggish_with_pca.pth": torchvggish_with_pca,
    "torchaudio.pt": torchaudio,
    "w-hc.pth": w_hc_with_classifier,
    "training.pth": training_of_torch,
    "torch.safetensors": safetensors_of_torch,
    "published.safetensors": safetensors,
    "dtaoo.h5": dtaoo,
    "vggish_keras.h5": vggish_keras,
    "whole_model.h5": whole_keras_2_model,
    "saved_model": published_saved_model,
    "tf_hub": saved_model_of_objects,
    "keras_export": keras_saved_model,
    "essentia.pb": frozen_graph,
    "torch.onnx": onnx,
    "channels_first.onnx": onnx_channels_first,
    "own.keras": own_keras,
    "own.weights.h5": own_weights,
}

# three of them, and with -m slow the others
_FIRST = ("torchvggish.pth", "vggish_keras.h5", "torch.onnx")
SOME = [pytest.param(name, marks=[] if name in _FIRST else [pytest.mark.slow]) for name in WRITERS]
