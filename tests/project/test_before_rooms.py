"""Models, classifiers and training checkpoints of an earlier version load as they did.

tests/data/before_rooms was written by the version of that time on networks of a few filters
(small_network.shrink): `expected.npz` has the outputs of the models, `stopped/` a training that was
stopped after its first epoch, with its `initial.npz` weights, and `whole_history.json` the history
of the same training run to its end.
"""

import json
import shutil

import labelled_clips
import numpy as np
import places
import pytest
import small_network

import vggish_tf
from vggish_tf.jobs import finetune

FILES = places.TESTS / "data" / "before_rooms"


@pytest.fixture(scope="module")
def expected():
    with np.load(FILES / "expected.npz") as file:
        return dict(file)


@pytest.mark.parametrize(
    ("name", "output"),
    [("vggish", "embedding"), ("classifier", "scores"), ("compiled_classifier", "scores")],
)
def test_a_saved_model_gives_what_it_gave(name, output, expected):
    pytest.importorskip("keras", "3.15")  # which wrote the files
    model = vggish_tf.load_model(FILES / f"{name}.keras")
    values = model.predict(expected["waveforms"], verbose=0)
    np.testing.assert_allclose(
        values, expected[output], rtol=0, atol=1e-5 * np.abs(expected[output]).max()
    )


def test_weights_are_read_out_of_a_saved_model(expected, small_networks):
    model = vggish_tf.VGGish(FILES / "vggish.keras", pad="short")
    values = model.predict(expected["waveforms"], verbose=0)
    np.testing.assert_allclose(
        values, expected["embedding"], rtol=0, atol=1e-5 * np.abs(values).max()
    )


@pytest.mark.slow
def test_a_stopped_training_goes_on(tmp_path, small_networks):
    folder = labelled_clips.write_folder(tmp_path / "sounds")
    shutil.copytree(FILES / "stopped", tmp_path / "run")
    data = finetune.dataset(folder, batch_size=4)
    model = small_network.classifier(dropout=0.5, trainable="all", learning_rate=3e-3)
    with np.load(FILES / "stopped" / "initial.npz") as initial:  # another processor may draw others
        model.set_weights([initial[name] for name in initial.files])
    progress = finetune.train(
        model,
        finetune.cached(data, model, "examples"),
        tmp_path / "run",
        stage="examples",
        epochs=3,
        augment=[finetune.SpecAugment(name="specaugment")],
        resume=True,
    )
    whole = json.loads((FILES / "whole_history.json").read_text(encoding="utf-8"))
    losses = [[row["loss"], row["val_loss"]] for row in progress.history]
    # Another processor sums in another order.
    np.testing.assert_allclose(losses, [[row["loss"], row["val_loss"]] for row in whole], rtol=1e-4)
