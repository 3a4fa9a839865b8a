"""CSV: every float32 comes back, others' files are read too, and a mistake has its line."""

import csv
import re

import numpy as np
import pandas
import pytest
import some_rows

from vggish_tf import VGGishError, formats
from vggish_tf.rows import Archive, ClipRows


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_every_float32_in_the_fewest_digits(tmp_path):
    rows = some_rows.floats(2000, np.random.default_rng(0))
    rows[5, :4] = 0.1, -0.0, 1e-45, 16777216
    times = np.arange(2000) * 0.96
    archive = Archive([ClipRows("a.wav", times, times + 0.96, rows)], {})
    path = formats.write(tmp_path / "rows.csv", archive)
    assert some_rows.described(formats.read(path)) == some_rows.described(archive)
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    assert lines[6][3:7] == ["0.1", "-0", "1e-45", "16777216"]
    fields = (field for line in lines[1:] for field in line[3:])
    digits = (re.sub(r"e.*|[-.]", "", field).strip("0") for field in fields)
    assert max(map(len, digits)) == 9


def test_as_r_and_spreadsheets_read_it(tmp_path):
    names = [name for name in some_rows.ODD_NAMES if "\udc80" not in name]
    archive = some_rows.archive(np.uint8, names, labelled=True)
    path = formats.write(tmp_path / "rows.csv", archive)
    frame = pandas.read_csv(path, keep_default_na=False, lineterminator="\n")
    assert list(frame.columns) == [
        *("path", "start", "end", "labels"),
        *(f"e{place}" for place in range(128)),
    ]
    assert list(frame["path"]) == [clip.path for clip in archive.clips for _ in clip.start]
    assert frame["e127"].dtype == np.int64


@pytest.mark.parametrize(
    ("values", "dtype"),
    [(("0", "255"), "uint8"), (("0", "0.5"), "float32"), (("0", "256"), "float32")],
)
def test_a_file_of_others_tells_its_dtype_and_has_no_provenance(values, dtype, tmp_path):
    """As R writes it: with the names of rows, another order, and a byte order mark."""
    text = '\ufeff"","start","e1","path","end","e0"\n"1",0,{},"a.wav",0.96,{}\n'
    archive = formats.read(write(tmp_path / "rows.csv", text.format(*reversed(values))))
    (clip,) = archive.clips
    assert (clip.path, clip.start, clip.end, archive.provenance) == ("a.wav", 0, 0.96, {})
    assert clip.embedding.dtype == dtype
    assert clip.embedding.tolist() == [[float(value) for value in values]]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a,0,1,0.5,0.5", "b,0,1,0.5"], "line 3 has 4 columns, not 5"),
        (
            ["a,0,1,0.5,0.5", '"b\nc",0,1,0.5,0.5', "d,0,1,0.5,x"],
            "line 5, e1: 'x' is not a number .float32",
        ),
        (["a,0,1,0.5,0.5", "b,0,,0.5,0.5"], "line 3, end: '' is not a number .float64"),
        (["a,0,1,5,6", "b,0,1,7,256"], "line 3, e1: '256' is not a number .uint8"),
        (["a,0,1,5,6", "b,0,1,7,-1"], "line 3, e1: '-1' is not a number .uint8"),
        (["a,0,1,NA,6"], "line 2, e0: 'NA' is not a number .float32"),
        (["a,0,1,5,6", "", "b,0,1,7,x"], "line 4, e1: 'x' is not a number .uint8"),
    ],
)
def test_a_mistake_has_its_line(lines, said, tmp_path):
    text = "\n".join(["path,start,end,e0,e1", *lines, ""])
    with pytest.raises(
        VGGishError, match=f"rows.csv is missing, damaged, or not an archive: {said}"
    ):
        list(formats.read(write(tmp_path / "rows.csv", text)).clips)


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_quote_left_open_has_its_line(line, tmp_path):
    """Up to a field of 131,072 characters, the rows that follow may belong to it."""
    lines = ["path,start,end,e0", *["a.wav,0,1,0.5"] * 20_000, ""]
    lines[line - 1] = f'"{lines[line - 1]}'
    path = write(tmp_path / "rows.csv", "\n".join(lines))
    with pytest.raises(
        VGGishError, match=rf"rows\.csv, line {line}: .*\. Is a quote left open there\?"
    ):
        list(formats.csv.read(path).clips)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize(
    ("given", "damaged"),
    [
        ('"b.wav"', '"b.wav'),
        ('"b.wav"', '""b.wav"'),
        ('"b.wav"', '"b.wav"x'),
        ('"one\nline, ""b"".wav"', '"one\nline, ""b".wav"'),
    ],
)
def test_a_damaged_quote_swallows_no_row(given, damaged, labelled, tmp_path):
    """pyarrow would read the row behind an open quote as a part of the path."""
    names = ["a.wav", "b.wav", 'one\nline, "b".wav']
    path = formats.write(
        tmp_path / "rows.csv", some_rows.archive(names=names, count=2, labelled=labelled)
    )
    (tmp_path / "rows.csv.json").unlink()
    text = path.read_text()
    line = text[: text.index(given)].count("\n") + 1
    write(path, text.replace(given, damaged, 1))
    with pytest.raises(VGGishError, match=rf"rows\.csv, line {line}: .*Is a quote left open there"):
        list(formats.read(path).clips)


def test_empty_lines_are_skipped(tmp_path):
    text = "\npath,start,end,e0,e1\n\na.wav,0,1,5,6\r\n\r\nb.wav,0,1,7,255\n\n"
    clips = list(formats.csv.read(write(tmp_path / "rows.csv", text)).clips)
    assert [(clip.path, str(clip.embedding.dtype), *clip.embedding[0]) for clip in clips] == [
        ("a.wav", "uint8", 5, 6),
        ("b.wav", "uint8", 7, 255),
    ]


def test_a_file_cut_in_a_line_or_between_lines(tmp_path):
    path = formats.write(tmp_path / "rows.csv", some_rows.archive(names=["a.wav", "b.wav"]))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines)[:-1])
    with pytest.raises(VGGishError, match="its last line has no end, so it was cut short"):
        formats.read(path)
    path.write_text("".join(lines[:-1]))
    with pytest.raises(VGGishError, match=r"has 2 rows, and rows\.csv\.json says 3: it was cut"):
        list(formats.read(path).clips)


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"provenance": {}, "dtype": "no"}', '{"provenance": 1}']
)
def test_a_damaged_sidecar_is_a_line(text, tmp_path):
    path = formats.write(tmp_path / "rows.csv", some_rows.archive(names=["a.wav"]))
    write(tmp_path / "rows.csv.json", text)
    with pytest.raises(VGGishError, match=r"rows\.csv\.json cannot be read: "):
        formats.read(path)
