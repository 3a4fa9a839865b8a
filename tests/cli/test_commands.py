"""Commands: written files, printed lines, exit statuses; no file is left half-written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import seeded
import signals
import soundfile
from commands import environment, program

from vggish_tf import __version__, cli, formats
from vggish_tf.formats import npz
from vggish_tf.reference import vggish_input
from vggish_tf.weights import registry


def fails(arguments, status, capsys):
    """Runs a command that must fail and returns its one line."""
    assert cli.main([str(argument) for argument in arguments]) == status
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["embed"],
        ["inspect"],
        ["fetch"],
        ["verify"],
        ["demo"],
        ["finetune"],
        ["classify"],
        ["search"],
        ["map"],
        ["convert"],
        ["fad"],
    ],
)
def test_help_loads_nothing_heavy(command):
    code = (
        "import sys; from vggish_tf import cli\n"
        f"try: cli.main({[*command, '--help']})\n"
        "except SystemExit as exit: assert exit.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'soundfile', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "usage: vggish-tf" in result.stdout


@pytest.mark.slow
def test_embedding_a_real_file_end_to_end(seeded_checkpoint, shared_data, tmp_path):
    """44.1 kHz stereo in, 19 rows out, equal to the TF1 session on the same audio."""
    source, target = shared_data / "audio" / "bus_chatter.wav", tmp_path / "bus.npz"
    command = [
        str(Path(sys.executable).with_name("vggish-tf")),
        "embed",
        str(source),
        "-o",
        str(target),
        "--weights",
        str(seeded_checkpoint),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == f"{source} → {target}: 19 rows\n"
    assert result.stderr == ""  # TensorFlow's own messages among them
    embedding, timestamps, provenance = npz.read(target)
    with seeded.slim_session(seeded_checkpoint) as session:
        expected = session(vggish_input.wavfile_to_examples(str(source)))
    np.testing.assert_allclose(embedding, expected, rtol=0, atol=1e-5)  # as in test_embedding
    assert timestamps.tolist() == pytest.approx(np.arange(19) * 0.96)
    assert (provenance["audio"], provenance["vggish_tf"]) == ("bus_chatter.wav", __version__)
    assert provenance["weights"]["untrained"] is False
    assert len(provenance["weights"]["md5"]) == 32
    assert os.listdir(tmp_path) == ["bus.npz"]


@pytest.fixture
def two(wav, tmp_path):
    """Arguments to embed two files with a row every 0.48 s, and the folder they are in."""
    other = tmp_path / "other.flac"
    soundfile.write(other, signals.noise(16_000), signals.RATE)
    return ["embed", str(wav), str(other), "--set", "example_hop_seconds=0.48"]


@pytest.mark.usefixtures("small_networks")
@pytest.mark.parametrize(
    ("output", "options", "made"),
    [
        ("out", [], "parquet"),
        ("out.parquet", [], "parquet"),
        ("out.csv", [], "csv"),
        ("out", ["--format", "npz"], "npz"),
        ("out", ["--format", "memmap"], "memmap"),
        ("out.tfrecord", ["--postprocess", "quantized"], "tfrecord"),
        ("out", ["--format", "youtube8m", "--pool", "mean"], "tfrecord"),
    ],
)
def test_many_files_into_one_archive(
    output, options, made, small_checkpoint, two, pca_params, tmp_path, monkeypatch
):
    resolve = registry.resolve
    monkeypatch.setattr(
        registry,
        "resolve",
        lambda path, kind="model": pca_params if kind == "pca" else resolve(path),
    )
    out = tmp_path / output
    arguments = [*two, "-o", str(out), "--weights", str(small_checkpoint), *options]
    assert cli.main(arguments) == 0
    assert formats.format_of(out) == made
    archive = formats.read(out)
    clips = {clip.path: clip for clip in archive.clips}
    num_rows = [1, 1] if "--pool" in options else [4, 1]
    assert [len(clips[path].start) for path in two[1:3]] == num_rows
    assert archive.provenance["params"]["example_hop_seconds"] == 0.48
    assert not [name for name in os.listdir(tmp_path) if "parts" in name or name[0] == "."]


@pytest.mark.usefixtures("small_networks")
def test_an_npz_a_file_mirrors_the_folders(small_checkpoint, wav, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("sounds/a", "sounds/b"):
        os.makedirs(folder)
        shutil.copy(wav, f"{folder}/clip.wav")
    options = ["--format", "npz", "--weights", str(small_checkpoint)]
    assert cli.main(["embed", "sounds", "-o", "out", *options]) == 0
    found = sorted(str(path) for path in Path("out").rglob("*.npz"))
    assert found == ["out/sounds/a/clip.wav.npz", "out/sounds/b/clip.wav.npz"]
    assert len(npz.read(found[0])[0]) == 2


@pytest.mark.usefixtures("small_networks")
@pytest.mark.parametrize("output", ["out", "out.csv"])
def test_a_bad_file_does_not_cost_the_good_ones(output, small_checkpoint, wav, tmp_path, capsys):
    bad, out = tmp_path / "bad.wav", tmp_path / output
    bad.write_text("this is not audio")
    arguments = ["embed", bad, wav, "-o", out, "--weights", small_checkpoint]
    assert cli.main(list(map(str, arguments))) == 3
    assert [clip.path for clip in formats.read(out).clips] == [str(wav)]
    first, last = capsys.readouterr().err.splitlines()
    assert "bad.wav is not audio" in first
    assert "1 clip could not be embedded; the rest was written" in last
    table = Path(last.split("See ")[1].rstrip("."))
    assert "bad.wav is not audio" in table.read_text()


@pytest.mark.usefixtures("small_networks")
def test_one_bad_file_is_one_line(small_checkpoint, tmp_path, capsys):
    arguments = [
        "embed",
        tmp_path / "none.wav",
        "-o",
        tmp_path / "out.npz",
        "--weights",
        small_checkpoint,
    ]
    assert "none.wav does not exist" in fails(arguments, 3, capsys)
    assert os.listdir(tmp_path) == []


def test_absent_weights_say_what_to_do(wav, tmp_path, capsys):
    line = fails(["embed", wav, "-o", tmp_path / "out.npz"], 4, capsys)
    for word in (
        "https://storage.googleapis.com/audioset/vggish_model.ckpt",
        "d1c7011e6366aa34176bb05c705e31a8",
    ):
        assert word in line
    assert os.environ["VGGISH_TF_CACHE"] in line


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["-o", "nowhere/out.npz"], 5, "the folder nowhere does not exist"),
        (["-o", "out.npz", "--set", "hop=1"], 2, "no parameter 'hop'. Choose from sample_rate"),
        (["-o", "out.npz", "--set", "mel_max_hz=high"], 2, "mel_max_hz needs a number"),
        (["-o", "out.npz", "--set", "mel_max_hz=9000"], 2, "mel_max_hz must be at most 8000"),
        (
            ["-o", "out.npz", "--weights", "nowhere.ckpt"],
            4,
            "there is no checkpoint at nowhere.ckpt",
        ),
        (["second.wav", "-o", "out.npz"], 2, "2 clips do not fit into out.npz. Give a folder"),
        (
            ["-o", "clip.npy"],
            2,
            "the suffix of clip.npy belongs to no format. Give format: parquet",
        ),
        (["-o", "clip.csv", "--format", "zarr"], 2, "format must be None, 'parquet', 'csv'"),
        (["-o", "out", "--overwrite"], 2, "out is a folder of Parquet shards"),
        (
            ["-o", "out.npz", "--set", "num_mel_bins=1e9"],
            2,
            "num_mel_bins must be positive and at most 10,000",
        ),
    ],
    ids=str,
)
def test_mistakes_are_one_line_and_leave_nothing(
    wav, options, status, words, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert words in fails(["embed", wav.name, *options], status, capsys)
    assert os.listdir(tmp_path) == ["clip.wav"]


@pytest.mark.usefixtures("small_networks")
def test_a_full_disk_leaves_nothing(small_checkpoint, wav, tmp_path, capsys, monkeypatch):
    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    arguments = ["embed", wav, "-o", tmp_path / "out.npz", "--weights", small_checkpoint]
    assert (
        fails(arguments, 6, capsys)
        == f"vggish-tf: {tmp_path / 'out.npz'}: No space left on device."
    )
    assert os.listdir(tmp_path) == ["clip.wav"]


def test_a_recording_is_not_overwritten_with_its_embeddings(wav, tmp_path, capsys):
    misnamed = wav.rename(tmp_path / "clip.npz")
    before = misnamed.read_bytes()
    assert "would be overwritten" in fails(["embed", misnamed, "-o", misnamed], 5, capsys)
    assert misnamed.read_bytes() == before


@pytest.mark.usefixtures("small_networks")
def test_an_npz_is_replaced_with_overwrite_alone(small_checkpoint, wav, tmp_path, capsys):
    target = tmp_path / "out.npz"
    target.write_bytes(b"kept")
    arguments = ["embed", wav, "-o", target, "--weights", small_checkpoint]
    assert "out.npz already exists" in fails(arguments, 5, capsys)
    assert target.read_bytes() == b"kept"
    assert cli.main([*map(str, arguments), "--overwrite"]) == 0
    assert npz.read(target)[2]["audio"] == wav.name


@pytest.mark.slow
def test_a_closed_pipe_does_not_stop_the_work(small_checkpoint, wav, tmp_path):
    other = tmp_path / "other.wav"
    soundfile.write(other, signals.noise(16_000), signals.RATE)
    command = program("embed", wav, other, "-o", tmp_path / "out", "--weights", small_checkpoint)
    result = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | true', "bash", *command],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert [clip.path for clip in formats.read(tmp_path / "out").clips] == [str(wav), str(other)]


def test_ctrl_c_is_one_line(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("vggish_tf.weights.registry.fetch", interrupted)
    assert fails(["fetch"], 130, capsys) == "vggish-tf: interrupted"


@pytest.mark.usefixtures("small_networks")
def test_verify_says_that_seeded_weights_are_not_the_published_ones(small_checkpoint, capsys):
    assert cli.main(["verify", str(small_checkpoint)]) == 1
    assert "NOT the published weights" in capsys.readouterr().out


@pytest.mark.checkpoint
def test_verify_knows_the_published_weights(published_checkpoint):
    assert cli.main(["verify", str(published_checkpoint)]) == 0


def test_fetch_offline_says_where_to_put_the_file(capsys):
    assert "by hand" in fails(["fetch"], 4, capsys)


@pytest.mark.usefixtures("small_networks")
def test_the_demo_says_untrained_first_in_the_picture_and_in_the_provenance(
    tmp_path, capsys, monkeypatch
):
    from vggish_tf.drawing import pictures

    titles = []
    overview = pictures.overview
    monkeypatch.setattr(
        pictures, "overview", lambda stages, *, title, segments: (titles.append(title), overview(
            stages, title=title, segments=segments))[1]
    )  # fmt: skip
    assert cli.main(["demo", "-o", str(tmp_path / "demo")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("UNTRAINED WEIGHTS")
    assert titles[0].startswith("UNTRAINED WEIGHTS")
    embedding, _, provenance = npz.read(tmp_path / "demo" / "embeddings.npz")
    assert provenance["weights"]["untrained"] is True
    assert provenance["weights"]["asked"] == "untrained, seed 0"
    assert embedding.shape == (20, 128)
    assert 0.1 < embedding.std() < 3  # a picture can show it
    assert (tmp_path / "demo" / "stages.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.usefixtures("small_networks")
def test_the_demo_on_published_weights_says_so(
    small_checkpoint, pca_params, tmp_path, capsys, monkeypatch
):
    from vggish_tf.drawing import pictures
    from vggish_tf.weights import registry

    def cached(weights, *, kind="model"):
        return pca_params if kind == "pca" else small_checkpoint

    monkeypatch.setattr(registry, "resolve", cached)
    monkeypatch.setattr("vggish_tf.weights.readers.resolve", cached)
    # the picture is drawn by the test above, in seconds
    monkeypatch.setattr(pictures, "overview", lambda stages, *, title, segments: title)
    monkeypatch.setattr(pictures, "save", lambda title, path: path.write_text(title))
    assert cli.main(["demo", "-o", str(tmp_path / "demo")]) == 0
    assert capsys.readouterr().out.startswith("The published AudioSet weights.")
    assert (tmp_path / "demo" / "stages.png").read_text() == "The published AudioSet weights."
    assert npz.read(tmp_path / "demo" / "embeddings.npz")[2]["weights"]["untrained"] is False


def test_npz_refuses_what_is_not_one(tmp_path):
    from vggish_tf import VGGishError

    (tmp_path / "text.npz").write_text(json.dumps({}))
    np.savez(tmp_path / "other.npz", embedding=np.zeros((1, 128)))
    np.save(tmp_path / "array.npy", np.zeros(1))
    (tmp_path / "empty.npz").touch()
    (tmp_path / "cut.npz").write_bytes((tmp_path / "other.npz").read_bytes()[:300])
    for name in ("text.npz", "other.npz", "absent.npz", "array.npy", "empty.npz", "cut.npz"):
        with pytest.raises(VGGishError, match=name):
            npz.read(tmp_path / name)
