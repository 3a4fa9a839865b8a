"""Training: resumed runs, seeds, early stopping, losses that are not finite, final weights."""

import json
import shutil

import keras
import labelled_clips
import numpy as np
import pytest
import small_network
import soundfile
from training import run, same

from vggish_tf.errors import AudioError, VGGishError
from vggish_tf.jobs import finetune
from vggish_tf.jobs.finetune import trainee as trainees
from vggish_tf.jobs.finetune import training
from vggish_tf.jobs.finetune.progress import Progress, describe_limit

pytestmark = pytest.mark.usefixtures("small_networks")

EVERYTHING = [
    finetune.RandomGain,
    finetune.RandomShift,
    finetune.RandomNoise,
    finetune.MixUp,
    finetune.SpecAugment,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return labelled_clips.write_folder(tmp_path_factory.mktemp("data") / "sounds")


@pytest.fixture(scope="module")
def values(folder):
    """The clips with the embeddings of small_network.classifier(), always the same network."""
    with small_network.shrunken():
        data = finetune.dataset(folder, batch_size=4)
        return finetune.cached(data, small_network.classifier(), "embedding")


@pytest.fixture(scope="module")
def one_epoch(folder, tmp_path_factory):
    """The folder of a run that was stopped after an epoch. Do not change it."""
    with small_network.shrunken():
        output = tmp_path_factory.mktemp("one_epoch")
        run(folder, output, epochs=1)
    return output


@pytest.fixture
def stopped(one_epoch, tmp_path):
    """A copy of it."""
    return shutil.copytree(one_epoch, tmp_path / "stopped")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("stage", "augment", "options"),
    [
        pytest.param("waveform", EVERYTHING, {}, marks=pytest.mark.slow),
        pytest.param("examples", [finetune.SpecAugment], {}, marks=pytest.mark.slow),
        ("embedding", [], {"trainable": "head"}),
    ],
)
def test_a_resumed_run_ends_as_the_whole_one(folder, tmp_path, stage, augment, options):
    """Bit for bit in weights and losses, with dropout and every augmentation, drawn each epoch."""
    kept = {} if stage == "waveform" else {"cache": tmp_path / "cache"}  # as the command does
    options = {"stage": stage, "augment": augment, **kept, **options}
    weights, history = run(folder, tmp_path / "whole", epochs=4, **options)
    run(folder, tmp_path / "parts", epochs=1, **options)
    run(folder, tmp_path / "parts", epochs=2, resume=True, **options)
    resumed_weights, resumed_history = run(
        folder, tmp_path / "parts", epochs=4, resume=True, **options
    )
    assert resumed_history == history
    assert same(resumed_weights, weights)
    assert (
        json.loads((tmp_path / "parts" / "history.json").read_text())[2]["loss"]
        == history[2]["loss"]
    )


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run_and_another_does_not(folder, tmp_path):
    options = {"epochs": 2, "augment": EVERYTHING, "stage": "waveform"}
    seeds = {"first": 0, "again": 0, "other": 1}
    first, again, other = (
        run(folder, tmp_path / name, seed=seed, **options) for name, seed in seeds.items()
    )
    assert first[1] == again[1]
    assert same(first[0], again[0])
    assert first[1] != other[1]


