"""The tf-slim graph as old scripts use it.

The network is small; with -m slow it has the published size, too. See test_full_size.
"""

import numpy as np
import pytest
import seeded
import soundfile
import tensorflow as tf

from vggish_tf.errors import CheckpointError
from vggish_tf.reference import vggish_input, vggish_params, vggish_postprocess, vggish_slim

tf1 = tf.compat.v1

# Of a layer's largest value, float32 against float64. It grows with depth, from 1.5e-7 at conv1 to
# 4.5e-6 at the embedding, the worst seen; the order of the sums depends on the batch and the CPU.
# bfloat16 would be 4e-3 off.
FLOAT32 = 2e-5


@pytest.fixture(scope="module")
def run(sized_checkpoint):
    with seeded.slim_session(sized_checkpoint) as session:
        yield session


def test_one_example_stays_a_batch(run, examples):
    np.testing.assert_allclose(run(examples[:1]), run(examples)[:1], rtol=0, atol=FLOAT32)


@pytest.mark.parametrize("misplaced", [True, False])
def test_a_boolean_for_the_features_is_an_error_that_says_so(misplaced):
    message = (
        f"features_tensor must be a tensor or None; received {misplaced}.*training={misplaced}"
    )
    with tf.Graph().as_default() as graph, pytest.raises(TypeError, match=message):
        vggish_slim.define_vggish_slim(misplaced)
    assert not graph.get_operations()


def test_graph_without_vggish_is_an_error(sized_checkpoint):
    with (
        tf.Graph().as_default(),
        tf1.Session() as session,
        pytest.raises(
            CheckpointError, match=r"lacks 18 of the 18 VGGish variables.*define_vggish_slim"
        ),
    ):
        vggish_slim.load_vggish_slim_checkpoint(session, sized_checkpoint)


def test_missing_checkpoint_is_a_value_error(tmp_path):
    with tf.Graph().as_default(), tf1.Session() as session:
        vggish_slim.define_vggish_slim()
        with pytest.raises(ValueError, match="not a valid checkpoint"):
            vggish_slim.load_vggish_slim_checkpoint(session, tmp_path / "none.ckpt")


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


def test_an_inference_script_changes_only_its_imports(run, sized_checkpoint, pca_params, tmp_path):
    """The steps of upstream's inference demo, outside the imports as it would write them."""
    wav_file = str(tmp_path / "clip.wav")
    sound = np.random.default_rng(4).uniform(-0.3, 0.3, (88_200, 2))
    soundfile.write(wav_file, sound, 44_100, subtype="PCM_16")

    examples_batch = vggish_input.wavfile_to_examples(wav_file)
    pproc = vggish_postprocess.Postprocessor(str(pca_params))
    with tf.Graph().as_default(), tf1.Session() as sess:
        vggish_slim.define_vggish_slim(training=False)
        vggish_slim.load_vggish_slim_checkpoint(sess, str(sized_checkpoint))
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
def test_a_training_script_changes_only_its_imports(sized_checkpoint, examples):
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
        vggish_slim.load_vggish_slim_checkpoint(sess, str(sized_checkpoint))
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


def test_features_may_be_a_tensor(run, examples, sized_checkpoint):
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        embedding = vggish_slim.define_vggish_slim(tf.constant(examples))
        vggish_slim.load_vggish_slim_checkpoint(session, sized_checkpoint)
        np.testing.assert_array_equal(session.run(embedding), run(examples))
        assert not [
            op for op in graph.get_operations() if op.type == "Placeholder" and "input" in op.name
        ]
