"""User errors on the command line: exit status 2, named options, TensorFlow not imported."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import signals
import small_network
import soundfile

import vggish_tf
from vggish_tf import cli


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder: clip.wav, a folder of sounds, two clips too short for an example."""
    monkeypatch.chdir(tmp_path)
    soundfile.write("clip.wav", signals.noise(16_000), signals.RATE)
    soundfile.write("short.wav", signals.noise(1), signals.RATE)
    os.mkdir("sounds")
    return tmp_path


def status_of(line: str) -> int:
    try:
        return cli.main(line.split())
    except SystemExit as exit:
        return exit.code


@pytest.mark.parametrize(
    "command",
    [
        *("embed", "inspect", "fetch", "verify", "demo", "export", "finetune", "classify"),
        *("search", "convert"),
    ],
)
def test_an_unknown_option_shows_the_command_s_own_usage(command, capsys):
    arguments = {
        "embed": "x -o y",
        "inspect": "x",
        "export": "--format keras -o y",
        "finetune": "x -o y",
        "classify": "x y",
        "search": "x y",
        "convert": "x y",
    }.get(command, "")
    assert status_of(f"{command} --nope {arguments}") == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"usage: vggish-tf {command} ")
    assert errors.splitlines()[-1] == f"vggish-tf {command}: error: unrecognized arguments: --nope"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("embed clip.wav -o out.npz --set hop=1", "no parameter 'hop'"),
        ("embed clip.wav -o out.npz --set mel_max_hz", "mel_max_hz needs a number"),
        ("embed clip.wav -o clip.npy", "the suffix of clip.npy belongs to no format"),
        ("embed clip.wav other.wav -o out.npz", "2 clips do not fit into out.npz"),
        pytest.param(
            "embed clip.wav -o out --beam --no_such",
            "Beam has no option --no_such",
            marks=pytest.mark.skipif(not find_spec("apache_beam"), reason="pip install '.[beam]'"),
        ),
        ("inspect clip.wav -o clip.wav", "its name must end in .html or .htm. Name it clip.html."),
        ("inspect clip.wav --native-rate --set sample_rate=8000", "contradicts --native-rate"),
        ("export --format bad -o out", "format must be 'saved_model', 'frozen_graph'"),
        ("export --format keras -o out.h5", "its name must end in .keras. Name it out.keras."),
        (
            "export --format keras -o out.keras --precision int8",
            "precision must be 'float32'; received 'int8'",
        ),
        (
            "export --format frozen_graph -o out.pb --input-rate 44100",
            "--input-rate 44100 does not apply to it",
        ),
        (
            "export --format keras -o out.keras --fixed-shape 1.5",
            ": --fixed-shape 1.5 does not apply to it",
        ),
        (
            "export --format weights -o out.weights.h5 --postprocess pca",
            "--postprocess pca does not apply to it",
        ),
        (
            "export --format keras -o out.keras --weights a --model b",
            "argument --model: not allowed with",
        ),
        ("finetune sounds -o out.h5", "its name must end in .keras. Name it out.keras."),
        (
            "finetune sounds -o out.keras --untrained --weights a.ckpt",
            "not allowed with argument --untrained",
        ),
        (
            "finetune sounds -o out.keras --untrained --trainable fc",
            "--trainable fc contradicts it",
        ),
        (
            "classify model.keras clip.wav -o clip.wav",
            "its name must end in .csv. Name it clip.csv.",
        ),
        ("classify model.keras clip.wav --top 0", "argument --top: must be a whole number from 1"),
        ("convert rows.csv out.h5", "the suffix of out.h5 belongs to no format"),
        ("convert rows.csv out --format zarr", "format must be None, 'parquet', 'csv'"),
        ("convert sounds sounds/out", "of sounds and sounds/out, one is the other"),
    ],
)
def test_a_mistake_is_status_2_and_leaves_nothing(line, words, folder, capsys):
    before = sorted(os.listdir())
    assert status_of(line) == 2
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("embed no.wav -o out.npz", 3, "no.wav does not exist"),
        ("embed no.wav nor.wav -o out", 3, "none of 2 files: no.wav does not exist"),
        ("embed clip.wav -o out.npz --weights no.ckpt", 4, "there is no checkpoint at no.ckpt"),
        ("inspect no.wav", 3, "no.wav does not exist"),
        ("inspect clip.wav --weights no.ckpt", 4, "there is no checkpoint at no.ckpt"),
        ("verify no.ckpt", 4, "there is no checkpoint at no.ckpt"),
        ("demo -o clip.wav", 5, "cannot make the folder clip.wav"),
        (
            "export --format keras -o out.keras --weights no.ckpt",
            4,
            "there is no checkpoint at no.ckpt",
        ),
        ("export --format keras -o no/out.keras", 5, "the folder no does not exist"),
        ("finetune no -o out.keras --untrained", 5, "no does not exist"),
        ("finetune sounds -o no/out.keras --untrained", 5, "the folder no does not exist"),
        ("finetune sounds -o out.keras --weights no.ckpt", 4, "there is no checkpoint at no.ckpt"),
        ("classify no.keras clip.wav", 4, "no.keras: it does not exist"),
        ("convert no.tfrecord out.csv", 5, "no.tfrecord does not exist. Give an archive"),
        ("convert clip.wav out.tfrecord", 5, "clip.wav is not an archive of embeddings"),
        ("convert no.csv no/out.tfrecord", 5, "the folder no does not exist"),
        ("convert no.csv clip.wav --format tfrecord", 5, "clip.wav already exists"),
    ],
)
def test_paths_are_checked_before_tensorflow_is_imported(line, status, words, folder):
    code = (
        "import sys; from vggish_tf.cli import main\n"
        "status = main(sys.argv[1:]); print(status, {'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *line.split()], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{status} set()\n"
    assert words in done.stderr


def test_audio_for_classify_is_checked_before_the_model_is_read(folder, capsys, small_networks):
    small_network.classifier().save("model.keras")
    assert status_of("classify model.keras no.wav nor.wav") == 3
    assert capsys.readouterr().err == (
        "vggish-tf: none of 2 files: no.wav does not exist. Check the name; the current folder is "
        f"{folder}.\n"
    )


def test_python_s_words_become_options_and_one_row_is_one(folder, capsys, small_networks):
    vggish_tf.VGGish(None).save("model.keras")
    assert status_of("embed short.wav -o out.npz --weights model.keras") == 0
    captured = capsys.readouterr()
    warning = next(line for line in captured.err.splitlines() if "short.wav" in line)
    assert warning == (
        "vggish-tf: warning: short.wav has 1 sample at 16000 Hz, under the 15600 of one example; "
        "it was filled with silence. Say --pad never for zero rows."
    )
    assert captured.out.splitlines()[-1] == "short.wav → out.npz: 1 row"


def test_the_name_of_a_file_is_left_alone(folder, capsys):
    os.mkdir("pad=1")
    assert status_of("embed pad=1/no.wav weights=2.wav -o out") == 3
    errors = capsys.readouterr().err
    assert "pad=1/no.wav does not exist" in errors


def test_a_classifier_s_own_front_end_contradicted(folder, capsys, small_networks):
    small_network.classifier().save("model.keras")
    assert status_of("export --model model.keras --format keras -o out.keras --pad never") == 2
    assert "received --pad never. Leave that out" in capsys.readouterr().err


def test_a_postprocessor_without_pca_parameters(folder, capsys, small_networks):
    vggish_tf.VGGish(None).save("model.keras")
    line = "export --model model.keras --format keras -o out.keras --postprocess pca --pca none"
    assert status_of(line) == 2
    assert "--postprocess pca needs PCA parameters" in capsys.readouterr().err
