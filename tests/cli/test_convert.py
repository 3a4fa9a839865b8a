"""vggish-tf convert: what it prints, and that nothing is left behind."""

import os
import subprocess
import sys

import numpy as np
import pytest
import some_rows

from vggish_tf import cli, formats


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archive = some_rows.archive(np.uint8, ["a.wav", "b.wav"])
    return formats.write("rows.parquet", archive).name


@pytest.mark.parametrize(
    ("line", "format"),
    [
        ("out", "parquet"),
        ("out.csv", "csv"),
        ("out --format npz", "npz"),
        ("out.tfrecord", "tfrecord"),
        ("out.bin --format youtube8m", "tfrecord"),
        ("out --format memmap", "memmap"),
    ],
)
def test_an_archive_in_each_format(line, format, rows, capsys):
    assert cli.main(["convert", rows, *line.split()]) == 0
    name = line.split()[0]
    assert capsys.readouterr().out == f"rows.parquet → {name}: 3 rows of 2 clips\n"
    assert formats.format_of(name) == format
    assert cli.main(["convert", rows, *line.split()]) == 5
    assert "already exists" in capsys.readouterr().err
    assert cli.main(["convert", rows, *line.split(), "--overwrite"]) == 0


@pytest.mark.slow
def test_tensorflow_is_imported_for_records_alone_and_quietly(rows):
    code = (
        "import sys; from vggish_tf.cli import main\n"
        "main(['convert', 'rows.parquet', 'out.csv']); assert 'tensorflow' not in sys.modules\n"
        "main(['convert', 'out.csv', 'out.tfrecord']); assert 'tensorflow' in sys.modules"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")


def test_bytes_become_floats(rows):
    assert cli.main(["convert", rows, "out.csv", "--dequantize", "youtube8m"]) == 0
    assert next(iter(formats.read("out.csv").clips)).embedding.dtype == np.float32


def test_a_damaged_source_leaves_nothing(rows, capsys, tmp_path):
    cli.main(["convert", rows, "rows.csv"])
    (tmp_path / "rows.csv.json").unlink()
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    (tmp_path / "rows.csv").write_text("\n".join([*lines[:-1], "c.wav,0,1", ""]))
    before = sorted(tmp_path.iterdir())
    for output in ("out", "out.parquet", "out.tfrecord"):
        assert cli.main(["convert", "rows.csv", output]) == 5
        (line,) = capsys.readouterr().err.splitlines()
        assert "rows.csv is missing, damaged, or not an archive: line 4 has 3 columns" in line
        assert sorted(tmp_path.iterdir()) == before
