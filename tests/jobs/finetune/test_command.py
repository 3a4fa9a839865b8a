"""vggish-tf finetune, from a folder to scores: killed, resumed, refused, correct."""

import json
import os
import shutil
import signal
import subprocess
import time

import labelled_clips
import numpy as np
import pytest
from commands import environment, program

import vggish_tf
from vggish_tf import cli
from vggish_tf.jobs import finetune

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return labelled_clips.write_folder(tmp_path_factory.mktemp("data") / "sounds")


def command(folder, output, *more):
    options = (
        "--untrained --epochs 6 --batch-size 4 --learning-rate 3e-3 --dropout 0.3 "
        "--augment specaugment"
    )
    return ["finetune", str(folder), "-o", str(output), *options.split(), *more]


@pytest.mark.slow
def test_killed_and_resumed_from_the_command_line(folder, tmp_path, capsys):
    """After kill -9, the same command with --resume gives the same history and scores."""
    killed, whole = tmp_path / "killed.keras", tmp_path / "whole.keras"
    process = subprocess.Popen(program(*command(folder, killed)), env=environment())
    deadline = time.monotonic() + 300
    while not (tmp_path / "killed.run" / "checkpoint.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not killed.exists()
    assert cli.main(command(folder, killed)) == 5
    assert "--resume" in capsys.readouterr().err
    for target, more in ((killed, ["--resume"]), (whole, [])):
        subprocess.run(program(*command(folder, target, *more)), env=environment(), check=True)
    histories = [
        json.loads(path.with_suffix(".run").joinpath("history.json").read_text())
        for path in (killed, whole)
    ]
    assert [row["loss"] for row in histories[0]] == [row["loss"] for row in histories[1]]
    assert len(histories[0]) == 6
    first, second = (vggish_tf.load_model(path).get_weights() for path in (killed, whole))
    assert all(map(np.array_equal, first, second))


@pytest.mark.slow
def test_finetune_then_classify(folder, tmp_path, capsys):
    """The whole way: the saved model scores held-out clips as its own report says."""
    output = tmp_path / "model.keras"
    assert cli.main(command(folder, output, "--pool", "max")) == 0
    printed = capsys.readouterr().out
    assert "18 clips of 3 classes (noise, sine, steps): 12 train, 3 validation, 3 test" in printed
    assert {path.name for path in (tmp_path / "model.run").iterdir()} == {
        "history.json", "report.txt", "report.json", "report.png"}  # fmt: skip
    model = vggish_tf.load_model(output)
    clips = finetune.dataset(folder).of("test")
    waveforms = [finetune.read_clip(clip, 16_000) for clip in clips]
    scores = [model.predict_on_batch(waveform[None])[0] for waveform in waveforms]
    report = json.loads((tmp_path / "model.run" / "report.json").read_text())
    right = [
        labelled_clips.LABELS[np.argmax(row)] == clip.labels[0]
        for row, clip in zip(scores, clips, strict=True)
    ]
    assert report["accuracy"] == np.mean(right)
    table = tmp_path / "scores.csv"
    assert (
        cli.main(["classify", str(output), *(str(clip.path) for clip in clips), "-o", str(table)])
        == 0
    )
    printed = capsys.readouterr().out
    rows = [line.split(",") for line in table.read_text().splitlines()]
    assert rows[0] == ["file", "part", "start", "end", *labelled_clips.LABELS]
    whole = [row for row in rows if row[1] == "clip"]
    # float32 sums in another order
    np.testing.assert_allclose(np.array([row[4:] for row in whole], float), scores, atol=1e-5)
    assert [float(row[3]) for row in whole] == pytest.approx(
        [len(waveform) / 16_000 for waveform in waveforms]
    )
    first = [row for row in rows if row[:2] == [str(clips[0].path), "example"]]
    alone = model.predict_on_batch(waveforms[0][None, :15_600])[0]
    np.testing.assert_allclose(np.array(first[0][4:], float), alone, atol=1e-5)
    assert [first[0][2:4], f"{0.0:.2f} - {0.96:.2f} s" in printed] == [["0.0", "0.96"], True]
    best = labelled_clips.LABELS[int(np.argmax(scores[0]))]
    assert f"whole clip  {best} {max(scores[0]):.3f}" in printed


@pytest.mark.thorough
def test_a_class_whose_name_is_no_utf_8(folder, tmp_path):
    """Its name is escaped in the report; the model has it as it is."""
    name = os.fsdecode(b"caf\xe9")
    sounds = shutil.copytree(folder, tmp_path / "sounds")
    (sounds / "noise").rename(sounds / name)
    finetune.run(sounds, tmp_path / "m.keras", epochs=1, model_options={"weights": None})
    assert "caf\\udce9" in (tmp_path / "m.run" / "report.txt").read_text(encoding="utf-8")
    assert name in vggish_tf.load_model(tmp_path / "m.keras").get_layer("scores").labels


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[("--epochs", value) for value in ("0", "-1", "1.5", "many")],
        *[
            ("--patience", "0"),
            ("--batch-size", "0"),
            ("--hidden", "0"),
            ("--seed", "-1"),
            ("--seed", str(2**32)),
        ],
        *[
            (f"--{rate}", value)
            for rate in ("learning-rate", "backbone-learning-rate")
            for value in ("0", "nan", "inf")
        ],
        *[("--dropout", value) for value in ("1", "-0.1")],
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_name(folder, tmp_path, option, value, capsys):
    with pytest.raises(SystemExit) as error:
        cli.main(command(folder, tmp_path / "m.keras", option, value))
    assert error.value.code == 2
    assert f"argument {option}: must be " in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("output", "status", "words"),
    [("m.h5", 2, "Name it m.keras"), ("nowhere/m.keras", 5, "does not exist")],
)
def test_outputs_that_are_refused_before_any_work(
    folder, tmp_path, output, status, words, capsys, monkeypatch
):
    monkeypatch.setattr(finetune.job, "dataset", None)
    assert cli.main(command(folder, tmp_path / output)) == status
    assert words in capsys.readouterr().err
