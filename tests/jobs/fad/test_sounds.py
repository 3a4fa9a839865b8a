"""Sounds as sets: embedded beside themselves, once, and again only where they changed."""

import json
import os
from pathlib import Path

import numpy as np
import pandas
import pytest
import soundfile
from sound_files import write_noise, write_sets

from vggish_tf import Embedder, cli, formats
from vggish_tf.jobs import fad
from vggish_tf.jobs.embed import embed_beside

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.usefixtures("small_networks"),
    pytest.mark.filterwarnings("ignore:.*the Fréchet distance depends on the number of rows"),
]


@pytest.fixture
def sounds(tmp_path, monkeypatch):
    """A folder to be in, with two folders of sounds."""
    monkeypatch.chdir(tmp_path)
    write_sets(tmp_path, 8)
    return tmp_path


def compared(capsys, *more, options=()):
    """The first candidate, as JSON."""
    assert cli.main(["fad", "real", "made", *more, "--untrained", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)["candidates"][0]


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_sounds_are_embedded_as_by_hand_and_kept(sounds, capsys):
    found = compared(capsys)
    for name in ("real", "made"):
        assert cli.main(["embed", name, "-o", f"{name}_rows", "--untrained"]) == 0
    capsys.readouterr()
    by_hand = fad.compare(fad.read("real_rows"), fad.read("made_rows"))
    assert found["fad"] == pytest.approx(by_hand.fad, rel=1e-12)
    assert (found["name"], found["num_files"], found["num_rows"]) == ("made", 4, 8)
    kept = {path: path.stat().st_mtime_ns for path in files_of(sounds / "made.embeddings")}
    assert compared(capsys) == found
    assert {path: os.stat(path).st_mtime_ns for path in kept} == kept


def test_what_changed_is_embedded_again_and_what_is_gone_does_not_count(sounds, capsys):
    compared(capsys)
    (sounds / "made" / "1.wav").unlink()
    write_noise(sounds / "made" / "3.wav", 4, 33)
    write_noise(sounds / "made" / "9.wav", 1, 9)
    found = compared(capsys)
    assert (found["num_files"], found["num_rows"]) == (4, 2 + 2 + 4 + 1)
    (rows,) = (sounds / "made.embeddings").iterdir()
    names = [os.path.basename(clip.path) for clip in formats.read(rows).clips]
    assert sorted(names) == ["3.wav", "5.wav", "7.wav", "9.wav"]
    (sounds / "made.embeddings").rename(sounds / "old")
    assert compared(capsys)["fad"] == pytest.approx(found["fad"], rel=1e-12)


def test_each_setting_has_its_own_embeddings(sounds):
    short, always = (Embedder(None, pad=pad) for pad in ("short", "always"))
    places = [embed_beside("made", each)[0] for each in (short, always, short)]
    assert places[0] != places[1]
    assert places[0].parent == places[1].parent == sounds / "made.embeddings"
    assert places[0].name.startswith(short.identity.values_sha256[:12])


def test_embeddings_may_be_kept_elsewhere(sounds, capsys):
    (sounds / "other" / "made").mkdir(parents=True)
    write_noise(sounds / "other" / "made" / "1.wav", 3, 1)
    compared(capsys, "other/made", options=["--cache", "cache"])
    assert len(list((sounds / "cache").iterdir())) == 3
    assert sorted(os.listdir()) == ["cache", "made", "other", "real"]


def test_sounds_are_embedded_as_the_archive_was(sounds, capsys):
    options = ["--untrained", "--pad", "always", "--set", "example_hop_seconds=0.48"]
    assert cli.main(["embed", "real", "-o", "rows", *options]) == 0
    capsys.readouterr()
    assert cli.main(["fad", "rows", "made", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    made = found["candidates"][0]["provenance"]
    assert made == found["reference"]["provenance"]
    assert (made["pad"], made["params"]["example_hop_seconds"]) == ("always", 0.48)


def test_bad_files_do_not_count_and_are_said(sounds, capsys):
    (sounds / "made" / "bad.wav").write_bytes(b"RIFF")
    assert cli.main(["fad", "real", "made", "--untrained", "--json"]) == 3
    printed = capsys.readouterr()
    assert json.loads(printed.out)["candidates"][0]["num_files"] == 4
    assert "1 clip could not be embedded, and did not count: " in printed.err
    assert "bad.wav" in printed.err


def test_only_bad_files_are_an_error(sounds, capsys):
    (sounds / "bad").mkdir()
    (sounds / "bad" / "1.wav").write_bytes(b"RIFF")
    assert cli.main(["fad", "real", "bad", "--untrained"]) == 3
    assert "bad: no clip could be embedded" in capsys.readouterr().err


@pytest.mark.parametrize("table", ["table.csv", "table.parquet", "bytes.parquet"])
def test_a_table_of_sounds_is_a_set(sounds, capsys, table):
    paths = [str(path) for path in sorted((sounds / "made").iterdir())]
    rows = pandas.DataFrame({"path": paths, "start": 0.0, "end": 1.0})
    rows.to_csv("table.csv", index=False)
    rows.to_parquet("table.parquet")
    audio = [{"bytes": Path(path).read_bytes(), "path": path} for path in paths]
    pandas.DataFrame({"audio": audio}).to_parquet("bytes.parquet")
    assert cli.main(["fad", "real", table, "--untrained", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["candidates"]
    assert (found["num_files"], found["num_rows"]) == (4, 8 if table == "bytes.parquet" else 4)


def test_one_file_and_a_list_are_sets_too(sounds, capsys):
    soundfile.write("long.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 80_000), 16_000)
    (sounds / "list.txt").write_text("made/1.wav\nmade/3.wav\n")
    found = compared(capsys, "long.wav", "@list.txt")
    assert found["num_files"] == 4
    assert cli.main(["fad", "real", "long.wav", "@list.txt", "--untrained", "--json"]) == 0
    one, listed = json.loads(capsys.readouterr().out)["candidates"]
    assert (one["num_files"], one["num_rows"]) == (1, 5)
    assert (listed["num_files"], listed["num_rows"]) == (2, 4)
