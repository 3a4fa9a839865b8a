"""Sets to compare: archives, and statistics as this project and others save them; the command."""

import csv
import json

import numpy as np
import pytest

from vggish_tf import cli, formats
from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs import fad
from vggish_tf.rows import Archive, ClipRows

PROVENANCE = {
    "weights": {"values_sha256": "ab" * 32, "untrained": False, "asked": "a.ckpt"},
    "params": {"sample_rate": 16_000},
    "postprocess": None,
    "resampler": "soxr HQ",
}


def write_archive(path, rows, provenance=PROVENANCE, size=8):
    """An archive of clips with 1, 2, 3 … rows, and the rest in the last one."""
    clips, first, number = [], 0, 0
    while first < len(rows):
        number += 1
        part = rows[first : first + number].astype(np.float32)
        times = np.arange(len(part)) * 0.96
        clips.append(ClipRows(f"{number}.wav", times, times + 0.96, part))
        first += number
    return formats.write(path, Archive(clips, provenance))


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """A folder to be in, with two archives; and their rows."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((200, 8)), generator.standard_normal((150, 8)) * 1.5 + 0.3
    for name, each in zip("ab", rows, strict=True):
        write_archive(name, each)
    return [each.astype(np.float32).astype(np.float64) for each in rows]


def expected_fad(x, y):
    return fad.frechet_distance(x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T))


def test_an_archive_is_read_in_one_pass(sets):
    found = fad.read("a")
    assert (found.gaussian.num_rows, found.gaussian.num_files) == (200, 20)
    np.testing.assert_allclose(found.gaussian.mean, sets[0].mean(0), rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.gaussian.covariance, np.cov(sets[0].T), rtol=0, atol=1e-13)
    assert found.provenance == PROVENANCE


@pytest.mark.parametrize("kind", ["ours", "npz", "fadtk", "folder"])
def test_saved_statistics_of_ours_and_of_others(kind, sets):
    mean, covariance = sets[0].mean(0), np.cov(sets[0].T)
    if kind == "ours":
        fad.save("stats.npz", fad.read("a"))
    elif kind == "npz":
        np.savez("stats.npz", mu=mean, cov=covariance)
    elif kind == "fadtk":
        np.savez("stats.npz", **{"vggish.mu": mean, "vggish.cov": covariance, "clap.mu": mean[:2]})
    else:
        formats.write("stats.npz", formats.read("a"), "memmap")  # a folder of that name
        np.save("stats.npz/mu.npy", mean)
        np.save("stats.npz/cov.npy", covariance)
    reference = fad.read("stats.npz")
    compared = fad.compare(reference, fad.read("b"))
    assert compared.fad == pytest.approx(expected_fad(*sets), rel=1e-9)
    assert not reference.has_rows
    known = (200, 20) if kind == "ours" else (None, None)
    assert (reference.gaussian.num_rows, reference.gaussian.num_files) == known
    with pytest.raises(UsageError, match="holds statistics only"):
        fad.compare(fad.read("b"), reference, infinity=True)


def test_sets_of_other_settings_are_not_compared(sets):
    other = {**PROVENANCE, "weights": {**PROVENANCE["weights"], "values_sha256": "cd" * 32}}
    write_archive("c", sets[1], other)
    with pytest.raises(VGGishError, match="c was made in another way than a: weights is cdcd"):
        fad.compare(fad.read("a"), fad.read("c"))


def test_embeddings_that_are_not_finite_name_the_file(sets):
    sets[0][4, 3] = np.inf
    write_archive("c", sets[0])
    with pytest.raises(VGGishError, match=r"the embeddings of 3\.wav are not finite"):
        fad.read("c")


def test_bytes_are_refused(tmp_path):
    clip = ClipRows("a.wav", np.zeros(2), np.ones(2), np.zeros((2, 8), np.uint8))
    formats.write(tmp_path / "bytes.parquet", Archive([clip], {}))
    with pytest.raises(UsageError, match=r"holds bytes. Turn them into floats"):
        fad.read(tmp_path / "bytes.parquet")


def test_one_row_is_an_error_and_few_are_a_warning(sets):
    write_archive("one", sets[0][:1])
    with pytest.raises(VGGishError, match=r"^one: .* at least 2 rows .* received 1 row\. Add"):
        fad.read("one")
    write_archive("few", sets[0][:5])
    with pytest.warns(UserWarning, match="few has 5 rows for 8 dimensions.* rank 4"):
        fad.compare(fad.read("a"), fad.read("few"))


def test_damaged_statistics_are_one_line(tmp_path):
    np.savez(tmp_path / "bad.npz", mu=np.zeros(3), cov=np.eye(2))
    with pytest.raises(UsageError, match=r"received \(3,\) and \(2, 2\)"):
        fad.read(tmp_path / "bad.npz")
    np.savez(tmp_path / "bad.npz", mu=np.array([{}], object), cov=np.eye(2))
    with pytest.raises(VGGishError, match="is damaged"):
        fad.read(tmp_path / "bad.npz")


def test_files_by_distance(sets):
    found = fad.by_file(fad.read("a"), fad.read("b"))
    assert len(found) == 16  # the first clip has one row
    assert [row[2] for row in found] == sorted((row[2] for row in found), reverse=True)
    path, num_rows, distance = found[0]
    number = int(path.split(".")[0])
    first = number * (number - 1) // 2
    rows = sets[1][first : first + number]
    assert num_rows == len(rows)
    assert distance == pytest.approx(expected_fad(sets[0], rows), rel=1e-9)


def test_the_command_prints_a_table(sets, capsys):
    assert cli.main(["fad", "a", "b", "a", "--kad", "--inf"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "embeddings: weights abababababab, profile tf-2020, before the ReLU, soxr HQ"
    )
    assert lines[1].split() == [
        "files",
        "rows",
        "rank",
        "FAD",
        "KAD",
        "bandwidth",
        "FAD∞",
        "±",
        "r²",
    ]
    assert lines[2].split() == ["reference", "a", "20", "200", "8"]
    name, files, rows, rank, distance, kad, *_ = lines[3].split()
    assert (name, files, rows, rank) == ("b", "17", "150", "8")
    assert float(distance) == pytest.approx(expected_fad(*sets), abs=5e-5)
    assert float(kad) == pytest.approx(fad.kernel_distance(*sets), abs=5e-5)
    assert float(lines[4].split()[4]) == 0


def test_the_command_writes_files_and_json(sets, capsys):
    arguments = ["--json", "--csv", "t.csv", "--csv-per-file", "f.csv", "--save-stats", "s.npz"]
    assert cli.main(["fad", "a", "b", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["reference"]["num_rows"] == 200
    assert found["reference"]["provenance"] == PROVENANCE
    (candidate,) = found["candidates"]
    assert candidate["fad"] == pytest.approx(expected_fad(*sets), rel=1e-9)
    with open("t.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["name"], float(row["fad"])) == ("b", candidate["fad"])
    made = {name: row[name] for name in ("weights", "activation", "resampler")}
    weights = PROVENANCE["weights"]["values_sha256"]
    assert made == {"weights": weights, "activation": "before the ReLU", "resampler": "soxr HQ"}
    with open("f.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 16
    assert cli.main(["fad", "s.npz", "b", "--json", "--kad", "--kernel", "cubic"]) == 2
    assert "s.npz holds statistics only" in capsys.readouterr().err
    assert cli.main(["fad", "s.npz", "b", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["candidates"][0]
    assert again["fad"] == pytest.approx(candidate["fad"], rel=1e-12)


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("fad a", 2, "Give a CANDIDATE, or --save-stats"),
        ("fad a b b --per-file out.csv", 2, "--csv-per-file is for one CANDIDATE"),
        ("fad a b --permute 9", 2, "--permute is for two CANDIDATEs"),
        ("fad a b --picture out.gif", 2, "must end in .png or .svg or .pdf"),
        ("fad a b --csv out.txt", 2, "must end in .csv"),
        ("fad a no", 5, "no does not exist. Give sounds or embeddings"),
        ("fad no b", 5, "no does not exist"),
    ],
)
def test_mistakes_are_one_line(line, status, words, sets, capsys):
    assert cli.main(line.split()) == status
    assert words in capsys.readouterr().err


def test_a_table_of_no_candidates_has_its_header(sets):
    assert cli.main(["fad", "a", "--save-stats", "s.npz", "--csv", "none.csv"]) == 0
    assert cli.main(["fad", "a", "b", "--csv", "one.csv"]) == 0
    with open("none.csv") as none, open("one.csv") as one:
        assert none.readlines() == one.readlines()[:1]


def test_what_is_not_known_is_called_so(sets, capsys):
    """Statistics of others say nothing of their weights, and are not said to be before the ReLU."""
    np.savez("stats.npz", mu=sets[0].mean(0), cov=np.cov(sets[0].T))
    assert cli.main(["fad", "stats.npz", "stats.npz", "--csv", "t.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "embeddings: their weights and settings are not known"
    with open("t.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert [row[name] for name in ("weights", "activation", "resampler")] == ["unknown"] * 3


def test_the_kernel_is_said(sets, capsys):
    assert cli.main(["fad", "a", "b", "--json", "--kad", "--kernel", "iq"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["candidates"]
    assert found["kernel"] == "iq"
    expected = fad.kernel_distance(*sets, kernel="iq")
    assert found["kad"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.filterwarnings("ignore:.*the Fréchet distance depends on the number of rows")
def test_a_reference_of_equal_rows_has_a_kernel_distance(sets):
    write_archive("silence", np.zeros((6, 8)))
    reference, candidate = fad.read("silence"), fad.read("b")
    alone = fad.compare(reference, candidate, kernel="gaussian")
    (found,) = fad.compare_each(reference, [candidate], kernel="gaussian")
    assert (found.kad, found.bandwidth) == (alone.kad, alone.bandwidth)
    assert found.bandwidth == 0
    # each row is alike to itself alone: the means are 1 within the reference, and 0 elsewhere
    assert found.kad == pytest.approx(100)


def test_the_reference_has_no_distance_to_itself_in_the_table(sets):
    np.savez("stats.npz", mu=sets[1].mean(0), cov=np.cov(sets[1].T))
    head, reference, candidate = fad.as_text(
        fad.read("a"), [fad.compare(fad.read("a"), fad.read("stats.npz"))]
    ).splitlines()[1:]
    assert head.split() == ["rank", "FAD"]
    assert reference.split() == ["reference", "a", "8"]
    assert candidate.split()[:2] == ["stats.npz", "8"]
