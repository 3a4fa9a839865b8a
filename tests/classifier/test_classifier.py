"""The classifier: parts against NumPy, padding, trainable layers, gradients, saving, refusals."""

import keras
import labelled_clips
import numpy as np
import pytest
import signals
import small_network
import tensorflow as tf

import vggish_tf
from vggish_tf import checkpoints
from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs import finetune
from vggish_tf.network import heads
from vggish_tf.weights import pca

EXAMPLE = 15_360  # samples from one example to the next
# float32 sums of 128 and 100 terms in two orders, values about 1.
ATOL = 2e-5


pytestmark = pytest.mark.usefixtures("small_networks")


def embedding_of(model, waveforms) -> np.ndarray:
    """The embeddings of VGGish() with the weights of a classifier."""
    network = vggish_tf.VGGish(None, pad="short")
    checkpoints.copy_weights(finetune.network(model), network)
    return network.predict_on_batch(waveforms)


def clips(lengths) -> np.ndarray:
    """Speech and music of these lengths in one zero-filled batch."""
    waveforms = np.zeros((len(lengths), max(lengths)), np.float32)
    for row, length in enumerate(lengths):
        start = row * 20_000
        waveforms[row, :length] = signals.demo_clip()[start : start + length]
        waveforms[row, length - 1] = 0.01  # a clip ends with a sample that is not zero
    return waveforms


def dense(model, name, x):
    kernel, bias = model.get_layer(name).get_weights()
    return x @ kernel + bias


def softmax(x):
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def numpy_pool(mode, vectors, query):
    if mode == "mean":
        return vectors.mean(axis=0)
    if mode == "max":
        return vectors.max(axis=0)
    return softmax(vectors @ query[:, 0]) @ vectors


@pytest.mark.parametrize("pool", ["mean", "max", "attention"])
def test_head_is_relu_hidden_pool_softmax_in_numpy(pool):
    """Three whole examples, through the network by VGGish() and through the head by NumPy."""
    model = small_network.classifier(pool=pool)
    query = np.random.default_rng(0).normal(size=(100, 1)).astype(np.float32)
    if pool == "attention":
        model.get_layer("pool").set_weights([query])
    waveform = clips([15_600 + 2 * EXAMPLE])
    embedding = embedding_of(model, waveform)[0]
    assert (embedding < 0).any(), "the ReLU has nothing to do"
    hidden = np.maximum(dense(model, "hidden1", np.maximum(embedding, 0)), 0)
    expected = softmax(dense(model, "logits", numpy_pool(pool, hidden, query)))
    np.testing.assert_allclose(model.predict_on_batch(waveform)[0], expected, atol=ATOL)


def test_multi_label_scores_are_sigmoids():
    model = small_network.classifier(multi_label=True, hidden=())
    waveform = clips([15_600])
    logits = dense(model, "logits", np.maximum(embedding_of(model, waveform)[0, 0], 0))
    np.testing.assert_allclose(
        model.predict_on_batch(waveform)[0], 1 / (1 + np.exp(-logits)), atol=ATOL
    )


@pytest.mark.parametrize("pool", ["mean", "max", "attention"])
def test_a_clip_scores_in_a_batch_as_it_does_alone(pool):
    """Lengths on both sides of one and of two examples, and one of half an example."""
    model = small_network.classifier(pool=pool)
    lengths = [8_000, 15_600, 30_959, 30_960, 50_000]
    batch = clips(lengths)
    together = model.predict_on_batch(batch)
    alone = [
        model.predict_on_batch(batch[row : row + 1, :length])[0]
        for row, length in enumerate(lengths)
    ]
    np.testing.assert_allclose(together, alone, atol=ATOL)
    assert np.ptp(together, axis=0).max() > 100 * ATOL, "all clips score the same: nothing is shown"


def test_which_examples_are_padding():
    lengths = [1, 15_600, 30_959, 30_960, 46_319, 46_320]
    waveforms = np.zeros((len(lengths) + 1, 46_320), np.float32)  # the last row is silence
    for row, length in enumerate(lengths):
        waveforms[row, length - 1] = 1e-9
    counts = np.asarray(heads.SoundingExamples()(waveforms)).sum(axis=1)
    assert counts.tolist() == [1, 1, 1, 2, 2, 3, 1]


