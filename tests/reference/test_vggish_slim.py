"""The tf-slim graph against a forward pass in NumPy, layer by layer, and as old scripts use it."""

import numpy as np
import pytest
import seeded
import soundfile
import tensorflow as tf
from numpy_network import numpy_layers

from vggish_tf.errors import CheckpointError
from vggish_tf.reference import vggish_input, vggish_params, vggish_postprocess, vggish_slim

tf1 = tf.compat.v1

# Of a layer's largest value, float32 against float64. It grows with depth, from 1.5e-7 at conv1 to
# 4.5e-6 at the embedding, the worst seen; the order of the sums depends on the batch and the CPU.
# bfloat16 would be 4e-3 off.
FLOAT32 = 2e-5


@pytest.fixture(scope="module")
def examples():
    """Two examples of real size and unlike content: the smoke test's sine, and noise that rises."""
    time = np.arange(0, 0.975, 1 / 16000)
    noise = np.random.default_rng(2).normal(size=time.size) * time
    sounds = [np.sin(2 * np.pi * 1000 * time), 0.1 * noise]
    return np.concatenate(
        [vggish_input.waveform_to_examples(sound, 16000) for sound in sounds]
    ).astype(np.float32)


@pytest.fixture(scope="module")
def run(seeded_checkpoint):
    with seeded.slim_session(seeded_checkpoint) as session:
        yield session


def test_every_layer_is_numpy_s(run, examples):
    layers = dict(numpy_layers(examples, seeded.seeded_weights()))
    assert set(layers) == set(seeded.ENDPOINTS) - {"input_features"}
    for (name, expected), got in zip(layers.items(), run(examples, *layers), strict=True):
        assert (got.shape, got.dtype) == (expected.shape, np.float32)
        np.testing.assert_allclose(
            got, expected, rtol=0, atol=FLOAT32 * np.abs(expected).max(), err_msg=name
        )


def test_embedding_has_no_activation(run, examples):
    embedding = run(examples)
    assert embedding.shape == (2, 128)
    assert 0.3 < (embedding < 0).mean() < 0.7
    assert run(examples, "fc1_2").min() == 0


def test_seeded_embeddings_of_real_sound_spread_as_real_ones_do(run, shared_data):
    """About 0.34, as published, and different by example; tests that compare rely on it."""
    embedding = run(vggish_input.wavfile_to_examples(shared_data / "audio" / "bus_chatter.wav"))
    assert embedding.shape == (19, 128)
    assert 0.15 < embedding.std() < 0.6
    assert embedding.std(axis=0).mean() > 0.5 * embedding.std()
    assert 0.3 < (embedding < 0).mean() < 0.7


def test_one_example_stays_a_batch(run, examples):
    np.testing.assert_allclose(run(examples[:1]), run(examples)[:1], rtol=0, atol=FLOAT32)


@pytest.mark.parametrize("training", [False, True])
def test_variables_are_the_published_ones(training):
    with tf.Graph().as_default() as graph:
        embedding = vggish_slim.define_vggish_slim(training=training)
        shapes = {variable.op.name: tuple(variable.shape) for variable in tf1.global_variables()}
        trainable = len(tf1.trainable_variables())
    expected = {f"{layer}/weights": shape for layer, shape in seeded.SHAPES.items()}
    expected |= {f"{layer}/biases": shape[-1:] for layer, shape in seeded.SHAPES.items()}
    assert shapes == expected
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 72_141_184
    assert trainable == (18 if training else 0)
    assert embedding is graph.get_tensor_by_name(vggish_params.OUTPUT_TENSOR_NAME)
    placeholder = graph.get_tensor_by_name(vggish_params.INPUT_TENSOR_NAME)
    assert (placeholder.shape.as_list(), placeholder.dtype) == ([None, 96, 64], tf.float32)
    assert (embedding.shape.as_list(), embedding.dtype) == ([None, 128], tf.float32)


def test_initializers_are_upstream_s():
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.set_random_seed(1)
        vggish_slim.define_vggish_slim()
        by_name = {variable.op.name: variable for variable in tf1.global_variables()}
        kernel, bias = (
            by_name["vggish/conv3/conv3_1/weights"],
            by_name["vggish/conv3/conv3_1/biases"],
        )
        session.run([kernel.initializer, bias.initializer])
        kernel, bias = session.run([kernel, bias])
    assert np.abs(kernel).max() <= 0.02  # truncated at two standard deviations of 0.01
    # which leaves 0.88 of it; 294,912 numbers: ±1.2e-5
    assert kernel.std() == pytest.approx(0.0088, abs=1e-4)
    assert not bias.any()


@pytest.mark.parametrize("misplaced", [True, False])
def test_a_boolean_for_the_features_is_an_error_that_says_so(misplaced):
    message = (
        f"features_tensor must be a tensor or None; received {misplaced}.*training={misplaced}"
    )
    with tf.Graph().as_default() as graph, pytest.raises(TypeError, match=message):
        vggish_slim.define_vggish_slim(misplaced)
    assert not graph.get_operations()


