"""TF1 checkpoints with more than the 18 variables: the 18 are loaded, the others named once."""

import dataclasses
import hashlib
import logging
import re

import numpy as np
import pytest
import tensorflow as tf
from small_network import (
    VARIABLES,
    arrays,
    by_name,
    check_nothing_is_loaded,
    vggish,
    write_with_tf1,
)

from vggish_tf import checkpoints
from vggish_tf.network import backbone
from vggish_tf.weights import known

tf1 = tf.compat.v1
pytestmark = pytest.mark.usefixtures("small_networks")


def write_training_demo(path, values, version="V1"):
    """A checkpoint as upstream's vggish_train_demo.py saves it: VGGish, `mymodel`, Adam's state."""
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = [tf1.get_variable(name, initializer=value) for name, value in values.items()]
        with tf1.variable_scope("mymodel"):
            variables += [
                tf1.get_variable(f"{layer}/weights", (3, 2)) for layer in ("fc", "logits")
            ]
            with tf1.variable_scope("train"):
                step = tf1.train.create_global_step()
                loss = tf.add_n([tf.reduce_sum(variable) for variable in variables])
                tf1.train.AdamOptimizer(0.0, epsilon=1e-8).minimize(loss, global_step=step)
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver(write_version=getattr(tf1.train.SaverDef, version)).save(session, str(path))
    return path


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_checkpoint_of_upstreams_training_demo_loads(version, tmp_path, source):
    path = write_training_demo(tmp_path / "training.ckpt", by_name(source), version)
    names = {name for name, _ in tf.train.list_variables(str(path))}
    assert {
        "mymodel/train/vggish/conv1/weights/Adam",
        "mymodel/train/global_step",
        "mymodel/logits/weights",
    } <= names
    model = vggish()
    checkpoints.load_weights(model, path)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(source), arrays(model), strict=True))
    assert sorted(checkpoints.read(path)) == sorted(VARIABLES)


@pytest.mark.parametrize(
    "stranger",
    [
        "vggish/fc2/weights/ExponentialMovingAverage",
        "mylayer/fc1/weights",
        "fc2/Adam",
        "vggish/fc3/biases",
    ],
)
def test_the_others_are_named_once_in_a_log_line(stranger, tmp_path, source, caplog):
    values = {**by_name(source), stranger: np.zeros(2, np.float32), "step": np.int64(3)}
    path = write_with_tf1(tmp_path / "model.ckpt", values)
    with caplog.at_level(logging.INFO, "vggish_tf"):
        checkpoints.load_weights(vggish(), path)
    assert said_in(caplog) == [
        f"checkpoint {str(path)!r} holds 2 variables besides VGGish's, which are not loaded: "
        + ", ".join(sorted([f"{stranger!r}", "'step'"]))
    ]


def test_without_others_nothing_is_logged(caplog, written):
    with caplog.at_level(logging.INFO, "vggish_tf"):
        for path in written.values():
            checkpoints.load_weights(vggish(), path)
    assert said_in(caplog) == []


def said_in(caplog) -> list[str]:
    """The lines of our own logger; TensorFlow has much to say of V1."""
    return [record.message for record in caplog.records if record.name == "vggish_tf"]


def test_beside_others_what_is_missing_is_an_error(tmp_path, source):
    values = by_name(source)
    del values["vggish/conv2/biases"]
    message = check_nothing_is_loaded(write_training_demo(tmp_path / "training.ckpt", values))
    assert "; missing 'vggish/conv2/biases' (4,). Nothing was loaded." in message


def test_beside_others_a_wrong_shape_is_an_error(tmp_path, source):
    values = {**by_name(source), "vggish/conv2/biases": np.zeros(3, np.float32)}
    message = check_nothing_is_loaded(write_training_demo(tmp_path / "training.ckpt", values))
    assert "wrong shape: 'vggish/conv2/biases' is (3,), the model has (4,)." in message


def test_verify_says_which_known_file_it_is(tmp_path, source, monkeypatch):
    """By a digest that md5sum would give."""
    path = write_with_tf1(tmp_path / "mine", by_name(source))
    assert "known as" not in str(checkpoints.verify(path))
    known_file = dataclasses.replace(
        known.TORCHAUDIO, md5=hashlib.md5(path.read_bytes()).hexdigest()
    )
    monkeypatch.setattr(known, "OTHERS", (known_file,))
    report = str(checkpoints.verify(path))
    assert "\nknown as     vggish.pt of torchaudio; licence: BSD-2-Clause, Apache-2.0\n" in report