def test_padding_counts_for_no_loss_when_every_example_is_scored():
    model = small_network.classifier(pool=None)
    waveforms, targets = clips([15_600, 15_600 + EXAMPLE]), np.zeros((2, 2, 3), np.float32)
    targets[:, :, 0] = 1
    scores = model.predict_on_batch(waveforms)
    losses = -np.log(scores[..., 0])
    # not losses[0, 1], which is padding
    expected = (losses[0, 0] + losses[1, 0] + losses[1, 1]) / 3
    np.testing.assert_allclose(model.test_on_batch(waveforms, targets)[0], expected, atol=ATOL)
    assert abs(losses.mean() - expected) > 100 * ATOL


FREEZE = {
    "head": set(),
    "fc": {"fc1_1", "fc1_2", "embedding"},
    "conv4": {"conv4_1", "conv4_2", "fc1_1", "fc1_2", "embedding"},
    "all": {
        "conv1",
        "conv2",
        "conv3_1",
        "conv3_2",
        "conv4_1",
        "conv4_2",
        "fc1_1",
        "fc1_2",
        "embedding",
    },
}
HEAD = {"hidden1", "logits"}


def moved(model, before) -> dict[str, float]:
    """The layers whose variables changed, and by how much at most."""
    changes = {}
    for variable, old in zip(model.weights, before, strict=True):
        change = np.abs(np.asarray(variable) - old).max()
        layer = variable.path.split("/")[0]
        changes[layer] = max(changes.get(layer, 0.0), change)
    return {layer: change for layer, change in changes.items() if change}


def step(model) -> dict[str, float]:
    """The weights that one step of training moves."""
    before = model.get_weights()
    model.train_on_batch(clips([15_600, 15_600]), np.eye(3, dtype=np.float32)[:2])
    return moved(model, before)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "trainable",
    [pytest.param(level, marks=[] if level == "conv4" else pytest.mark.slow) for level in FREEZE],
)
def test_freeze_levels_by_what_moves(trainable):
    assert set(step(small_network.classifier(trainable=trainable))) == FREEZE[trainable] | HEAD


@pytest.mark.thorough
def test_head_and_backbone_move_at_their_own_rates():
    """Adam's first step is the learning rate, whatever the gradient (Kingma & Ba, section 2.1)."""
    changes = step(
        small_network.classifier(trainable="fc", learning_rate=1e-3, backbone_learning_rate=2e-5)
    )
    # Taken from weights of about 0.5 in float32, which are 6e-8 apart.
    assert changes["hidden1"] == pytest.approx(1e-3, rel=1e-2)
    assert changes["logits"] == pytest.approx(1e-3, rel=1e-2)
    for name in FREEZE["fc"]:
        assert changes[name] == pytest.approx(2e-5, rel=1e-2)


def test_default_optimizer_has_the_published_constants():
    optimizer = small_network.classifier().optimizer
    assert (float(optimizer.learning_rate), optimizer.epsilon) == (pytest.approx(1e-4), 1e-8)
    # TensorFlow's own, which upstream left alone
    assert (optimizer.beta_1, optimizer.beta_2) == (0.9, 0.999)


def test_gradient_reaches_the_waveform_through_pca(pca_params, monkeypatch):
    """A numerical derivative along the gradient is the gradient's length."""
    monkeypatch.setattr("vggish_tf.weights.registry.resolve", lambda *_, **__: pca_params)
    model = small_network.classifier(postprocess="pca")
    waveform = tf.constant(clips([15_600]))
    with tf.GradientTape() as tape:
        tape.watch(waveform)
        score = model(waveform)[0, 0]
    gradient = tape.gradient(score, waveform).numpy()
    length = np.linalg.norm(gradient)
    assert np.isfinite(gradient).all()
    assert length > 0
    # moves the score by 4e-3: far over float32's 6e-8, and little beside its range
    h = 2e-3 / length
    ahead, behind = (
        float(model(waveform + sign * h * gradient / length)[0, 0]) for sign in (1, -1)
    )
    # The ReLUs and max-pools that switch in between make a slope only nearly constant.
    assert (ahead - behind) / (2 * h) == pytest.approx(length, rel=0.05)


