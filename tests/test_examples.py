"""The scripts under examples/ run as a user runs them, and write what upstream's demos write."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import signals
import soundfile

from vggish_tf.formats import tfrecord
from vggish_tf.reference import vggish_postprocess

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(script, *arguments, status=0):
    """What a script prints; on an error, its standard error."""
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == status, result.stderr
    return result.stderr if status and not result.stdout else result.stdout


def test_inference_writes_the_quantized_embeddings(seeded_checkpoint, pca_params, tmp_path):
    import seeded

    from vggish_tf.reference import vggish_input

    clip, target = tmp_path / "clip.wav", tmp_path / "clip.tfrecord"
    soundfile.write(clip, signals.demo_clip()[:48_000], 16_000, subtype="PCM_16")
    printed = run("inference.py", clip, "--weights", seeded_checkpoint, "--pca", pca_params, "--tfrecord", target)
    assert "UNTRAINED" not in printed
    assert f"wrote {target}" in printed
    (record,) = tfrecord.read(target)
    assert record.context == {}
    with seeded.slim_session(seeded_checkpoint) as network:
        embedding = network(vggish_input.wavfile_to_examples(str(clip)))
    expected = vggish_postprocess.Postprocessor(pca_params).postprocess(embedding)
    # Truncation makes a whole step of the smallest difference between the two networks.
    assert np.abs(record.embedding.astype(int) - expected).max() <= 1
    assert np.mean(record.embedding == expected) > 0.98


def test_inference_without_a_file_and_without_weights_says_so(pca_params):
    printed = run("inference.py", "--weights", "none", "--pca", pca_params)
    assert printed.startswith("UNTRAINED WEIGHTS")
    assert "embeddings, at [0.   0.96 1.92 2.88 3.84] s" in printed


def test_the_head_learns_on_a_fixed_vggish(seeded_checkpoint):
    printed = run("train.py", "--weights", seeded_checkpoint, "--no-train-vggish", "--num-batches", 30)
    losses = [float(loss) for loss in re.findall(r"step \d+: loss ([\d.]+)", printed)]
    assert len(losses) == 30
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])


@pytest.mark.slow
def test_vggish_learns_with_the_head(seeded_checkpoint):
    printed = run("train.py", "--weights", seeded_checkpoint, "--num-batches", 6)
    losses = [float(loss) for loss in re.findall(r"step \d+: loss ([\d.]+)", printed)]
    assert losses[-1] < 0.5 * losses[0], "faster by far than the head alone"


def test_training_from_nothing_says_so():
    printed = run("train.py", "--weights", "none", "--no-train-vggish", "--num-batches", 1)
    assert printed.startswith("from UNTRAINED weights")


def test_the_smoke_test_knows_other_weights(seeded_checkpoint, pca_params):
    printed = run("smoke_test.py", seeded_checkpoint, "--pca", pca_params, status=1)
    lines = dict(re.findall(r"^([\w-]+ (?:mean|std)) .* (ok|DIFFERS)$", printed, re.MULTILINE))
    assert lines["log-mel mean"] == lines["log-mel std"] == "ok"
    assert lines["embedding std"] == "DIFFERS"
    assert printed.endswith("NOT the published weights.\n")


@pytest.mark.checkpoint
def test_the_smoke_test_knows_the_published_weights(published_checkpoint, pca_params):
    assert run("smoke_test.py", published_checkpoint, "--pca", pca_params).endswith(
        "These are the published weights.\n"
    )


@pytest.mark.parametrize("script", ["inference.py", "train.py", "smoke_test.py"])
def test_absent_weights_are_one_line(script):
    assert "vggish_model.ckpt" in run(script, status=1).splitlines()[-1]
