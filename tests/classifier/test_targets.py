"""Targets of a classifier: one-hot rows and class numbers give the same loss and training steps.

Oracle: crossentropy and accuracy by NumPy.
"""

import keras
import labelled_clips
import numpy as np
import pytest
import small_network
import tensorflow as tf
from cases import first

import vggish_tf
from vggish_tf.jobs.finetune import trainee as trainees
from vggish_tf.network import heads

pytestmark = pytest.mark.usefixtures("small_networks")
ATOL = 2e-6  # float32 sums of a few values about 1

NUMBERS = np.array([2, 0, 1, 2])
WAVEFORMS = np.stack([labelled_clips.waveform("noise", seed=seed) for seed in range(4)])
ONE_HOT = np.eye(3, dtype=np.float32)[NUMBERS]
FORMS = {
    "one-hot": ONE_HOT,
    "one-hot int": ONE_HOT.astype(np.int64),
    **{
        f"numbers {dtype}": NUMBERS.astype(dtype)
        for dtype in ("uint8", "int32", "int64", "float32")
    },
    "column of numbers": NUMBERS[:, np.newaxis],
}


def scores_and_truth(model) -> tuple[float, float]:
    """Mean crossentropy and accuracy, by NumPy."""
    scores = model.predict_on_batch(WAVEFORMS)
    loss = -np.log(scores[np.arange(4), NUMBERS]).mean()
    return loss, (scores.argmax(axis=1) == NUMBERS).mean()


def measures(model, targets, waveforms=WAVEFORMS) -> list[float]:
    values = model.evaluate(waveforms, targets, verbose=0, return_dict=True)
    return [values["loss"], values["accuracy"]]


@pytest.mark.parametrize("form", FORMS)
def test_loss_and_accuracy_are_numpys_in_every_form(form):
    scores = np.random.default_rng(0).dirichlet([1, 1, 1], 4).astype(np.float32)
    weights = np.array([1.0, 2.0, 0.5, 0.0])
    losses, right = -np.log(scores[np.arange(4), NUMBERS]), scores.argmax(axis=1) == NUMBERS
    accuracy = heads.Accuracy()
    accuracy.update_state(FORMS[form], scores, weights)
    assert float(accuracy.result()) == pytest.approx(np.average(right, weights=weights), abs=ATOL)
    loss = heads.Crossentropy()(FORMS[form], scores, weights)
    assert float(loss) == pytest.approx((losses * weights).mean(), abs=ATOL)


MORE_FORMS = [
    pytest.param(form, marks=pytest.mark.slow) for form in ("one-hot int", "column of numbers")
]


@pytest.mark.parametrize("form", ["numbers int64", *MORE_FORMS])
def test_fit_takes_the_same_step_in_every_form(form):
    first, second = (
        small_network.classifier(learning_rate=1e-2),
        small_network.classifier(learning_rate=1e-2),
    )
    weights = np.array([1.0, 2.0, 0.5, 0.0], np.float32)
    for model, targets in ((first, ONE_HOT), (second, FORMS[form])):
        model.fit(WAVEFORMS, targets, sample_weight=weights, epochs=2, batch_size=4, verbose=0)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)  # Adam's steps are 1e-2


@pytest.mark.slow
def test_one_model_takes_both_forms_in_turn():
    """Keras keeps its functions: a form chosen by the first batch would be wrong for the next."""
    model = small_network.classifier()
    expected = scores_and_truth(model)
    turns = ("one-hot", "numbers int64", "column of numbers", "one-hot")
    for form in turns:
        np.testing.assert_allclose(measures(model, FORMS[form]), expected, atol=ATOL)
    first, second = (
        small_network.classifier(learning_rate=1e-2),
        small_network.classifier(learning_rate=1e-2),
    )
    for form in turns:
        first.fit(WAVEFORMS, FORMS[form], batch_size=4, verbose=0)
        second.fit(WAVEFORMS, ONE_HOT, batch_size=4, verbose=0)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.slow
def test_every_example_may_have_a_number_of_its_own():
    """pool=None; padding does not count in either form."""
    model = small_network.classifier(pool=None)
    waveforms = np.zeros((4, 31_000), np.float32)
    waveforms[:, :16_000] = WAVEFORMS
    waveforms[0] = labelled_clips.waveform("sine", 31_000 / 16_000)
    numbers = np.stack([NUMBERS, NUMBERS[::-1]], axis=1)
    scores = model.predict_on_batch(waveforms)
    rows = np.concatenate([scores[0], scores[1:, 0]])
    truth = np.concatenate([numbers[0], numbers[1:, 0]])
    expected = [-np.log(rows[np.arange(5), truth]).mean(), (rows.argmax(axis=1) == truth).mean()]
    for targets in (numbers, numbers[..., np.newaxis], np.eye(3)[numbers]):
        np.testing.assert_allclose(measures(model, targets, waveforms), expected, atol=ATOL)


@pytest.mark.parametrize("number", first(1, [3, -1]))
def test_a_number_of_no_class_is_an_error(number):
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="label"):
        small_network.classifier().train_on_batch(WAVEFORMS, np.array([0, 1, 2, number]))


def test_wrong_scores_at_the_end_of_float32_still_have_their_gradient():
    """As for one-hot targets, in test_classifier.py: the gradient is scores − targets."""
    source = keras.Input((1,))
    logits = keras.layers.Dense(2, kernel_initializer="zeros", name="logits")(source)
    model = keras.Model(source, heads.ClassScores(["a", "b"], name="scores")(logits))
    model.compile(keras.optimizers.SGD(1.0), heads.Crossentropy(), jit_compile=False)
    for targets in (np.array([0]), np.array([[1.0, 0.0]])):
        model.get_layer("logits").bias.assign([-60.0, 60.0])
        model.train_on_batch(np.zeros((1, 1), np.float32), targets)
        np.testing.assert_allclose(model.get_layer("logits").bias, [-59, 59], rtol=1e-6)


@pytest.mark.slow
def test_a_compiled_model_and_a_trainee_keep_loss_and_metric(tmp_path):
    model = small_network.classifier()
    expected = scores_and_truth(model)
    model.save(tmp_path / "compiled.keras")
    loaded = vggish_tf.load_model(tmp_path / "compiled.keras")
    trainee = trainees.trainee_of(model, "waveform", [])
    for other in (loaded, trainee):
        np.testing.assert_allclose(measures(other, NUMBERS), expected, atol=ATOL)
        np.testing.assert_allclose(measures(other, ONE_HOT), expected, atol=ATOL)


def test_a_classifier_that_was_saved_compiled_before_still_loads(tmp_path):
    """As the first release compiled it."""
    model = small_network.classifier()
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(
        heads.DiscriminativeAdam(), "categorical_crossentropy", weighted_metrics=[accuracy]
    )
    model.save(tmp_path / "old.keras")
    loaded = vggish_tf.load_model(tmp_path / "old.keras")
    np.testing.assert_allclose(measures(loaded, ONE_HOT), scores_and_truth(model), atol=ATOL)


def test_multi_label_stays_as_it_was():
    model = small_network.classifier(multi_label=True)
    assert model.loss == "binary_crossentropy"
    targets = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 0, 1]], np.float32)
    scores = model.predict_on_batch(WAVEFORMS)
    loss = -np.where(targets, np.log(scores), np.log(1 - scores)).mean()
    np.testing.assert_allclose(measures(model, targets)[0], loss, atol=ATOL)