def test_pca_is_between_embedding_and_relu(pca_params, monkeypatch):
    monkeypatch.setattr("vggish_tf.weights.registry.resolve", lambda *_, **__: pca_params)
    model = small_network.classifier(postprocess="pca", hidden=())
    waveform = clips([15_600])
    eigen_vectors, means = pca.read(pca_params)
    whitened = (embedding_of(model, waveform)[0, 0] - means) @ eigen_vectors.T
    expected = softmax(dense(model, "logits", np.maximum(whitened, 0)))
    np.testing.assert_allclose(model.predict_on_batch(waveform)[0], expected, atol=ATOL)


@pytest.mark.parametrize(("multi_label", "share"), [(False, 1.0), (True, 0.5)])
def test_wrong_scores_at_the_end_of_float32_still_have_their_gradient(multi_label, share):
    """The gradient of crossentropy by the logits is scores − targets, even for scores of 0 and 1.

    For binary crossentropy it is divided by the number of classes. It could not be computed from
    scores rounded to 0 and 1. The scores are nested as in a training model.
    """
    source = keras.Input((1,))
    logits = keras.layers.Dense(2, kernel_initializer="zeros", name="logits")(source)
    inner = keras.Model(
        source, heads.ClassScores(["a", "b"], multi_label=multi_label, name="scores")(logits)
    )
    inner.get_layer("logits").bias.assign([-60.0, 60.0])
    outer = keras.Input((1,))
    model = keras.Model(outer, inner(outer))
    loss = "binary_crossentropy" if multi_label else "categorical_crossentropy"
    model.compile(keras.optimizers.SGD(1.0), loss, jit_compile=False)
    model.train_on_batch(np.zeros((1, 1), np.float32), np.array([[1.0, 0.0]], np.float32))
    np.testing.assert_allclose(inner.get_layer("logits").bias, [-60 + share, 60 - share], rtol=1e-6)


def test_a_saved_classifier_gives_the_same_scores_and_knows_its_labels(tmp_path):
    model = small_network.classifier(pool="attention", dropout=0.3)
    path = tmp_path / "model.keras"
    keras.Model(model.input, model.output).save(path)
    loaded = vggish_tf.load_model(path)
    waveforms = clips([15_600, 40_000])
    np.testing.assert_array_equal(
        loaded.predict_on_batch(waveforms), model.predict_on_batch(waveforms)
    )
    assert finetune.labels_of(loaded) == labelled_clips.LABELS
    assert (loaded.input.name, loaded.output_shape) == ("waveform", (None, 3))


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_scores_alike(policy):
    reference = small_network.classifier().predict_on_batch(clips([15_600, 31_000]))
    keras.config.set_dtype_policy(policy)
    try:
        model = small_network.classifier(trainable="fc")
    finally:
        keras.config.set_dtype_policy("float32")
    scores = model.predict_on_batch(clips([15_600, 31_000]))
    assert scores.dtype == np.float32
    # Eight bits of mantissa in bfloat16, 0.4 %, over nine layers of embeddings about 0.3: a few
    # thousandths of a logit.
    np.testing.assert_allclose(scores, reference, atol=2e-2)
    assert set(step(model)) == FREEZE["fc"] | HEAD


def test_untrained_is_known_after_a_head_was_put_on():
    assert not finetune.is_untrained(small_network.classifier())
    assert finetune.is_untrained(finetune.classifier(3, weights=None))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_classes": 1}, "num_classes must be a whole number from 2"),
        ({"num_classes": 2.5}, "num_classes must be a whole number from 2; received 2.5"),
        ({"num_classes": 2, "labels": ["a", "a"]}, "2 different names"),
        ({"num_classes": 2, "labels": ["a"]}, "2 different names"),
        (
            {"num_classes": 2, "trainable": "conv3"},
            "trainable must be 'head', 'fc', 'conv4' or 'all'",
        ),
        (
            {"num_classes": 2, "postprocess": "quantized"},
            "must be None or 'pca'.* Bytes have no gradient",
        ),
    ],
)
def test_refusals_come_before_any_weights_are_made(arguments, words, monkeypatch):
    monkeypatch.setattr("vggish_tf.classifier.VGGish", None)
    with pytest.raises(UsageError, match=words):
        finetune.classifier(**arguments)


def test_pool_must_be_known():
    with pytest.raises(UsageError, match="mode must be 'mean', 'max' or 'attention'; received"):
        heads.PoolExamples("median")


def test_a_plain_vggish_is_no_classifier():
    with pytest.raises(VGGishError, match="is not a classifier"):
        finetune.labels_of(vggish_tf.VGGish(None))