@pytest.mark.slow
def test_mixed_precision_resumes_with_its_loss_scale(folder, tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        weights, history = run(folder, tmp_path / "whole", epochs=2)
        run(folder, tmp_path / "parts", epochs=1)
        resumed, resumed_history = run(folder, tmp_path / "parts", epochs=2, resume=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert resumed_history == history
    assert same(resumed, weights)


def test_a_classifier_without_pooling_is_not_for_train(folder, tmp_path):
    with pytest.raises(VGGishError, match="pool=None scores every example"):
        finetune.train(
            small_network.classifier(pool=None), finetune.dataset(folder), tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 5}, "differences in the training"),
        ({"learning_rate": 1e-3}, "the training"),
        ({"hidden": (7,)}, "the model"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(folder, stopped, change, words):
    with pytest.raises(VGGishError, match=words):
        run(folder, stopped, epochs=2, resume=True, **change)


def test_other_clips_are_another_run(folder, stopped, tmp_path):
    more = shutil.copytree(folder, tmp_path / "sounds")
    soundfile.write(more / "sine" / "new.wav", labelled_clips.waveform("sine"), 16_000)
    with pytest.raises(VGGishError, match="differences in the clips"):
        run(more, stopped, epochs=2, resume=True)


def test_a_damaged_checkpoint_is_one_line(folder, stopped):
    path = stopped / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(VGGishError, match=r"cannot read the training checkpoint .*checkpoint\.npz"):
        run(folder, stopped, epochs=2, resume=True)


@pytest.mark.slow
def test_the_best_epoch_is_what_is_left(values, tmp_path, monkeypatch):
    """The validation loss falls twice, then rises: training stops `patience` epochs later."""
    losses = iter([3.0, 2.0, 2.5, 2.5, 2.5, 2.5])
    kept = []
    evaluate = training._Runner._evaluate

    def fake(self):
        kept.append(training.training_checkpoint.state_of(self.trainee))
        return {**evaluate(self), "loss": next(losses)}

    monkeypatch.setattr(training._Runner, "_evaluate", fake)
    model = small_network.classifier()
    progress = finetune.train(model, values, tmp_path, stage="embedding", patience=3)
    assert (progress.epoch, progress.best_epoch) == (5, 2)
    kernel = np.asarray(model.get_layer("logits").kernel)
    assert np.array_equal(kernel, kept[1]["model/logits/kernel"])
    assert not np.array_equal(kernel, kept[4]["model/logits/kernel"])


def test_a_loss_that_is_not_finite_stops_names_the_batch_and_loses_nothing(
    values, tmp_path, capsys
):
    finetune.train(small_network.classifier(), values, tmp_path, stage="embedding", epochs=2)
    before = (tmp_path / "checkpoint.npz").read_bytes()
    poisoned = values.order("train", 3)[6]  # the third of the second batch of epoch 3

    class Poisoned:
        shape = values.features.shape

        def __call__(self, clip):
            return values.features(clip) * (np.nan if clip == poisoned else 1)

    bad = finetune.Dataset(**{**vars(values), "features": Poisoned()})
    model = small_network.classifier()
    with pytest.raises(VGGishError, match="epoch 3, batch 2") as error:
        finetune.train(model, bad, tmp_path, stage="embedding", epochs=4, resume=True)
    assert str(poisoned) in str(error.value)
    assert "holds epoch 2. Lower the learning rate, or check these clips." in str(error.value)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


def test_a_limit_of_one_epoch_is_singular():
    row = {"loss": 1.0, "val_loss": 1.0, "seconds": 0.0}
    assert describe_limit(Progress([row], best_epoch=1), 1).startswith("the limit of 1 epoch ended")


def test_weights_that_are_not_finite_are_never_saved(values, tmp_path):
    """The last step of an epoch can ruin the weights without any loss to show it."""
    model = small_network.classifier()
    runner = training._Runner(model, values, tmp_path, "embedding", finetune.TrainingOptions())
    model.get_layer("logits").bias.assign([np.inf, 0, 0])
    for loss, said in ((1.0, "model/logits/bias is no longer finite"), (np.nan, "loss is nan")):
        with pytest.raises(VGGishError, match=rf"epoch 1: .*{said}.*, or check the clips\."):
            runner._save({"loss": 1.0, "val_loss": loss, "seconds": 0.0}, 1)
    assert not runner.checkpoint.exists()


@pytest.mark.thorough
def test_a_training_that_fails_names_its_own_clip_and_not_an_earlier_training_s(folder, tmp_path):
    data = finetune.dataset(shutil.copytree(folder, tmp_path / "sounds"))
    for gone in (data.of("train")[3].path, data.of("validation")[0].path):
        moved = gone.rename(tmp_path / "moved.wav")
        with pytest.raises(AudioError, match=f"{gone.parent.name}/{gone.name} does not exist"):
            finetune.train(small_network.classifier(), data, tmp_path / gone.stem, epochs=1)
        moved.rename(gone)


def test_augmentation_is_in_the_trainee_alone(folder):
    model = small_network.classifier(trainable="all")
    layers = [finetune.RandomGain(), finetune.SpecAugment()]
    trainee = trainees.trainee_of(model, "waveform", layers)
    waveforms = next(iter(finetune.dataset(folder).batches("train")))[0]
    np.testing.assert_allclose(
        trainee.predict_on_batch(waveforms), model.predict_on_batch(waveforms), atol=1e-6
    )
    assert not np.allclose(
        trainee(waveforms, training=True), model(waveforms, training=True), atol=1e-6
    )
    assert not {"random_gain", "spec_augment"} & {layer.name for layer in model.layers}
    assert {id(variable) for variable in trainee.trainable_variables} == {
        id(v) for v in model.trainable_variables
    }


def test_every_random_generator_is_reseeded():
    """Dropout's and those of all augmentations, mix-up's apart; each with other numbers."""
    trainee = trainees.trainee_of(
        small_network.classifier(dropout=0.5),
        "waveform",
        [layer() for layer in EVERYTHING if layer is not finetune.MixUp],
    )
    states = [variable for variable in trainee.variables if "seed_generator_state" in variable.path]
    assert len(states) == 5
    trainees.reseed([trainee], 0, 1)
    first = [tuple(np.asarray(state)) for state in states]
    trainees.reseed([trainee], 0, 2)
    second = [tuple(np.asarray(state)) for state in states]
    assert len({*first, *second}) == 10


@pytest.mark.thorough
def test_tensorboard_logs_read_back(values, tmp_path):
    import tensorflow as tf

    model = small_network.classifier()
    progress = finetune.train(
        model, values, tmp_path, stage="embedding", epochs=2, tensorboard=True
    )
    (path,) = (tmp_path / "tensorboard").iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        event = tf.compat.v1.Event.FromString(record)
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name == "scalars"
            found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    assert found["val_loss", 2] == np.float32(progress.history[1]["val_loss"])
    assert len(found) == 2 * len(progress.history[0])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("losses", "epochs", "patience", "words"),
    [
        (
            [3.0, 2.0, 1.0],
            3,
            10,
            "the limit of 3 epochs ended the training with the validation loss still falling",
        ),
        (
            [3.0, 1.0, 2.0],
            3,
            10,
            "the limit of 3 epochs ended the training before the validation loss had stopped",
        ),
        ([1.0, 2.0, 3.0], 3, 2, None),
        ([1.0, 2.0], 50, 1, None),
    ],
)
def test_a_run_that_the_limit_ends_says_so(
    values, tmp_path, monkeypatch, capsys, losses, epochs, patience, words
):
    given, model = iter(losses), small_network.classifier()
    monkeypatch.setattr(training._Runner, "_evaluate", lambda self: {"loss": next(given)})
    finetune.train(model, values, tmp_path, stage="embedding", epochs=epochs, patience=patience)
    printed = capsys.readouterr().out
    assert ("the limit of" in printed) == (words is not None)
    if words:
        assert words in printed
        assert f"lowest in epoch {losses.index(1.0) + 1}" in printed
        assert "Raise epochs (--epochs)" in printed
