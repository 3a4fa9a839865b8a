"""Hits as files of other programs, against the examples that those publish."""

import csv
import os

import pytest

from vggish_tf.errors import VGGishError
from vggish_tf.jobs import search
from vggish_tf.jobs.search import Hit

HITS = [
    Hit("birds/a.wav", 3.4, 6.1, 0.98765, 2),
    Hit("b.flac", 0.0, 0.96, 0.5, 0),
    Hit("birds/a.wav", 2.15, 2.15, -0.25, 0),
    Hit("frogs/A.wav", 1.92, 2.88, 0.125, 1),
]
# manual.audacityteam.org/man/importing_and_exporting_labels.html, without their texts
AUDACITY = ["2.150000\t2.150000\t", "3.400000\t6.100000\t"]
# birdnet_analyzer/analyze/utils.py, RAVEN_TABLE_HEADER, and a row of its tests
BIRDNET = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"
    "Common Name\tSpecies Code\tConfidence\tBegin Path\tFile Offset (s)"
)
ROW = "1\tSpectrogram 1\t1\t44\t47\t0\t12000\tSora\tsora\t0.8123\tnight.wav\t44"


def test_a_table_has_a_line_a_hit():
    lines = search.as_text([*HITS, Hit("a\nb\t\x1b[31m.wav", 0, 1, 1.0, 0)]).split("\n")
    assert lines[0].split() == ["cosine", "start", "end", "example", "path"]
    assert lines[1].split() == ["0.9877", "3.40", "6.10", "2", "birds/a.wav"]
    assert lines[5].endswith(r"a\nb\t\x1b[31m.wav")
    assert len(lines) == 6
    assert search.as_text([]) == lines[0]


def test_csv_is_the_hits(tmp_path):
    names = [*HITS, Hit('a, "b"\n.wav', 0.1 + 0.2, 1, 1 / 3, 0)]
    with open(search.write_csv(tmp_path / "hits.csv", names), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "start", "end", "cosine", "example"]
    kinds = Hit.__annotations__.values()
    read = [Hit(*(kind(cell) for kind, cell in zip(kinds, row.values(), strict=True)))
            for row in rows]  # fmt: skip
    assert read == names


def test_a_name_that_is_no_utf_8_is_escaped(tmp_path):
    hits = [Hit(os.fsdecode(b"caf\xe9.wav"), 0.0, 0.96, 1.0, 0)]
    raven, csv_file = tmp_path / "hits.txt", tmp_path / "hits.csv"
    (labels,) = search.write_audacity(tmp_path, hits)
    for path in (search.write_csv(csv_file, hits), search.write_raven(raven, hits)):
        assert "caf\\udce9.wav" in path.read_text(encoding="utf-8")
    assert labels.name == "caf\\udce9.wav.txt"


def test_a_label_track_a_file_as_audacity_exports_them(tmp_path):
    paths = search.write_audacity(tmp_path / "labels", HITS)
    assert [path.name for path in paths] == ["a.wav.txt", "b.flac.txt", "A.wav.2.txt"]
    assert paths[0].read_text(encoding="utf-8").splitlines() == [
        f"{AUDACITY[0]}-0.2500", f"{AUDACITY[1]}0.9877",
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "labels").iterdir()) == sorted(
        path.name for path in paths
    )


def test_a_selection_table_has_the_columns_of_birdnet(tmp_path):
    path = search.write_raven(tmp_path / "hits.txt", HITS, {"params": {"mel_max_hz": 8000.0}})
    lines = path.read_text(encoding="utf-8").splitlines()
    theirs = dict(zip(BIRDNET.split("\t"), ROW.split("\t"), strict=True))
    (first, second, *_), columns = csv.DictReader(lines, delimiter="\t"), lines[0].split("\t")
    assert columns[:7] == BIRDNET.split("\t")[:7]
    assert {"Begin Path", "File Offset (s)", "Begin File", "Score"} == set(columns[7:])
    same = ["Selection", "View", "Channel"]
    assert [first[name] for name in same] == [theirs[name] for name in same]
    assert [float(first[name]) for name in columns[3:7]] == [3.4, 6.1, 125, 8000]
    assert (first["Begin Path"], first["Begin File"]) == ("birds/a.wav", "a.wav")
    assert (first["File Offset (s)"], first["Score"]) == (first["Begin Time (s)"], "0.9877")
    assert (second["Selection"], second["High Freq (Hz)"]) == ("2", "8000.0")


def test_no_name_breaks_a_table(tmp_path):
    hits = [Hit("x/a\tb\nc.wav", 0, 1, 0.5, 0)]
    lines = search.write_raven(tmp_path / "hits.txt", hits).read_text().splitlines()
    assert len(lines) == 2
    assert len({line.count("\t") for line in lines}) == 1
    (path,) = search.write_audacity(tmp_path, hits)
    assert path.name == r"a\tb\nc.wav.txt"


@pytest.mark.parametrize("write", [search.write_csv, search.write_raven, search.write_audacity])
def test_what_cannot_be_written_is_refused(write, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(VGGishError, match="cannot"):
        write(tmp_path / "file" / "out.txt", HITS)
