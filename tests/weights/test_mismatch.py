"""Weights that do not fit: missing, left over, wrong shapes and values. Nothing is loaded."""

import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from refusals import message_of
from small_network import (
    KINDS,
    by_name,
    check_nothing_is_loaded,
    randomize,
    vggish,
    with_head,
    write,
    write_with_tf1,
)

from vggish_tf import checkpoints

tf1 = tf.compat.v1


def test_leftovers_on_both_sides_are_named(tmp_path, source):
    values = by_name(source)
    del values["vggish/fc1/fc1_2/weights"]
    path = write_with_tf1(
        tmp_path / "model.ckpt", {**values, "vggish/fc3/weights": np.zeros((2, 2), np.float32)}
    )
    assert check_nothing_is_loaded(path) == (
        "checkpoint does not match the model: unused 'vggish/fc3/weights'; missing "
        "'vggish/fc1/fc1_2/weights' (16, 16). Nothing was loaded."
    )


def test_a_wrong_shape_is_named_even_where_it_could_be_broadcast(tmp_path, source):
    values = {**by_name(source), "vggish/fc2/biases": np.zeros(1, np.float32)}
    assert check_nothing_is_loaded(write_with_tf1(tmp_path / "model.ckpt", values)) == (
        "checkpoint does not match the model: wrong shape: 'vggish/fc2/biases' is (1,), the model "
        "has (128,). Nothing was loaded."
    )


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_a_keras_file_with_a_head_is_not_a_vggish(kind, tmp_path):
    message = check_nothing_is_loaded(write(kind, tmp_path, randomize(with_head(vggish()))))
    assert message.endswith("unused 'head/kernel', 'head/bias'. Nothing was loaded.")


def test_a_long_list_of_leftovers_is_cut(tmp_path):
    values = {f"resnet/layer{index}": np.zeros(2, np.float32) for index in range(9)}
    message = check_nothing_is_loaded(write_with_tf1(tmp_path / "model.ckpt", values))
    assert (
        "unused 'resnet/layer0', 'resnet/layer1', 'resnet/layer2', 'resnet/layer3', and 5 more; "
        "missing" in message
    )
    assert "'vggish/conv2/biases' (4,), and 14 more. Nothing was loaded." in message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(kind, value, tmp_path):
    model = randomize(vggish())
    kernel = model.get_layer("fc1_1").kernel
    kernel.assign(np.where(np.arange(16) == 3, value, kernel))
    path = write(kind, tmp_path, model)
    assert check_nothing_is_loaded(path) == (
        f"cannot read checkpoint '{path}': it has NaN or infinity in 'vggish/fc1/fc1_1/weights'. "
        "Nothing was loaded."
    )


def test_integers_are_not_weights(tmp_path, source):
    path = write_with_tf1(
        tmp_path / "model.ckpt", {**by_name(source), "vggish/fc2/biases": np.zeros(128, np.int32)}
    )
    assert (
        check_nothing_is_loaded(path)
        == f"cannot read checkpoint '{path}': 'vggish/fc2/biases' in the checkpoint is int32, "
        "not floating point."
    )


def test_a_model_that_is_not_a_vggish(written):
    wrong = keras.Sequential([keras.layers.Dense(2, name="conv1")], name="wrong")
    assert message_of(checkpoints.load_weights, wrong, written["V1"]) == (
        "the model 'wrong' has no conv1/kernel: it is not a VGGish."
    )


def test_a_model_with_more_than_a_vggish_would_be_loaded_by_halves(tmp_path, written):
    expected = (
        "the model 'vggish' has weights that no VGGish checkpoint holds: head/kernel, head/bias. "
        "Load, save or export the VGGish inside it."
    )
    assert message_of(checkpoints.load_weights, with_head(vggish()), written["V1"]) == expected
    assert (
        message_of(checkpoints.save_tf1_checkpoint, with_head(vggish()), tmp_path / "model.ckpt")
        == expected
    )
    assert list(tmp_path.iterdir()) == []


def test_two_layers_of_one_name(tmp_path, written):
    path = tmp_path / "model.weights.h5"
    path.write_bytes(written["h5"].read_bytes())
    with h5py.File(path, "a") as file:
        file["layers/conv2d_1/vars"].attrs["name"] = "conv1"
    assert (
        check_nothing_is_loaded(path)
        == f"cannot read checkpoint '{path}': two layers of the file are called 'conv1'. "
        "Nothing was loaded."
    )


def test_a_zip_that_is_no_keras_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as file:
        file.writestr("pca_means.npy", b"")
    assert check_nothing_is_loaded(tmp_path / "model.keras") == (
        f"cannot read checkpoint '{tmp_path / 'model.keras'}': it is an npz, such as that of the "
        "PCA parameters: no weights."
    )
