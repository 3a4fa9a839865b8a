"""`vggish-tf map` from end to end, and its mistakes."""

import os
import shutil

import archives
import numpy as np
import pytest
import tones

from vggish_tf import cli
from vggish_tf.jobs.map import sounds


@pytest.fixture
def folder(machine, tmp_path, monkeypatch):
    """The current folder: an archive, its sounds, tables of labels, and archives with faults."""
    pages = shutil.ignore_patterns("*.html")  # of other tests
    shutil.copytree(machine, tmp_path, dirs_exist_ok=True, ignore=pages)
    (tmp_path / "good.csv").write_text(f"path,label\n{tones.FILES[0]},water\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("path,label\nx.wav,water\n", encoding="utf-8")
    (tmp_path / "bad.csv").write_text("file,kind\nx.wav,water\n", encoding="utf-8")
    empty = archives.clip("a.wav", np.zeros((0, 128)))
    archives.written(tmp_path / "empty.parquet", [empty])
    archives.written(tmp_path / "zeros.parquet", [archives.clip("a.wav", np.zeros((2, 128)))])
    untrained = {"weights": {"asked": "untrained", "values_sha256": "0", "untrained": True}}
    archives.written(
        tmp_path / "untrained.parquet", [archives.clip("a.wav", np.eye(3, 128))], untrained
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str) -> int:
    try:
        return cli.main(["map", *line.split()])
    except SystemExit as exit:
        return exit.code


def test_every_option_together(folder, capsys):
    (folder / "moved").mkdir()
    os.rename("sounds", "moved/renamed")
    assert run("rows.parquet -o page.html --labels good.csv --audio moved/renamed --log-mel") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert lines[0] == f"{tones.COUNT} segments of {len(tones.FILES)} files"
    assert lines[1:3] == ["labels: 2 classes", "4 of 5 files without a label"]
    assert lines[3].startswith("PCA, ")
    assert lines[4].startswith("10 neighbours of each: ")
    assert lines[5].startswith("wrote page.html: ")
    assert "moved/renamed/sea/waves.wav" in (folder / "page.html").read_text(encoding="utf-8")


def test_the_page_is_map_html_and_is_replaced(folder):
    (folder / "map.html").write_text("before", encoding="utf-8")
    assert run("rows.parquet --neighbours 0") == 0
    assert "vggishMap" in (folder / "map.html").read_text(encoding="utf-8")


def test_untrained_weights_are_said_on_the_command_line(folder, capsys):
    assert run("untrained.parquet") == 0
    assert "warning: the weights of the archive are UNTRAINED" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("nowhere", 5, "nowhere does not exist. Give an archive that embed wrote."),
        ("good.csv", 5, "good.csv"),
        ("sounds/sea/waves.wav", 5, "is not an archive of embeddings"),
        ("empty.parquet", 5, "holds no rows"),
        ("zeros.parquet", 5, "2 rows, each zero or not finite"),
        ("rows.parquet -o map.csv", 2, "its name must end in .html or .htm. Name it map.html"),
        ("rows.parquet -o nowhere/map.html", 5, "the folder nowhere does not exist"),
        ("rows.parquet --labels nothing.csv", 5, "nothing.csv does not exist"),
        ("rows.parquet --labels bad.csv", 5, "must name the columns path,label"),
        ("rows.parquet --labels other.csv", 5, "none of 5 files has a label"),
        ("rows.parquet --audio nowhere", 5, "nowhere is not a folder"),
        ("rows.parquet --audio moved --log-mel", 5, "moved is not a folder"),
        ("untrained.parquet --embed-audio", 5, "none of 1 file was found, such as 'a.wav'"),
        ("rows.parquet --projection tsne", 2, "invalid choice: 'tsne'"),
        ("rows.parquet --neighbours -1", 2, "argument --neighbours: must be a whole number from 0"),
    ],
)
def test_mistakes_are_one_line(line, status, words, folder, capsys):
    assert run(line) == status
    printed = capsys.readouterr()
    assert words in printed.err.splitlines()[-1]
    assert not list(folder.glob("*map.*"))


def test_too_much_sound_is_refused_with_numbers(folder, monkeypatch, capsys):
    monkeypatch.setattr(sounds, "MOST_SECONDS", 30)
    assert run("rows.parquet --embed-audio") == 2
    assert "these segments have 0.6 (1 MB in 16 bits)" in capsys.readouterr().err
    assert not list(folder.glob("map.html"))