def test_verify_names_the_others_in_its_report(tmp_path, pca_params):
    core = backbone.network()
    values = {
        name: np.array(getattr(core.get_layer(layer), attribute))
        for layer, scope in checkpoints.LAYERS.items()
        for name, attribute in ((f"{scope}/weights", "kernel"), (f"{scope}/biases", "bias"))
    }
    alone = write_with_tf1(tmp_path / "alone.ckpt", values)
    report = checkpoints.verify(alone, pca=pca_params)
    assert report.extras == ()
    assert "not loaded" not in str(report)
    more = {f"my/{n}": np.float32(n) for n in range(6)}
    path = write_with_tf1(tmp_path / "more.ckpt", {**values, **more})
    report = checkpoints.verify(path, pca=pca_params)
    assert report.extras == tuple(f"my/{n}" for n in range(6))
    assert re.search(
        r"^not loaded   6 others: 'my/0', 'my/1', 'my/2', 'my/3', and 2 more$",
        str(report),
        re.MULTILINE,
    )


# TF1 checkpoints of other kinds


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_partitioned_variables_are_put_together(version, tmp_path, source):
    """Oracle: TF1's Saver, which writes the parts under the name of the whole."""
    values = by_name(source)
    with tf.Graph().as_default(), tf1.Session() as session:
        for name, value in values.items():
            axis = value.ndim - 1
            parts = iter(np.array_split(value, 3, axis))
            tf1.get_variable(
                name,
                shape=value.shape,
                initializer=lambda *_, parts=parts, **__: tf.constant(next(parts)),
                partitioner=tf1.fixed_size_partitioner(3, axis=axis),
                use_resource=False,
            )
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver(write_version=getattr(tf1.train.SaverDef, version))
        path = saver.save(session, str(tmp_path / "parts.ckpt"), write_meta_graph=False)
        assert len(tf1.global_variables()) == 3 * len(values)
    model = vggish()
    checkpoints.load_weights(model, path)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(source), arrays(model), strict=True))


@pytest.mark.parametrize("moved", [False, True])
def test_of_a_folder_of_checkpoints_the_last_is_taken(moved, tmp_path, source):
    """Oracle: tf.train.latest_checkpoint, which does not find a folder that was moved."""
    folder = tmp_path / "rûn"
    folder.mkdir()
    values = by_name(source)
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = [tf1.get_variable(name, initializer=value) for name, value in values.items()]
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver(max_to_keep=2)
        for step in range(3):
            session.run([variable.assign(variable + 1) for variable in variables])
            saver.save(session, str(folder / "model.ckpt"), global_step=step)
    assert tf.train.latest_checkpoint(folder) == str(folder / "model.ckpt-2")
    if moved:
        folder = folder.rename(tmp_path / "moved")
    model = vggish()
    identity = checkpoints.load_weights(model, folder)
    assert identity.path == str(folder / "model.ckpt-2")
    for name, value in by_name(model).items():
        np.testing.assert_array_equal(value, values[name] + 1 + 1 + 1, err_msg=name)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("", "names no checkpoint. Give the path of one."),
        ("model_checkpoint_path: 3", "names no checkpoint. Give the path of one."),
        (r'model_checkpoint_path: "\x"', "names no checkpoint. Give the path of one."),
        ('model_checkpoint_path: "gone"', "names the checkpoint 'gone', which is not in its fold"),
        ('model_checkpoint_path: "/etc/passwd"', "names the checkpoint 'passwd', which is not in"),
        ('model_checkpoint_path: ".."', "names no checkpoint. Give the path of one."),
        (r'model_checkpoint_path: "C:\data\model"', "names no checkpoint. Give the path of one."),
        (f'model_checkpoint_path: "{"a" * 5000}"', "names the checkpoint 'aaaaaaaa"),
    ],
)
def test_a_folder_whose_state_names_nothing(state, reason, tmp_path):
    (tmp_path / "checkpoint").write_text(state)
    assert f"{tmp_path / 'checkpoint'} {reason}" in check_nothing_is_loaded(tmp_path)


def test_upstreams_demo_goes_on_from_a_checkpoint_that_is_saved_here(tmp_path, source):
    """As vggish_train_demo.py does: load VGGish's variables, train a step with Adam, save all."""
    path = checkpoints.save_tf1_checkpoint(source, tmp_path / "start.ckpt", version="V1")
    values = by_name(source)
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = {
            name: tf1.get_variable(name, shape=value.shape) for name, value in values.items()
        }
        with tf1.variable_scope("mymodel"):
            step = tf1.train.create_global_step()
            loss = tf.add_n([tf.reduce_sum(variable**2) for variable in variables.values()])
            train = tf1.train.AdamOptimizer(0.01, epsilon=1e-8).minimize(loss, global_step=step)
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver(variables).restore(session, str(path))
        session.run(train)
        expected = session.run(variables)
        path = tf1.train.Saver().save(session, str(tmp_path / "trained"), global_step=step)
    model = vggish()
    checkpoints.load_weights(model, path)
    for name, value in by_name(model).items():
        np.testing.assert_array_equal(value, expected[name])
        assert not np.array_equal(value, values[name])
