"""Options of a job: one value, given whole or by name; the same run either way."""

import dataclasses

import labelled_clips
import pytest
import small_network

from vggish_tf.jobs import finetune
from vggish_tf.jobs.finetune import training

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return labelled_clips.write_folder(tmp_path_factory.mktemp("data") / "sounds", takes=3)


def fingerprints(monkeypatch) -> list[dict]:
    """Collects the fingerprint of every training that is begun."""
    found = []
    resume = training._Runner.finish
    monkeypatch.setattr(
        training._Runner, "finish", lambda self: found.append(self.fingerprint) or resume(self)
    )
    return found


@pytest.mark.slow
def test_a_job_takes_options_whole_by_name_or_both(folder, tmp_path, monkeypatch):
    found = fingerprints(monkeypatch)
    names = {
        "epochs": 1,
        "seed": 5,
        "augment": ["specaugment"],
        "data_options": {"batch_size": 4},
        "model_options": {"weights": None, "hidden": (7,)},
    }
    seed = {"seed": names["seed"]}
    whole = finetune.Options(**names)
    finetune.run(folder, tmp_path / "whole.keras", whole)
    finetune.run(folder, tmp_path / "named.keras", **names)
    finetune.run(folder, tmp_path / "both.keras", dataclasses.replace(whole, seed=0), **seed)
    assert found[0] == found[1] == found[2]


@pytest.mark.slow
def test_a_training_takes_augmentations_by_name_and_as_layers(folder, tmp_path, monkeypatch):
    """The name of the layer is part of a training checkpoint: stopped jobs go on only under it."""
    found = fingerprints(monkeypatch)
    data = finetune.dataset(folder)
    for augment in (["gain"], [finetune.RandomGain(name="augment_gain")]):
        place = tmp_path / str(len(found))
        finetune.train(small_network.classifier(), data, place, epochs=1, augment=augment)
    finetune.train(small_network.classifier(), data, tmp_path / "other", epochs=1)
    assert found[0] == found[1] != found[2]


def test_an_option_that_does_not_exist_is_named(folder, tmp_path):
    with pytest.raises(TypeError, match="'epoch'"):
        finetune.run(folder, tmp_path / "model.keras", epoch=3)
    with pytest.raises(TypeError, match="'cache'"):  # of a job, and not of a training
        finetune.train(small_network.classifier(), None, tmp_path, cache=tmp_path)
