"""`vggish-tf search` from end to end, and its mistakes."""

import csv
import json
import shutil

import archives
import numpy as np
import pytest
import small_network

import vggish_tf
from vggish_tf import cli
from vggish_tf.jobs import search


@pytest.fixture
def folder(readers_folder, rows, small_networks, tmp_path, monkeypatch):
    """The current folder, with a query, `rows`, other weights, and `bytes.parquet`."""
    shutil.copytree(rows, tmp_path / "rows")
    shutil.copy(readers_folder / "sounds" / "3.wav", tmp_path / "query.wav")
    shutil.copy(readers_folder / "sounds" / "1.wav", tmp_path / "other.wav")
    small_network.randomize(vggish_tf.VGGish(None), seed=9).save(tmp_path / "others.keras")
    archives.written(tmp_path / "bytes.parquet", [archives.clip("a.wav", np.eye(3, 128))])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str) -> int:
    try:
        return cli.main(["search", *line.split()])
    except SystemExit as exit:
        return exit.code


def test_from_sounds_to_every_output(folder, readers_folder, capsys):
    """Embedded, searched and written in one process."""
    line = "rows query.wav --top 6 --like-none-of other.wav --csv hits.csv --raven hits.txt"
    assert run(f"{line} --audacity labels") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    own = str(readers_folder / "sounds" / "3.wav")
    lines = printed.out.splitlines()
    assert len(lines) == 7
    assert [line.split()[-1] for line in lines[1:6]] == [own] * 5
    assert [line.split()[0] for line in lines[1:6]] == ["1.0000"] * 5
    with open("hits.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [row["path"] for row in table][:5] == [own] * 5
    assert str(readers_folder / "sounds" / "1.wav") not in {row["path"] for row in table}
    assert (folder / "labels" / "3.wav.txt").read_text(encoding="utf-8").count("1.0000") == 5
    assert (folder / "hits.txt").read_text(encoding="utf-8").count("3.wav\t1.0000") == 5


def test_json_is_alone_on_standard_output(folder, capsys):
    pytest.importorskip("usearch", reason="usearch is not installed: pip install '.[search]'")
    assert run("rows query.wav --per-file --index --json") == 0
    printed = capsys.readouterr()
    hits = json.loads(printed.out)["hits"]
    assert len({hit["path"] for hit in hits}) == len(hits) == 4
    assert hits[0]["cosine"] == pytest.approx(1, abs=1e-6)
    assert printed.err.splitlines() == [
        "building the index rows/_index …", "index: 14 rows, recall@10 1.000",
    ]  # fmt: skip
    assert run("rows query.wav --index") == 0
    assert capsys.readouterr().err == "index: 14 rows, recall@10 1.000\n"


def test_other_weights_are_refused(folder, capsys):
    assert run("rows query.wav --weights others.keras") == 5
    (line,) = capsys.readouterr().err.splitlines()
    digests = [
        search.embedder_for(search.read("rows").provenance, weights).identity.values_sha256
        for weights in (None, "others.keras")
    ]
    assert all(digest in line for digest in digests)


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("nowhere query.wav", 5, "nowhere does not exist. Give an archive that embed wrote."),
        ("rows nothing.wav", 3, "nothing.wav"),
        ("rows query.wav --like-none-of nothing.wav", 3, "nothing.wav"),
        ("query.wav query.wav", 5, "query.wav is not an archive of embeddings"),
        ("bytes.parquet query.wav", 5, "lacks the weights and settings of its rows"),
        ("rows bytes.parquet", 5, "the query cannot be compared with the archive. weights"),
        ("rows query.wav --csv hits.txt", 2, "its name must end in .csv"),
        ("rows query.wav --raven hits.csv", 2, "its name must end in .txt"),
        ("rows query.wav --weights nothing.keras", 4, "nothing.keras"),
        ("rows query.wav --top 0", 2, "argument --top: must be a whole number from 1"),
    ],
)
def test_mistakes_are_one_line(line, status, words, folder, capsys):
    assert run(line) == status
    printed = capsys.readouterr()
    assert words in printed.err.splitlines()[-1]
    assert printed.out == ""
    assert not list(folder.glob("hits.*"))
