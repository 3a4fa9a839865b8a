"""docs/recipes is true: each recipe runs as it stands, on a small network and made sounds."""

import os
import re
import shlex
import subprocess
import sys
import threading
import types
from pathlib import Path

import commands
import labelled_clips
import numpy as np
import pages
import places
import pytest
import signals
import soundfile

from vggish_tf import cli

pytestmark = pytest.mark.thorough


@pytest.fixture(autouse=True)
def readers_machine(tmp_path, monkeypatch, small_networks, small_checkpoint):
    """A folder to be in, and a cache in which a small checkpoint passes for the published one."""
    import published

    pca = places.SHARED_DATA / "vggish_pca_params.npz"
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("VGGISH_TF_CACHE", str(tmp_path / "cache"))
    published.stand_in(
        tmp_path / "cache", small_checkpoint, pca if pca.is_file() else None, monkeypatch.setitem
    )
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sounds():
    return labelled_clips.write_folder(Path("sounds"), takes=6, seconds=(1.0, 3.0))


@pytest.fixture
def vggish_tf_command(tmp_path, monkeypatch, small_checkpoint):
    """`vggish-tf` on the path: a process of its own, with the same small network."""
    code = commands.SMALL + (
        "import os, published, pathlib\n"
        f"cache, checkpoint = os.environ['VGGISH_TF_CACHE'], {str(small_checkpoint)!r}\n"
        "published.stand_in(pathlib.Path(cache), pathlib.Path(checkpoint))"
    )
    script = tmp_path / "bin" / "vggish-tf"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.join(commands.program(code=code))} "$@"\n')
    script.chmod(0o755)
    for name, value in commands.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")


def bash(script: str, **environment):
    subprocess.run(
        ["bash", "-e", "-c", script], check=True, env={**os.environ, **environment}, timeout=300
    )


def run_commands(page: str):
    """The commands of a page, in this process."""
    for line in "".join(pages.code(page, "sh")).splitlines():
        assert cli.main(shlex.split(line)[1:]) == 0, line


