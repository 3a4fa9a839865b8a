"""Saved classifiers on audio files."""

import keras
import numpy as np
import pytest
import small_network
import soundfile

import vggish_tf
from vggish_tf import cli
from vggish_tf.jobs import classify

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.mark.parametrize("pool", ["max", None])
def test_the_scores_are_the_model_s(pool, tmp_path):
    """Of a clip with digital silence at its end, which the model counts as padding."""
    model = small_network.classifier(pool=pool)
    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, 50_000).astype(np.float32)
    waveform[35_000:] = 0
    soundfile.write(tmp_path / "clip.wav", waveform, 16_000, subtype="FLOAT")
    found = classify.Classifier(model).classify(tmp_path / "clip.wav")
    whole = np.asarray(model(waveform[None]))[0]
    first = np.asarray(model(waveform[None, :15_600]))[0]
    # float32 sums in another order
    expected = whole if pool else whole[:2].mean(axis=0)
    np.testing.assert_allclose(found.scores, expected, atol=1e-5)
    np.testing.assert_allclose(found.example_scores[0], first.reshape(3), atol=1e-5)
    assert (found.seconds, len(found.example_scores)) == (50_000 / 16_000, 3)


def test_classify_names_bad_files_and_does_the_others(folder, tmp_path, capsys):
    model = small_network.classifier()
    path = tmp_path / "m.keras"
    keras.Model(model.input, model.output).save(path)
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    good = next((folder / "sine").iterdir())
    assert cli.main(["classify", str(path), str(tmp_path / "bad.wav"), str(good), "--whole"]) == 3
    captured = capsys.readouterr()
    assert f"{good}  " in captured.out
    assert "bad.wav" in captured.err
    assert "1 of 2 files could not be classified" in captured.err


def test_classify_refuses_what_is_no_classifier(folder, tmp_path, capsys):
    vggish_tf.VGGish(None).save(tmp_path / "v.keras")
    assert cli.main(["classify", str(tmp_path / "v.keras"), str(folder / "sine" / "0.wav")]) == 5
    assert "is not a classifier" in capsys.readouterr().err
