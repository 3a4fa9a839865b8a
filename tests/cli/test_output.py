"""--json, --quiet and --verbose in every command; colours, and what they are without a terminal."""

import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import archives
import labelled_clips
import numpy as np
import pytest
import small_network
from matplotlib.figure import Figure
from sound_files import write_noise
from terminals import Terminal

import vggish_tf
from vggish_tf import cli
from vggish_tf.jobs.embed import embed_archive
from vggish_tf.weights import registry

WEIGHTS = "--weights untrained.keras"
# A line a command, and whether its result is of untrained weights; None if it is of no weights.
LINES = {
    "demo": ("demo -o pictures", True),
    "fetch": ("fetch --list", None),
    "verify": ("verify untrained.keras", True),
    "embed": ("embed sounds -o new --untrained", True),
    "convert": ("convert rows rows.csv", True),
    "search": ("search rows clip.wav", True),
    "map": ("map rows", True),
    "fad": ("fad rows other.parquet", True),
    "inspect": (f"inspect clip.wav {WEIGHTS}", True),
    "profiles": ("profiles", None),
    "compare-profiles": ("compare-profiles clip.wav fadtk --untrained", True),
    "finetune": (f"finetune sounds -o model.keras --epochs 1 {WEIGHTS}", True),
    "classify": ("classify classifier.keras clip.wav bad.wav", False),
    "export": (f"export --format keras -o out.keras {WEIGHTS}", True),
    "serve": ("serve sounds --port 0", None),
    "convert-weights": ("convert-weights untrained.keras out.safetensors", True),
    "completion": ("completion bash", None),
}
STATUSES = {"verify": 1, "classify": 3}
NUM_ERRORS = {"classify": 2}
SAYS_UNTRAINED = re.compile("UNTRAINED|weights are untrained")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with all that the lines name."""
    folder = tmp_path_factory.mktemp("made")
    labelled_clips.write_folder(folder / "sounds", takes=3, seconds=(1.0, 1.1))
    write_noise(folder / "clip.wav", 2.5)
    (folder / "bad.wav").write_text("this is not audio")
    with small_network.shrunken():
        vggish_tf.VGGish(None).save(folder / "untrained.keras")
        small_network.classifier().save(folder / "classifier.keras")
        embedder = vggish_tf.Embedder(str(folder / "untrained.keras"))
        embed_archive([folder / "sounds"], folder / "rows", embedder)
        provenance = {**embedder.provenance, "pool": None}
    rows = np.random.default_rng(0).normal(size=(9, 128)).astype(np.float32)
    archives.written(folder / "other.parquet", [archives.clip("a.wav", rows)], provenance)
    return folder


@pytest.fixture
def run(made, tmp_path, monkeypatch, small_networks, capsys):
    """A function of a line: its status, standard output, and standard error, a terminal."""
    shutil.copytree(made, tmp_path / "made")
    monkeypatch.chdir(tmp_path / "made")
    monkeypatch.setattr("vggish_tf.jobs.serve.Server.serve_forever", lambda self: None)
    # drawn in other tests, in seconds
    for name in ("drawing.pictures.overview", "jobs.finetune.job.draw"):
        monkeypatch.setattr(f"vggish_tf.{name}", lambda *_, **__: Figure())
    monkeypatch.setattr("vggish_tf.jobs.inspect.page.write", lambda path, *_: path.touch())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(line: str) -> tuple[int, str, str]:
        terminal = Terminal()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", terminal)
            status = cli.main(shlex.split(line))
        return status, capsys.readouterr().out, terminal.getvalue()

    return run


def test_every_command_has_a_line():
    names = {command.__name__.rpartition(".")[2].replace("_", "-") for command in cli.COMMANDS}
    assert set(LINES) == names


@pytest.mark.parametrize("command", LINES)
def test_json_is_one_document_and_quiet_draws_nothing(command, run):
    line, untrained = LINES[command]
    status, out, err = run(f"{line} --json --quiet")
    assert status == STATUSES.get(command, 0)
    document = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert document
    if untrained is not None:
        assert document["untrained"] is untrained
    assert "\r" not in err  # a bar
    lines = [re.sub(r"\x1b\[\d+m", "", each) for each in err.splitlines()]
    told = [each for each in lines if not (SAYS_UNTRAINED.search(each) or "warning:" in each)]
    assert len(told) == NUM_ERRORS.get(command, 0), told


@pytest.mark.parametrize("command", ["demo", "embed", "convert-weights", "export"])
def test_quiet_says_nothing_but_that_weights_are_untrained(command, run):
    status, out, err = run(f"--quiet {LINES[command][0]}")
    assert (status, out) == (0, "")
    assert SAYS_UNTRAINED.search(err)


def test_quiet_prints_results_alone(run):
    assert run("search rows clip.wav --top 1 -q")[1].splitlines()[0].split()[0] == "cosine"
    _, out, err = run("inspect clip.wav -q")
    assert "wrote" not in out
    assert out.startswith("file            clip.wav")
    assert err == ""


def test_json_has_all_else_on_standard_error(run):
    status, out, err = run("--json embed sounds -o new --untrained")
    document = json.loads(out)
    assert (status, document["clips"], document["embedded"], document["failures"]) == (0, 9, 9, [])
    assert document["provenance"]["weights"]["untrained"] is True
    assert "9 clips" in err
    assert "9 of 9 clips embedded" in err
    status, out, err = run("classify classifier.keras clip.wav --json")
    (found,) = json.loads(out)["files"]
    assert (found["path"], found["seconds"], len(found["examples"])) == ("clip.wav", 2.5, 2)
    assert "whole clip" in err


def test_json_has_failures_and_the_status_too(run):
    status, out, err = run("--json embed bad.wav clip.wav -o new --untrained")
    (failure,) = json.loads(out)["failures"]
    assert (status, failure["path"], failure["kind"]) == (3, "bad.wav", "AudioError")
    assert "1 clip could not be embedded" in err
    status, out, _ = run("--json embed no.wav -o out.npz --untrained")
    assert (status, out) == (3, "")  # no result, no document


def test_json_of_a_run_without_rows(run):
    write_noise(Path("short.wav"), 0.05)
    status, out, _ = run("--json embed short.wav -o new --untrained --pad never")
    document = json.loads(out)
    assert (status, document["clips"], document["embedded"], document["failures"]) == (0, 1, 1, [])
    assert document["untrained"] is True
    assert document["provenance"]["pad"] == "never"


def test_rows_that_are_there_are_compared_with_the_weights(run, small_checkpoint):
    run("embed sounds -o new --untrained")
    status, _, err = run("embed sounds -o new --weights nowhere.ckpt")
    assert status == 4
    assert "there is no checkpoint at nowhere.ckpt" in err
    status, _, err = run(f"embed sounds -o new --weights {small_checkpoint}")
    assert status == 5
    assert "rows of other settings: weights was " in err
    status, out, err = run("embed sounds -o new --untrained --quiet")
    assert (status, out) == (0, "")
    assert SAYS_UNTRAINED.search(err)


def test_a_bar_counts_seconds_of_sound(run):
    """That the tests above can fail."""
    _, out, err = run("embed sounds -o new --untrained")
    assert re.search(r"\d+/9 s of sound, [\d,.]+× real time, \d\d:\d\d left, \d/9 clips", err)
    assert out.splitlines()[-1].startswith("9 of 9 clips embedded")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("classify classifier.keras clip.wav", r"\d/2 s of sound"),
        ("search rows clip.wav", r"query: .*\d/2 s of sound"),
        (f"inspect clip.wav {WEIGHTS}", r"network: .*\d/2 s of sound"),
        (f"finetune sounds -o model.keras --epochs 1 {WEIGHTS}", r"caching embedding: .*/9 s of"),
        ("map rows --log-mel", r"sounds: .*\d+/9 s of sound"),
        ("embed clip.wav -o out.npz --untrained", r"\d/2 s of sound"),
    ],
)
def test_every_long_reading_of_sound_has_that_bar(line, words, run):
    assert re.search(words, run(line)[2])


def test_verbose_says_weights_plan_and_times_on_standard_error(run):
    _, out, err = run("-v embed clip.wav -o out.npz --untrained")
    for words in ("weights: UNTRAINED (untrained)", "plan: tensorflow", "done"):
        assert re.search(rf" \d+\.\d\d s  {re.escape(words)}", err), words
    assert "plan" not in out


def test_colours_are_for_terminals_without_no_color(run, monkeypatch, capsys):
    assert "\x1b[31mvggish-tf:\x1b[0m no.wav does not exist" in run("inspect no.wav")[2]
    assert "\x1b[33mvggish-tf: warning:\x1b[0m " in run("embed clip.wav -o a.npz --untrained")[2]
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("inspect no.wav")[2].startswith("vggish-tf: no.wav does not exist")
    monkeypatch.delenv("NO_COLOR")
    assert cli.main(["inspect", "no.wav"]) == 3
    assert capsys.readouterr().err.startswith("vggish-tf: no.wav does not exist")


def test_events_are_lines_in_a_file(run):
    run("embed sounds -o new --untrained --events events.jsonl")
    lines = Path("events.jsonl").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events == ["begin", *["done"] * 9, "end"]


def test_fetch_prints_where_the_files_are(run, monkeypatch):
    monkeypatch.setattr(registry, "fetch", lambda name: "clip.wav")
    _, out, _ = run("fetch --json")
    assert [each["path"] for each in json.loads(out)] == ["clip.wav"] * 2