def test_every_recipe_is_in_the_index():
    text = (places.ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    here = {path.name for path in (places.ROOT / "docs" / "recipes").glob("*.md")}
    assert {*re.findall(r"\(recipes/([\w-]+\.md)\)", text)} == here
    assert len(here) == 7


@pytest.mark.filterwarnings("ignore:Your input ran out of data", "ignore:`shuffle=True` was passed")
def test_a_head_on_tf_data(sounds):
    names = pages.run_python("recipes/tf-data.md")
    (accuracy,) = names["head"].history.history["val_accuracy"][-1:]
    assert accuracy > 0.8  # of three classes; 1.0 was seen
    examples = np.array(names["front_end"](signals.noise(16_000)))
    assert names["model"].predict(examples, verbose=0).shape == (1, 3)
    assert Path("classifier.keras").exists()


def test_hugging_face_datasets(sounds, monkeypatch, tmp_path, capsys):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hf")
    (sounds / "sine" / "bad.wav").write_bytes(b"no audio")
    names = pages.run_python("recipes/datasets.md")
    rows = datasets.load_from_disk("rows").with_format("numpy")
    assert len(rows) == 18
    assert names["sounds"].features["label"].names == labelled_clips.LABELS
    for row in rows:
        path = Path(str(row["path"]))
        assert labelled_clips.LABELS[row["label"]] == path.parent.name
        alone = names["embedder"].embed_file(path).embedding.mean(axis=0)
        np.testing.assert_allclose(row["embedding"], alone, rtol=0, atol=1e-5)
    assert "bad.wav" in capsys.readouterr().out


class Microphone:
    """The part of sounddevice that the recipe uses: plays noise, in one array again and again, as
    PortAudio does.
    """

    RATE = 44_100

    def query_devices(self, device=None, kind=None):
        assert kind == "input"
        return {"name": "a test", "default_samplerate": float(self.RATE)}

    def InputStream(self, *, samplerate, channels, dtype, callback):
        assert (samplerate, channels, dtype) == (self.RATE, 1, "float32")
        self.sound = signals.noise(12 * self.RATE)[:, np.newaxis]
        self.thread = threading.Thread(target=self.play, args=[callback])
        return self

    def play(self, callback):
        block = np.empty((1_136, 1), np.float32)
        for start in range(0, len(self.sound) - len(block), len(block)):
            block[:] = self.sound[start : start + len(block)]
            callback(block, len(block), None, None)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.thread.join()


def test_a_microphone(monkeypatch, capsys):
    soundfile.write("bell.wav", signals.demo_clip()[:48_000], 16_000)
    microphone = Microphone()
    module = types.ModuleType("sounddevice")
    vars(module).update(query_devices=microphone.query_devices, InputStream=microphone.InputStream)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    names = pages.run_python("recipes/microphone.md")
    bell = names["bell"] / np.linalg.norm(names["bell"])
    rows, starts = names["embedder"](microphone.sound[: 10 * microphone.RATE, 0], microphone.RATE)
    cosines = rows @ bell / np.linalg.norm(rows, axis=1)
    assert len(rows) == 10
    assert capsys.readouterr().out.splitlines() == [
        f"{start:6.2f} s  cosine with the bell {cosine:.3f}"
        for start, cosine in zip(starts, cosines, strict=True)
    ]


@pytest.mark.slow  # five processes
def test_a_cluster(sounds, vggish_tf_command, capsys):
    pytest.importorskip("apache_beam", reason="Apache Beam is absent: the extra `beam`")
    shards, here, beam = pages.code("recipes/cluster.md", "sh")
    (job,) = pages.code("recipes/cluster.md", "bash")
    Path("embed.sh").write_text(job)
    bash(shards)
    assert sum(len(list.read_text().splitlines()) for list in Path("shards").iterdir()) == 18
    bash(here)
    table = pages.run_python("recipes/cluster.md")["table"]
    assert capsys.readouterr().out.endswith("rows of 18 files\n")
    before = {path: path.stat().st_mtime_ns for path in Path("rows").rglob("*.parquet")}
    assert len(before) == 4
    bash("bash embed.sh", SLURM_ARRAY_TASK_ID="2")
    assert before == {path: path.stat().st_mtime_ns for path in Path("rows").rglob("*.parquet")}
    assert cli.main(shlex.split(beam)[1:]) == 0
    import pandas

    together = pandas.read_parquet("archive").sort_values(["path", "start"])
    table = table.sort_values(["path", "start"])
    assert together.path.tolist() == table.path.tolist()
    np.testing.assert_allclose(np.stack(together.embedding), np.stack(table.embedding), atol=1e-5)


def test_clusters_in_a_folder_of_sounds(sounds):
    embed, draw = pages.code("recipes/clusters.md", "sh")
    assert cli.main(shlex.split(embed)[1:]) == 0
    table = pages.run_python("recipes/clusters.md")["table"]
    assert len(table) == 18
    found = {
        folder: {*table.label[table.path.str.contains(folder)]} for folder in ("noise", "sine")
    }
    assert not (found["noise"] & found["sine"]) - {-1}
    assert cli.main(shlex.split(draw)[1:]) == 0
    assert Path("clusters.html").stat().st_size > 10_000


def test_android_with_litert(capsys):
    pytest.importorskip("ai_edge_litert", reason="LiteRT is absent: the extra `tflite`")
    soundfile.write("clip.wav", signals.demo_clip()[16_000:48_000], 16_000)
    run_commands("recipes/android.md")
    capsys.readouterr()
    pages.run_python("recipes/android.md")
    shape, _, cosine = capsys.readouterr().out.rpartition(", cosine ")
    assert shape == "(128,)"
    assert float(cosine) > 0.99  # 8 bits


def test_the_released_audioset_features(audioset_shard, pca_params, capsys):
    folder = Path("audioset_v1_embeddings/bal_train")
    folder.mkdir(parents=True)
    (folder / "rm.tfrecord").symlink_to(audioset_shard)
    soundfile.write("clip.wav", signals.demo_clip(), 16_000)
    pages.run_python("recipes/audioset-features.md")
    first, second = capsys.readouterr().out.splitlines()
    assert first == "328 clips, 49% with music; average precision 0.88"
    text = (places.ROOT / "docs/recipes/audioset-features.md").read_text(encoding="utf-8")
    assert "(`rm.tfrecord`) the average precision is 0.88, where 49% of the clips" in text
    assert 0 <= float(second.removeprefix("clip.wav: music ")) <= 1