def test_graph_without_vggish_is_an_error(seeded_checkpoint):
    with (
        tf.Graph().as_default(),
        tf1.Session() as session,
        pytest.raises(
            CheckpointError, match=r"lacks 18 of the 18 VGGish variables.*define_vggish_slim"
        ),
    ):
        vggish_slim.load_vggish_slim_checkpoint(session, seeded_checkpoint)


def test_missing_checkpoint_is_a_value_error(tmp_path):
    with tf.Graph().as_default(), tf1.Session() as session:
        vggish_slim.define_vggish_slim()
        with pytest.raises(ValueError, match="not a valid checkpoint"):
            vggish_slim.load_vggish_slim_checkpoint(session, tmp_path / "none.ckpt")


def test_v1_is_one_file_of_the_published_size(seeded_checkpoint):
    assert [path.name for path in seeded_checkpoint.parent.iterdir()] == ["vggish_model.ckpt"]
    assert 288.5e6 < seeded_checkpoint.stat().st_size < 288.7e6


def test_v2_restores_as_v1(run, examples, tmp_path):
    path = seeded.write_seeded_checkpoint(tmp_path / "v2.ckpt", version="V2")
    files = sorted(tmp_path.iterdir())
    try:
        assert [file.name for file in files] == ["v2.ckpt.data-00000-of-00001", "v2.ckpt.index"]
        with seeded.slim_session(path) as run_v2:
            np.testing.assert_array_equal(run_v2(examples), run(examples))
    finally:
        for file in files:
            file.unlink()


def test_an_inference_script_changes_only_its_imports(run, seeded_checkpoint, pca_params, tmp_path):
    """The steps of upstream's inference demo, outside the imports as it would write them."""
    wav_file = str(tmp_path / "clip.wav")
    sound = np.random.default_rng(4).uniform(-0.3, 0.3, (88_200, 2))
    soundfile.write(wav_file, sound, 44_100, subtype="PCM_16")

    examples_batch = vggish_input.wavfile_to_examples(wav_file)
    pproc = vggish_postprocess.Postprocessor(str(pca_params))
    with tf.Graph().as_default(), tf1.Session() as sess:
        vggish_slim.define_vggish_slim(training=False)
        vggish_slim.load_vggish_slim_checkpoint(sess, str(seeded_checkpoint))
        features_tensor = sess.graph.get_tensor_by_name(vggish_params.INPUT_TENSOR_NAME)
        embedding_tensor = sess.graph.get_tensor_by_name(vggish_params.OUTPUT_TENSOR_NAME)
        [embedding_batch] = sess.run(
            [embedding_tensor], feed_dict={features_tensor: examples_batch}
        )
    postprocessed_batch = pproc.postprocess(embedding_batch)

    assert (postprocessed_batch.shape, postprocessed_batch.dtype) == ((2, 128), np.uint8)
    np.testing.assert_array_equal(embedding_batch, run(examples_batch))


# tf-slim, called by the script itself
@pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")
def test_a_training_script_changes_only_its_imports(seeded_checkpoint, examples):
    """The steps of upstream's training demo: a head, the checkpoint below it, two steps."""
    import tf_slim as slim

    with tf.Graph().as_default(), tf1.Session() as sess:
        embeddings = vggish_slim.define_vggish_slim(training=True)
        with tf1.variable_scope("mymodel"):
            logits = slim.fully_connected(
                tf.nn.relu(embeddings), 2, activation_fn=None, scope="logits"
            )
        labels = tf.constant([[1.0, 0.0], [0.0, 1.0]])
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels))
        step = tf1.train.GradientDescentOptimizer(1e-3).minimize(loss)
        sess.run(tf1.global_variables_initializer())
        vggish_slim.load_vggish_slim_checkpoint(sess, str(seeded_checkpoint))
        features = sess.graph.get_tensor_by_name(vggish_params.INPUT_TENSOR_NAME)
        first = next(
            variable
            for variable in tf1.trainable_variables()
            if variable.op.name == "vggish/conv1/weights"
        )
        before = sess.run(first)
        losses = [sess.run([loss, step], feed_dict={features: examples})[0] for _ in range(2)]
        np.testing.assert_array_equal(before, seeded.seeded_weights()["vggish/conv1/weights"])
        assert (sess.run(first) != before).any()
    assert losses[1] < losses[0]


def test_features_may_be_a_tensor(run, examples, seeded_checkpoint):
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        embedding = vggish_slim.define_vggish_slim(tf.constant(examples))
        vggish_slim.load_vggish_slim_checkpoint(session, seeded_checkpoint)
        np.testing.assert_array_equal(session.run(embedding), run(examples))
        assert not [
            op for op in graph.get_operations() if op.type == "Placeholder" and "input" in op.name
        ]
