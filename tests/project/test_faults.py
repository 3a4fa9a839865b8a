"""scripts/faults.py: small runs of both kinds, and each fault that it would find."""

import re
import shutil
import sys

import commands
import faults
import places
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from faulty import kills, mutations, watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
PAGE = (places.ROOT / "docs" / "archives.md").read_text(encoding="utf-8")
SCRIPTS = str(places.ROOT / "scripts")
IMPORT = f"import sys; sys.path.append({SCRIPTS!r}); from faulty import watched"
SMALL = [sys.executable, "-c", f"{commands.SMALL}\n{IMPORT}; watched.serve_embedder()"]
ACT = [sys.executable, "-c", f"{IMPORT}; watched.serve(lambda path: eval(open(path).read()))"]


@pytest.fixture(autouse=True)
def processes_find_the_package(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", commands.environment()["PYTHONPATH"])


@pytest.mark.slow
def test_mutated_files_of_every_format_are_embedded_or_refused(tmp_path):
    results = faults.mutate(range(60), 0, tmp_path / "kept", SMALL)
    assert [row for row in results if row[1].is_fault] == []
    assert {answer for _, (answer, _, _) in results} == {watched.EMBEDDED, watched.REFUSED}
    expected = mutations.FORMATS if shutil.which("ffmpeg") else (*mutations.USUAL, mutations.RARE)
    assert {name for name, _ in results} == set(expected)
    assert len(faults.table(results).splitlines()) == 2 + len(expected) + 3


@pytest.mark.slow
def test_ten_thousand_mutated_files_are_embedded_or_refused(tmp_path):
    assert faults.main(["mutate", "--files", "10000", "--keep", str(tmp_path)]) == 0


ROWS = "__import__('numpy').zeros((2, 128))"
FAULTS = {
    "1 / 0": r"ZeroDivisionError\('division by zero'\)",
    f"{ROWS}[:, :127]": "rows that are no embeddings",
    f"{ROWS} * float('nan')": "rows that are no embeddings",
    f"(__import__('os').write(1, b'Error A'), {ROWS})[1]": "it prints on standard output, embedded",
    "__import__('os').abort()": "the process ended, status -6",
    "__import__('time').sleep(9)": "a hang, status -9",
    "b'1' * (300 << 20)": "too much memory, status -9",
}


@pytest.fixture(scope="module")
def acting():
    """A process that does what a file says, and may take a second and 200 MB."""
    with watched.Watched(ACT, 1.0, 200 << 20) as process:
        yield process


@pytest.mark.parametrize("act", FAULTS)
def test_each_fault_is_found_and_the_next_file_has_none(act, acting, tmp_path):
    path = tmp_path / "act"
    path.write_text(act)
    result = acting.embed(path)
    assert result.is_fault
    assert re.match(FAULTS[act], result.answer)
    path.write_text(ROWS)
    assert acting.embed(path).answer == watched.EMBEDDED


@pytest.mark.parametrize(
    "act",
    [
        "b'1' * (100 << 20)",
        "__import__('subprocess').run('dd if=/dev/zero of=/dev/null bs=100M count=5'.split())",
    ],
)
def test_memory_is_that_of_one_file_and_of_the_programs_it_needs(act, acting, tmp_path):
    path = tmp_path / "act"
    path.write_text(f"({act}, {ROWS})[1]")
    assert 99e6 < acting.embed(path).memory < 130e6
    path.write_text(ROWS)
    assert acting.embed(path).memory < 20e6


@pytest.mark.slow  # each kill is a start of the program; tests/jobs/embed/test_archive.py has one
def test_killed_runs_end_as_one_that_was_not(tmp_path):
    report = kills.run(commands.program("embed"), 3, 100, 0)
    assert report.faults == []
    assert (report.kills, report.clips) == (3, 100)
    assert report.shards >= 4, "so few that no kill comes between two of them"
    assert report.outputs >= 2
    assert report.left == 0


@pytest.mark.slow
def test_fifty_killed_runs_end_as_those_that_were_not():
    assert faults.main(["kill", "--kills", "50"]) == 0


def output(folder, paths, failures):
    folder.mkdir()
    for number, path in enumerate(paths):
        pq.write_table(pa.table({"path": [path] * 2}), folder / f"{number}.parquet")
    lines = ["path,kind,message", *(f"{path},AudioError,no audio" for path in failures)]
    (folder / "_failures.csv").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize(
    ("paths", "failures", "fault"),
    [
        ("ab", "c", None),
        ("a", "c", "the rows are not"),
        ("abb", "c", "the rows are not"),
        ("abc", "c", "the rows are not"),
        ("ab", "", "the failures are not"),
        ("ab", "cc", "the failures are not"),
    ],
)
def test_lost_and_doubled_rows_and_failures_are_found(tmp_path, paths, failures, fault):
    folder = output(tmp_path / "rows", paths, failures)
    found = kills.wrong_rows(folder, {"a": 2, "b": 2, "c": 0})
    assert len(found) == bool(fault)
    assert not fault or fault in found[0]


def test_a_difference_of_a_byte_is_found(tmp_path):
    whole = output(tmp_path / "whole", "ab", "c")
    same, other = (shutil.copytree(whole, tmp_path / name) for name in ("same", "other"))
    (same / ".0.1234.parquet").write_text("left by a kill: nobody reads it")
    assert kills.differences(same, whole) == []
    (other / "0.parquet").write_bytes((whole / "0.parquet").read_bytes() + b"1")
    (other / "1.parquet").rename(other / "2.parquet")
    found = kills.differences(other, whole)
    assert [line.split()[1] for line in found] == ["0.parquet", "1.parquet", "2.parquet"]


def test_the_page_has_each_format_and_commands_that_are_understood():
    assert re.findall(r"^\| ([^|*]+?) \| [\d,]+ \|", PAGE, re.MULTILINE) == [*mutations.FORMATS]
    lines = re.findall(r"python scripts/faults\.py (.*)`", PAGE)
    parsed = [faults._parser().parse_args(line.split()) for line in lines]
    assert [args.action for args in parsed] == ["mutate", "kill"]
