"""vggish-tf classify with prototypes: what is printed and written, whose weights, refusals."""

import csv
import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import small_network
from labelled_clips import LABELS
from sklearn.metrics.pairwise import cosine_similarity

import vggish_tf
from vggish_tf import cli
from vggish_tf.jobs import classify
from vggish_tf.network import backbone

pytestmark = pytest.mark.usefixtures("small_networks", "taught")


def run(*arguments) -> int:
    return cli.main(["classify", *map(str, arguments)])


def test_what_is_printed_and_written(folder, taught, embedder, tmp_path, capsys):
    clips = [folder / label / "2.wav" for label in LABELS]
    assert run(folder / "taught.json", *clips, "--top", 2, "-o", tmp_path / "scores.csv") == 0
    printed = capsys.readouterr().out.splitlines()
    with open(tmp_path / "scores.csv", newline="", encoding="utf-8") as file:
        columns, *rows = csv.reader(file)
    assert columns == ["file", "part", "start", "end", *LABELS]
    for clip in clips:
        expected = cosine_similarity(embedder.embed_file(clip).embedding, taught.embedding)
        expected = np.vstack([expected.mean(axis=0), expected])
        found = [row for row in rows if row[0] == str(clip)]
        assert [row[1] for row in found] == ["clip", *["example"] * (len(expected) - 1)]
        # other clips in the batch: other last bits of float32
        np.testing.assert_allclose(np.array([row[4:] for row in found], float), expected, atol=1e-6)
        first, second = np.argsort(-expected[0])[:2]
        best = (
            f"{LABELS[first]} {expected[0, first]:.3f}  {LABELS[second]} {expected[0, second]:.3f}"
        )
        line = next(k for k, line in enumerate(printed) if line.startswith(str(clip)))
        assert printed[line + 1] == f"            whole clip  {best}"


def test_weights_that_lie_elsewhere_are_named_with_an_option(folder, taught, tmp_path, capsys):
    lost = dataclasses.replace(taught.weights, asked="/lost/small.keras")
    dataclasses.replace(taught, weights=lost).save(tmp_path / "lost.json")
    clip = folder / "sine" / "2.wav"
    assert run(tmp_path / "lost.json", clip) == 4
    errors = capsys.readouterr().err
    assert f"{tmp_path}/lost.json: there is no checkpoint at /lost/small.keras" in errors
    assert errors.endswith("Or say with --weights where the weights of the prototypes are.\n")
    assert run(tmp_path / "lost.json", clip, "--weights", folder / "small.keras") == 0
    assert run(tmp_path / "lost.json", clip, "--weights", tmp_path / "no.ckpt") == 4
    assert capsys.readouterr().err.count("--weights") == 0


def test_other_weights_are_status_4(folder, taught, tmp_path, capsys):
    small_network.randomize(small_network.vggish(), seed=5).save(tmp_path / "other.keras")
    clip = folder / "sine" / "2.wav"
    assert run(folder / "taught.json", clip, "--weights", tmp_path / "other.keras") == 4
    captured = capsys.readouterr()
    assert captured.err.startswith("vggish-tf: the prototypes are of other weights: the SHA-256")
    assert taught.weights.values_sha256 in captured.err
    assert captured.out == ""


def test_untrained_weights_show_on_every_line_and_in_the_table(folder, tmp_path, capsys):
    small_network.vggish().save(tmp_path / "untrained.keras")
    clips = {label: [folder / label / "2.wav"] for label in LABELS}
    with pytest.warns(UserWarning, match="untrained"):
        embedder = vggish_tf.Embedder(str(tmp_path / "untrained.keras"))
    classify.teach(embedder, clips).save(tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    content["weights"]["untrained"] = False
    (tmp_path / "a.json").write_text(json.dumps(content))
    output = tmp_path / "scores.csv"
    assert run(tmp_path / "a.json", folder / "sine" / "2.wav", "-o", output) == 0
    captured = capsys.readouterr()
    assert "vggish-tf: warning: these weights are untrained" in captured.err
    assert all("(UNTRAINED)" in line for line in captured.out.splitlines()[1:])
    marked = ",".join(f"{label} (UNTRAINED)" for label in LABELS)
    assert output.read_text().splitlines()[0] == f"file,part,start,end,{marked}"


def test_the_digest_decides_of_untrained_weights_too(folder, tmp_path, capsys, monkeypatch):
    """The seed of the command makes the same ones again; those of another seed are refused."""
    unseeded = keras.initializers.TruncatedNormal
    monkeypatch.setattr(backbone, "_kernel", lambda _: unseeded())
    clip = folder / "sine" / "2.wav"
    for seed, status in ((0, 0), (1, 4)):
        keras.utils.set_random_seed(seed)
        classify.teach(vggish_tf.Embedder(None), {"sine": [clip]}).save(tmp_path / "a.json")
        assert run(tmp_path / "a.json", clip) == status
    captured = capsys.readouterr()
    assert "sine (UNTRAINED) 1.000" in captured.out
    assert "the prototypes are of other weights" in captured.err


def test_a_classifier_has_weights_of_its_own(folder, tmp_path, capsys):
    small_network.classifier().save(tmp_path / "m.keras")
    clip = folder / "sine" / "2.wav"
    assert run(tmp_path / "m.keras", clip, "--weights", "audioset") == 2
    assert "--weights audioset is for prototypes" in capsys.readouterr().err


REFUSED = {
    "taught.json no.wav": (3, "no.wav does not exist"),
    "no.json sine/2.wav": (5, "no.json cannot be read as prototypes: it does not exist"),
    "cut.json sine/2.wav": (5, "cut.json cannot be read as prototypes: Expecting"),
    "taught.json sine/2.wav --weights no.ckpt": (4, "there is no checkpoint at no.ckpt"),
    "lost.json sine/2.wav": (4, "there is no checkpoint at lost.ckpt"),
}


def test_all_is_checked_before_tensorflow_is_imported(folder, taught):
    (folder / "cut.json").write_text((folder / "taught.json").read_text()[:1000])
    lost = dataclasses.replace(taught.weights, asked="lost.ckpt")
    dataclasses.replace(taught, weights=lost).save(folder / "lost.json")
    code = (
        "import sys; from vggish_tf.cli import main\n"
        "for line in sys.argv[1:]: print(main(['classify', *line.split()]))\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, *REFUSED]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout.split() == [*(str(status) for status, _ in REFUSED.values()), "set()"]
    for line, (_, words) in zip(done.stderr.splitlines(), REFUSED.values(), strict=True):
        assert words in line


def test_help_says_what_it_takes(capsys):
    with pytest.raises(SystemExit):
        run("--help")
    words = " ".join(capsys.readouterr().out.split())
    assert "the .json of prototypes that the page of `export --format web` writes" in words
