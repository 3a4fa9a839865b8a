"""docs/migrating.md is true: its new calls and commands run."""

import re
import shlex
from pathlib import Path

import migration
import numpy as np
import pages
import pytest
import seeded
import soundfile
from sound_files import write_sets

from vggish_tf import Embedder, cli
from vggish_tf.profiles import PROFILES
from vggish_tf.reference import vggish_input

PAGE = "migrating.md"


@pytest.fixture
def readers_machine(tmp_path, monkeypatch, small_networks, small_checkpoint, pca_params):
    """A folder to be in, with the files that the page names, and small published weights."""
    import published

    monkeypatch.setenv("VGGISH_TF_CACHE", str(tmp_path))
    published.stand_in(tmp_path, small_checkpoint, pca_params, monkeypatch.setitem)
    monkeypatch.chdir(tmp_path)
    soundfile.write("clip.wav", migration.clip(), 16_000, "PCM_16")
    write_sets(tmp_path, 6, names=("sounds", "real", "made"))


pytestmark = [
    pytest.mark.thorough,
    pytest.mark.filterwarnings("ignore:.*the Fréchet distance depends on the number of"),
]


@migration.needs_resampy
def test_the_calls_from_tensorflow_models(readers_machine):
    names = pages.run_python(PAGE, "tensorflow/models")
    (old,) = pages.code(PAGE, "py", "tensorflow/models")
    exec(old, names | (left := {}), left)  # with the imports of the page
    np.testing.assert_allclose(names["embedding"], left["embedding"], atol=1e-5)
    differ = abs(names["quantized"].astype(int) - left["quantized"])
    assert differ.max() <= 1
    assert differ.mean() < 0.01
    assert names["embedder"].profile.resampler == "resampy"


def test_the_commands_from_tensorflow_models(readers_machine):
    from vggish_tf.formats import tfrecord

    text = pages.text_of(PAGE, "tensorflow/models")
    commands = re.findall(r"\| `(vggish-tf .*?)`", text)
    assert [line.split()[1] for line in commands] == ["embed", "finetune", "verify"]
    assert cli.main(shlex.split(commands[0])[1:]) == 0
    (record,) = tfrecord.read("clip.tfrecord")
    assert record.embedding.shape == (20, 128)
    for line in commands[1:]:  # which docs/finetune.md's and weights.md's tests run
        with pytest.raises(SystemExit) as ended:
            cli.main([*shlex.split(line)[1:], "--help"])
        assert ended.value.code == 0


def test_the_calls_from_tf_hub(readers_machine):
    names = pages.run_python(PAGE, "TF-Hub")
    assert names["timestamps"][:2].tolist() == [0.0, 0.96]
    np.testing.assert_allclose(names["rows"], names["embedding"], atol=1e-5)


@migration.needs_resampy
def test_the_calls_from_torchvggish(readers_machine):
    names = pages.run_python(PAGE, "torchvggish")
    assert names["embedding"].min() < 0
    same = names["same"]
    assert (same.dtype, same.shape) == (np.float32, (20, 128))
    np.testing.assert_array_equal(same, same.round())
    assert Embedder(profile="video-features").embed_file("clip.wav").embedding.min() == 0


def test_the_calls_from_vggish_keras(readers_machine, small_checkpoint):
    names = pages.run_python(PAGE, "vggish-keras")
    assert names["ts"].shape == (20,)
    filters = names["network"].get_layer("conv4_2").filters
    assert names["Z"].shape == (20, filters)  # 512, of the network in its full size
    with seeded.slim_session(small_checkpoint) as run:
        pool4 = run(vggish_input.wavfile_to_examples("clip.wav"), "pool4")
    np.testing.assert_allclose(names["Z"], pool4.mean(axis=(1, 2)), atol=1e-5)


def test_the_calls_from_openl3(readers_machine):
    names = pages.run_python(PAGE, "openl3")
    np.testing.assert_array_equal(np.diff(names["ts"]), 0.5)
    assert names["ts"][-1] + 0.975 >= len(names["audio"]) / 16_000
    run_commands("openl3")
    with np.load(Path("rows/sounds/0.wav.npz")) as rows:
        assert {"embedding", "timestamps"} <= {*rows}
        assert len(rows["embedding"]) == len(rows["timestamps"]) == 4


def test_the_commands_from_fadtk(readers_machine, shared_data):
    with np.load(shared_data / "fma_pop_vggish_stats.npz") as real:
        np.savez("fma_pop.npz", **{"vggish.mu": real["mu"], "vggish.cov": real["cov"]})
    run_commands("fadtk")
    assert len(Path("scores.csv").read_text().splitlines()) == 3
    assert any(Path("real-rows").glob("*.parquet"))


@migration.needs_resampy
def test_the_calls_from_frechet_audio_distance(readers_machine):
    names = pages.run_python(PAGE, "frechet-audio-distance")
    rows = [
        np.concatenate([names["embedder"].embed_file(path).embedding for path in sorted(folder)])
        for folder in (Path("real").glob("*.wav"), Path("made").glob("*.wav"))
    ]
    expected = migration.fad_of([rows[0], rows[0][:0], rows[1], rows[1][:0]])
    assert names["score"] == pytest.approx(expected)
    assert names["failures"] == []
    relu = PROFILES["gudgud96"].given(activation="relu")
    assert Embedder(profile=relu).embed_file("clip.wav").embedding.min() == 0


def run_commands(heading: str):
    for line in "".join(pages.code(PAGE, "sh", heading)).splitlines():
        assert cli.main(shlex.split(line)[1:]) == 0, line


def test_every_program_is_in_the_table():
    first = pages.text_of(PAGE).partition("\n## ")[0]
    assert re.findall(r"^\| \[(.*?)\]", first, re.MULTILINE) == pages.headings(PAGE)
