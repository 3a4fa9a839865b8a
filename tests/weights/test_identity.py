"""Results of the same weights carry the same identity, whatever file the weights came from."""

import hashlib
import json

import keras
import labelled_clips
import numpy as np
import pytest
import signals
import small_network
import soundfile
import tensorflow as tf

from vggish_tf import CheckpointError, Embedder, VGGish, checkpoints, cli, formats, load_model
from vggish_tf.jobs import finetune
from vggish_tf.jobs.export import export
from vggish_tf.weights import identity, loading, registry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("small_networks")]


@pytest.fixture
def model():
    return small_network.randomize(VGGish(None))


@pytest.fixture
def checkpoint(model, tmp_path):
    return checkpoints.save_tf1_checkpoint(model, tmp_path / "mine.ckpt", version="V1")


@pytest.fixture
def digest(checkpoint):
    """By TensorFlow's reader and hashlib."""
    reader = tf.train.load_checkpoint(str(checkpoint))
    values = b"".join(reader.get_tensor(name).tobytes() for name in small_network.VARIABLES)
    return hashlib.sha256(values).hexdigest()


def test_a_checkpoint_and_all_that_is_made_of_it_have_one_digest(checkpoint, digest, tmp_path):
    model = VGGish(checkpoint)
    model.save(tmp_path / "mine.keras")
    model.save_weights(tmp_path / "mine.weights.h5")
    export(checkpoint, tmp_path / "exported", pca=None)
    soundfile.write(tmp_path / "clip.wav", signals.noise(16_000), signals.RATE)
    arguments = ["embed", tmp_path / "clip.wav", "-o", tmp_path / "clip.npz"]
    assert cli.main([*map(str, arguments), "--weights", str(checkpoint)]) == 0
    manifest = json.loads((tmp_path / "exported.json").read_text())
    found = {
        "embedded": formats.npz.read(tmp_path / "clip.npz")[2]["weights"]["values_sha256"],
        "SavedModel": manifest["weights"]["values_sha256"],
        "SavedModel's variables": digest_of_saved_model(tmp_path / "exported"),
        ".keras": Embedder(tmp_path / "mine.keras").identity.values_sha256,
        ".keras, loaded": Embedder(load_model(tmp_path / "mine.keras")).identity.values_sha256,
        ".weights.h5": Embedder(tmp_path / "mine.weights.h5").identity.values_sha256,
        "model": Embedder(model).identity.values_sha256,
        "bfloat16": Embedder(checkpoint, precision="bfloat16").identity.values_sha256,
        "verify": checkpoints.verify(checkpoint).values_sha256,
    }
    assert found == dict.fromkeys(found, digest)


def digest_of_saved_model(folder) -> str:
    loaded = tf.saved_model.load(str(folder))
    return hashlib.sha256(b"".join(v.numpy().tobytes() for v in loaded.variables)).hexdigest()


def test_the_keys_are_the_same_in_all_that_is_written(checkpoint, tmp_path):
    export(checkpoint, tmp_path / "e.weights.h5", format="weights")
    manifest = json.loads((tmp_path / "e.weights.h5.json").read_text())
    assert manifest["weights"] == Embedder(checkpoint).provenance["weights"]
    assert manifest["weights"] == {
        "asked": str(checkpoint),
        "path": str(checkpoint),
        "md5": hashlib.md5(checkpoint.read_bytes()).hexdigest(),
        "sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        "values_sha256": manifest["weights"]["values_sha256"],
        "published": False,
        "untrained": False,
    }


def test_a_model_is_its_file_until_it_is_trained(checkpoint):
    model = VGGish(checkpoint)
    assert loading.identify(model).path == str(checkpoint)
    model.get_layer("embedding").bias.assign_add(np.ones(128, np.float32))
    trained = loading.identify(model)
    assert (trained.asked, trained.path, trained.md5) == ("keras model 'vggish'", None, None)
    assert trained.values_sha256 != model.identity.values_sha256


def test_a_published_name_is_resolved_once(checkpoint, monkeypatch):
    asked = []
    resolve = registry.resolve
    monkeypatch.setattr(
        registry, "resolve", lambda weights, **kw: asked.append(weights) or resolve(weights)
    )
    Embedder(checkpoint)
    VGGish(checkpoint)
    export(checkpoint, checkpoint.with_name("mine.keras"), format="keras")
    assert asked == [checkpoint] * 3


def test_untrained_weights_say_so():
    found = loading.identify(VGGish(None), identity.UNTRAINED)
    assert str(found) == "UNTRAINED (untrained)"
    assert found.as_json()["untrained"] is True


def test_a_model_that_is_no_vggish_has_no_identity():
    layer = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    with pytest.raises(CheckpointError, match="is not a VGGish"):
        loading.identify(layer)


@pytest.mark.parametrize("trainable", ["head", pytest.param("all", marks=pytest.mark.slow)])
def test_a_fine_tuned_run_says_what_it_started_from_and_what_it_became(
    checkpoint, digest, tmp_path, trainable
):
    sounds = labelled_clips.write_folder(tmp_path / "sounds", takes=3)
    options = {"weights": checkpoint, "trainable": trainable}
    finetune.run(sounds, tmp_path / "model.keras", epochs=1, model_options=options)
    report = json.loads((tmp_path / "model.run" / "report.json").read_text())
    assert report["started_from"]["values_sha256"] == digest
    assert report["started_from"]["path"] == str(checkpoint)
    network = finetune.network(load_model(tmp_path / "model.keras"))
    assert report["weights"]["values_sha256"] == loading.identify(network).values_sha256
    assert (report["weights"] == report["started_from"]) == (trainable == "head")
