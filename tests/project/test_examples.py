"""The scripts of examples/ run as a user runs them, and write the files of upstream's demos."""

import os
import re
import runpy
import subprocess
import sys

import numpy as np
import places
import pytest
import seeded
import signals
import soundfile

from vggish_tf.formats import tfrecord
from vggish_tf.reference import vggish_input, vggish_postprocess

EXAMPLES = places.ROOT / "examples"


def run(script, *arguments):
    """Runs a script in a process of its own."""
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@pytest.fixture
def run_here(monkeypatch, capsys):
    """Runs a script in this process, which has TensorFlow loaded; returns status and output."""

    def run_here(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        status = 0
        try:
            runpy.run_path(str(EXAMPLES / script), run_name="__main__")
        except SystemExit as exit:
            status = exit.code
        return status, capsys.readouterr().out

    return run_here


def losses_in(printed: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"step \d+: loss ([\d.]+)", printed)]


def test_inference_writes_the_quantized_embeddings(seeded_checkpoint, pca_params, tmp_path):
    clip, target = tmp_path / "clip.wav", tmp_path / "clip.tfrecord"
    soundfile.write(clip, signals.demo_clip()[:48_000], 16_000, subtype="PCM_16")
    result = run(
        "inference.py",
        clip,
        "--weights",
        seeded_checkpoint,
        "--pca",
        pca_params,
        "--tfrecord",
        target,
    )
    assert result.returncode == 0, result.stderr
    assert "UNTRAINED" not in result.stdout
    assert f"wrote {target}" in result.stdout
    (record,) = tfrecord.read(target)
    assert record.context == {}
    with seeded.slim_session(seeded_checkpoint) as network:
        embedding = network(vggish_input.wavfile_to_examples(str(clip)))
    expected = vggish_postprocess.Postprocessor(pca_params).postprocess(embedding)
    # Truncation makes a whole step of the smallest difference between the two networks.
    assert np.abs(record.embedding.astype(int) - expected).max() <= 1
    assert np.mean(record.embedding == expected) > 0.98


def test_inference_without_a_file_and_without_weights_says_so(run_here, pca_params, caplog):
    status, printed = run_here("inference.py", "--weights", "none", "--pca", pca_params)
    assert "these weights are untrained" in caplog.text
    assert status == 0
    assert printed.startswith("UNTRAINED WEIGHTS")
    assert "embeddings, at [0.   0.96 1.92 2.88 3.84] s" in printed


def test_the_head_learns_on_a_fixed_vggish(seeded_checkpoint):
    options = ("--no-train-vggish", "--num-batches", 8, "--learning-rate", 1e-2)
    result = run("train.py", "--weights", seeded_checkpoint, *options)
    assert result.returncode == 0, result.stderr
    losses = losses_in(result.stdout)
    assert len(losses) == 8
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.slow  # a step of Adam on 72 million weights
def test_vggish_learns_with_the_head(run_here, seeded_checkpoint):
    _, printed = run_here("train.py", "--weights", seeded_checkpoint, "--num-batches", 8)
    losses = losses_in(printed)
    assert losses[-1] < 0.5 * losses[0], (
        "at a learning rate with which the head alone stays where it is"
    )


def test_training_from_nothing_says_so(run_here):
    status, printed = run_here(
        "train.py", "--weights", "none", "--no-train-vggish", "--num-batches", 1
    )
    assert status == 0
    assert printed.startswith("from UNTRAINED weights")


def test_the_smoke_test_knows_other_weights(run_here, seeded_checkpoint, pca_params):
    status, printed = run_here("smoke_test.py", seeded_checkpoint, "--pca", pca_params)
    assert status == 1
    lines = dict(re.findall(r"^([\w-]+ (?:mean|std)) .* (ok|DIFFERS)$", printed, re.MULTILINE))
    assert lines["log-mel mean"] == lines["log-mel std"] == "ok"
    assert lines["embedding std"] == "DIFFERS"
    assert printed.endswith("NOT the published weights.\n")


@pytest.mark.checkpoint
def test_the_smoke_test_knows_the_published_weights(run_here, published_checkpoint, pca_params):
    status, printed = run_here("smoke_test.py", published_checkpoint, "--pca", pca_params)
    assert status == 0, printed
    assert printed.endswith("These are the published weights.\n")


@pytest.mark.parametrize("script", ["inference.py", "train.py", "smoke_test.py"])
def test_absent_weights_are_one_line(script, run_here):
    status, _ = run_here(script)
    assert status.startswith(f"{script}: cannot download 'vggish_model.ckpt'")
    assert "\n" not in status
