"""The scripts of examples/ run as a user runs them, and write the files of upstream's demos.

The network is small; with -m slow it has the published size, too.
"""

import re
import runpy
import sys

import numpy as np
import places
import pytest
import seeded
import signals
import soundfile

from vggish_tf.formats import tfrecord
from vggish_tf.reference import vggish_input, vggish_postprocess

pytestmark = pytest.mark.thorough

EXAMPLES = places.ROOT / "examples"


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a script in this process; returns status and output."""

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        status = 0
        try:
            runpy.run_path(str(EXAMPLES / script), run_name="__main__")
        except SystemExit as exit:
            status = exit.code
        return status, capsys.readouterr().out

    return run


def losses_in(printed: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"step \d+: loss ([\d.]+)", printed)]


def test_inference_writes_the_quantized_embeddings(run, sized_checkpoint, pca_params, tmp_path):
    clip, target = tmp_path / "clip.wav", tmp_path / "clip.tfrecord"
    soundfile.write(clip, signals.demo_clip()[:48_000], 16_000, subtype="PCM_16")
    options = ("--weights", sized_checkpoint, "--pca", pca_params, "--tfrecord", target)
    status, printed = run("inference.py", clip, *options)
    assert status == 0
    assert "UNTRAINED" not in printed
    assert f"wrote {target}" in printed
    (record,) = tfrecord.read(target)
    assert record.context == {}
    with seeded.slim_session(sized_checkpoint) as network:
        embedding = network(vggish_input.wavfile_to_examples(str(clip)))
    expected = vggish_postprocess.Postprocessor(pca_params).postprocess(embedding)
    # Truncation makes a whole step of the smallest difference between the two networks.
    assert np.abs(record.embedding.astype(int) - expected).max() <= 1
    assert np.mean(record.embedding == expected) > 0.98


def test_inference_without_a_file_and_without_weights_says_so(run, caplog, small_networks):
    status, printed = run("inference.py", "--weights", "none")
    assert "these weights are untrained" in caplog.text
    assert status == 0
    assert printed.startswith("UNTRAINED WEIGHTS")
    assert "embeddings, at [0.   0.96 1.92 2.88 3.84] s" in printed


def test_the_head_learns_on_a_fixed_vggish(run, sized_checkpoint):
    options = ("--no-train-vggish", "--num-batches", 8, "--learning-rate", 1e-2)
    status, printed = run("train.py", "--weights", sized_checkpoint, *options)
    assert status == 0
    losses = losses_in(printed)
    assert len(losses) == 8
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.slow  # a step of Adam on 72 million weights
def test_vggish_learns_with_the_head(run, seeded_checkpoint):
    _, printed = run("train.py", "--weights", seeded_checkpoint, "--num-batches", 8)
    losses = losses_in(printed)
    # a batch has 15 examples, and one of them may cost more than all others
    assert np.mean(losses[4:]) < 0.5 * losses[0], (
        "at a learning rate with which the head alone stays where it is"
    )


def test_training_from_nothing_says_so(run, small_networks):
    status, printed = run("train.py", "--weights", "none", "--no-train-vggish", "--num-batches", 1)
    assert status == 0
    assert printed.startswith("from UNTRAINED weights")


def test_the_smoke_test_knows_other_weights(run, sized_checkpoint, pca_params):
    status, printed = run("smoke_test.py", sized_checkpoint, "--pca", pca_params)
    assert status == 1
    lines = dict(re.findall(r"^([\w-]+ (?:mean|std)) .* (ok|DIFFERS)$", printed, re.MULTILINE))
    assert lines["log-mel mean"] == lines["log-mel std"] == "ok"
    assert lines["embedding std"] == "DIFFERS"
    assert printed.endswith("NOT the published weights.\n")


@pytest.mark.checkpoint
def test_the_smoke_test_knows_the_published_weights(run, published_checkpoint, pca_params):
    status, printed = run("smoke_test.py", published_checkpoint, "--pca", pca_params)
    assert status == 0, printed
    assert printed.endswith("These are the published weights.\n")


@pytest.mark.parametrize("script", ["inference.py", "train.py", "smoke_test.py"])
def test_absent_weights_are_one_line(script, run):
    status, _ = run(script)
    assert status.startswith(f"{script}: cannot download 'vggish_model.ckpt'")
    assert "\n" not in status
