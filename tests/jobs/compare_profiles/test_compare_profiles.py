"""One clip by every profile: distances, and the step that does it."""

import json

import numpy as np
import pytest
from sound_files import make, write_noise, write_sets

from vggish_tf import AudioError, Embedder, UsageError, cli, formats
from vggish_tf.formats import provenance
from vggish_tf.jobs.compare_profiles import as_numbers, compare, distance
from vggish_tf.jobs.search.query import embedder_for
from vggish_tf.params import Params
from vggish_tf.profiles import PROFILES, Profile

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("small_networks")]


@pytest.fixture
def embedder(small_checkpoint, pca_params, monkeypatch):
    monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
    return Embedder(small_checkpoint)


def test_every_profile_is_as_far_as_its_own_rows(tmp_path, embedder, small_checkpoint):
    path = write_noise(tmp_path / "a.wav", 3.3)
    expected = embedder.embed_file(path)
    found = {each.profile.name: each for each in compare(path, embedder)}
    assert [*found] == [*PROFILES]
    default = found["tf-2020"]
    assert (default.num_rows, default.decisive, default.steps) == (3, "", {})
    assert default.distance == pytest.approx((1.0, 0.0), abs=1e-7)
    for name in ("tf-2017", "google-fad", "audioldm-eval"):
        rows = Embedder(small_checkpoint, profile=name).embed_file(path)
        theirs = distance(rows, expected)
        assert found[name].num_rows == len(rows.embedding)
        assert found[name].distance == pytest.approx(theirs, rel=1e-4)


def test_the_step_that_does_it(tmp_path, embedder):
    path = write_noise(tmp_path / "a.wav", 3.3)
    wanted = ["tf-2017", "audioset", "torchvggish", Profile("mine", rounding="float16")]
    relu, bits, torch, mine = compare(path, embedder, wanted)
    assert relu.decisive == "activation: relu"
    assert (bits.decisive, bits.steps) == ("", {})  # another space, and nothing else
    assert bits.distance == pytest.approx((1.0, 0.0), abs=1e-6)
    assert [*torch.steps] == [
        "decoded: cut to 16 bits, mean of channels",
        "resampler: resampy",
        "pad: never",
        "activation: relu",
    ]
    assert torch.steps["resampler: resampy"].difference == 0  # there is nothing to resample
    assert torch.decisive == "activation: relu"
    assert torch.distance == pytest.approx(torch.steps["activation: relu"], rel=0.05)
    assert mine.decisive == "rounding: float16"
    assert 0 < mine.distance.difference < 2**-10
    # the cosine of rows and of their positive halves, as NumPy has it
    rows = embedder.embed_file(path).embedding.astype(float)
    halves = np.maximum(rows, 0)
    cosines = (rows * halves).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(halves, axis=1)
    assert relu.distance.cosine == pytest.approx(cosines.mean(), rel=1e-6)


def test_bytes_are_compared_as_the_numbers_that_they_stand_for():
    rows = np.array([[0, 128, 255]], np.uint8)
    numbers = as_numbers(rows, PROFILES["audioset"])
    np.testing.assert_allclose(numbers, [[-2.0, 128 / 63.75 - 2, 2.0]], atol=1e-6)
    nearest = as_numbers(rows.astype(np.float32), PROFILES["torchvggish"])
    np.testing.assert_allclose(nearest, numbers, atol=1e-6)
    assert as_numbers(rows, PROFILES["tf-2020"]) is rows


def test_params_are_told_by_what_they_change(tmp_path, embedder):
    (google,) = compare(write_noise(tmp_path / "a.wav", 3.3), embedder, ["google-fad"])
    assert [*google.steps][-2:] == ["params: example_hop_seconds=0.5", "pad: never"]


def test_an_embedder_of_another_profile_is_refused(tmp_path, small_checkpoint):
    another = Embedder(small_checkpoint, profile="tf-2017")
    with pytest.raises(UsageError, match="embedder must have the default profile"):
        next(compare(write_noise(tmp_path / "a.wav", 3.3), another))


def test_rows_are_compared_with_those_of_the_nearest_time():
    theirs = np.eye(3), np.array([0.0, 1.0, 2.0])
    ours = np.eye(3)[[0, 0, 1, 2, 2]], np.array([0.0, 0.4, 0.9, 1.6, 5.0])
    assert distance(ours, theirs) == (1.0, 0.0)
    assert distance((ours[0][:0], ours[1][:0]), theirs) is None


def test_pooled_rows_are_compared_with_pooled_rows(tmp_path, embedder):
    path = write_noise(tmp_path / "a.wav", 3.3)
    mine = [Profile("mine", pool=pool) for pool in ("mean", "max", "mean+std")]
    for each in compare(path, embedder, mine):
        assert (each.num_rows, each.steps) == (1, {})
        assert each.distance == pytest.approx((1.0, 0.0), abs=1e-6)


def test_the_step_that_leaves_no_rows_is_named(tmp_path, embedder):
    path = write_noise(tmp_path / "a.wav", 0.7)
    kadtk, fadtk = compare(path, embedder, ["kadtk", "fadtk"])
    assert (kadtk.num_rows, kadtk.decisive) == (0, "pad: never: no rows")
    assert fadtk.num_rows == 1


def test_a_program_that_takes_no_such_clip_says_why(tmp_path, embedder):
    path, _ = make(tmp_path)  # two channels
    (google,) = compare(path, embedder, ["google-fad"])
    assert google.refusal.startswith(f"{path}: this profile's program takes one channel; the clip")
    assert (google.num_rows, google.distance) == (0, None)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path, embedder):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(AudioError, match=r"a\.wav"):
        next(compare(tmp_path / "a.wav", embedder))


def test_the_table(tmp_path, capsys, small_checkpoint, pca_params, monkeypatch):
    monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
    path = write_noise(tmp_path / "a.wav", 2.5)
    weights = ("--weights", str(small_checkpoint))
    assert cli.main(["compare-profiles", str(path), *weights]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["profile", "rows", "cosine", "difference"]
    assert [line.split()[0] for line in lines] == [*PROFILES]
    assert lines[0].split()[1:] == ["2", "1.000000", "0.00e+00"]
    assert lines[1].endswith("activation: relu")
    assert cli.main(["compare-profiles", str(path), "kadtk", *weights]) == 0
    _, kadtk, *steps = capsys.readouterr().out.splitlines()
    assert kadtk.split()[0] == "kadtk"
    assert [step.split()[2] for step in steps] == ["resampler:", "resampled:", "pad:", "rounding:"]


def test_json(tmp_path, capsys):
    path = write_noise(tmp_path / "a.wav", 2.5)
    assert cli.main(["compare-profiles", str(path), "tf-2017", "--untrained", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["profiles"]
    assert (found["profile"], found["num_rows"]) == ("tf-2017", 2)
    assert found["decisive"] == "activation: relu"
    assert found["distance"] == found["steps"]["activation: relu"]


def test_the_list(capsys):
    assert cli.main(["profiles"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n{name} " in f"\n{text}" for name in PROFILES)
    assert "mean of channels → torchaudio-kaiser → cut to 16 bits → at least 1 s" in text
    assert cli.main(["profiles", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fadtk"]["program"] == "fadtk 1.1.0"


def test_an_archive_remembers_its_profile_and_mixes_no_two(tmp_path, capsys):
    path = write_noise(tmp_path / "a.wav", 2.5)
    command = ["embed", str(path), "--untrained", "--quiet", "-o"]
    rows = str(tmp_path / "rows")
    assert cli.main([*command, rows, "--profile", "mteb"]) == 0
    archive = formats.read(rows)
    assert archive.provenance["profile"]["name"] == "mteb"
    assert archive.provenance["pool"] == "mean"
    assert [len(clip.start) for clip in archive.clips] == [1]
    write_noise(tmp_path / "a.wav", 3.5)
    assert cli.main([*command, rows]) == 5
    assert "profile.name was mteb, and is tf-2020" in capsys.readouterr().err
    assert cli.main([*command, str(tmp_path / "b"), "--profile", "fadkt"]) == 2
    assert "profile must be" in capsys.readouterr().err


def test_one_npz_holds_the_mean_too(tmp_path):
    path = write_noise(tmp_path / "a.wav", 2.5)
    command = ["embed", str(path), "--untrained", "--profile", "mteb", "-o"]
    assert cli.main([*command, str(tmp_path / "a.npz")]) == 0
    with np.load(tmp_path / "a.npz") as rows:
        assert len(rows["embedding"]) == 1


def test_a_clip_without_rows_is_no_failure(tmp_path):
    write_noise(tmp_path / "a.wav", 0.4)
    write_noise(tmp_path / "b.wav", 1.4)
    command = ["embed", str(tmp_path), "--untrained", "--quiet", "--profile", "google-fad", "-o"]
    assert cli.main([*command, str(tmp_path / "rows")]) == 0
    assert [len(clip.start) for clip in formats.read(str(tmp_path / "rows")).clips] == [1]


def test_an_archive_of_before_is_of_the_default_profile():
    made = Embedder(None).provenance
    before = {name: value for name, value in made.items() if name != "profile"}
    assert provenance.differences(before, made) == []
    assert embedder_for(before, weights=None).profile == Embedder(None).profile
    another = {**made, "profile": PROFILES["tf-2017"].as_json()}
    names = [each.name for each in provenance.differences(another, before)]
    assert names == ["profile.name", "profile.activation"]


def test_a_finished_archive_refuses_another_profile(tmp_path, capsys):
    path, rows = write_noise(tmp_path / "a.wav", 2.5), str(tmp_path / "rows")
    command = ["embed", str(path), "-o", rows, "--untrained", "--quiet"]
    assert cli.main(command) == 0
    assert cli.main(command) == 0
    assert cli.main([*command, "--profile", "tf-2017"]) == 5
    assert "profile.name was tf-2020, and is tf-2017" in capsys.readouterr().err


def test_clips_too_short_for_a_row_are_counted(tmp_path, capsys):
    (tmp_path / "short").mkdir()
    for number in range(3):
        write_noise(tmp_path / "short" / f"{number}.wav", 0.5, number)
    command = ["embed", str(tmp_path / "short"), "--untrained", "--profile", "kadtk", "-o"]
    assert cli.main([*command, str(tmp_path / "rows")]) == 0
    assert "3 clips of these too short for a row: --pad short" in capsys.readouterr().out
    write_noise(tmp_path / "long.wav", 2.5)
    sets = [str(tmp_path / "long.wav"), str(tmp_path / "short")]
    assert cli.main(["fad", *sets, "--untrained", "--profile", "kadtk"]) == 3
    assert "short: no clip could be embedded: each is too short" in capsys.readouterr().err


def test_pooled_and_other_rows_of_sounds_are_kept_apart(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(2):
            write_noise(tmp_path / name / f"{number}.wav", 4, number + 7 * (name == "b"))
    command = ["fad", "a", "b", "--untrained", "--json", "--profile"]
    assert cli.main([*command, "mteb"]) == 0
    assert json.loads(capsys.readouterr().out)["reference"]["num_rows"] == 2
    assert (
        cli.main(["embed", "a", "-o", "rows", "--untrained", "--quiet", "--profile", "mteb"]) == 0
    )
    assert cli.main(["fad", "rows", "b", "--untrained", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["candidates"][0]["num_rows"] == 2
    assert cli.main(["embed", "a", "-o", "max", "--untrained", "--quiet", "--pool", "max"]) == 0
    assert cli.main(["fad", "max", "b", "--untrained", "--json"]) == 0


def test_search_refuses_rows_of_another_profile(tmp_path, capsys):
    path = write_noise(tmp_path / "a.wav", 2.5)
    for profile in ("tf-2020", "tf-2017"):
        more = ["-o", str(tmp_path / profile), "--untrained", "--quiet", "--profile", profile]
        assert cli.main(["embed", str(path), *more]) == 0
    assert cli.main(["search", str(tmp_path / "tf-2020"), str(tmp_path / "tf-2017")]) == 5
    assert "profile: tf-2020 in the archive, tf-2017 in the query" in capsys.readouterr().err


def test_an_error_of_a_step_names_the_file(tmp_path, capsys):
    path, _ = make(tmp_path)  # two channels
    command = ["embed", str(path), "--untrained", "--quiet", "--profile", "torchaudio", "-o"]
    assert cli.main([*command, str(tmp_path / "rows")]) == 3
    table = (tmp_path / "rows" / "_failures.csv").read_text()
    assert f"{path}: this profile's program takes one channel; the clip has 2." in table


def test_search_hears_with_the_archive_s_profile(tmp_path, capsys):
    path = write_noise(tmp_path / "a.wav", 2.5)
    rows = str(tmp_path / "rows")
    more = ["--untrained", "--quiet", "--profile", "google-fad"]
    assert cli.main(["embed", str(path), "-o", rows, *more]) == 0
    found = embedder_for(formats.read(rows).provenance)
    assert found.profile == PROFILES["google-fad"]
    assert found.params.example_hop_seconds == 0.5


def test_distances_of_a_profile(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_sets(tmp_path, 4)
    command = ["fad", "real", "made", "--untrained"]
    numbers = {}
    for profile in ("tf-2017", "tf-2020"):
        assert cli.main([*command, "--profile", profile]) == 0
        text = capsys.readouterr().out
        assert f"profile {profile}" in text
        numbers[profile] = text.splitlines()[-1]
    assert numbers["tf-2017"] != numbers["tf-2020"]
    assert cli.main([*command, "--profile", "tf-2017"]) == 0
    assert "after the ReLU" in capsys.readouterr().out
    assert len([*(tmp_path / "real.embeddings").iterdir()]) == 2
    assert cli.main([*command, "--profile", "openmic"]) == 2
    assert (
        "distances need numbers, and rows of profile 'openmic' are bytes" in capsys.readouterr().err
    )
    assert cli.main(["embed", "real", "-o", "rows", "--untrained", "--quiet"]) == 0
    assert cli.main(["fad", "rows", "made", "--untrained", "--profile", "fadtk"]) == 2
    assert (
        "--profile fadtk contradicts the embeddings, which are of tf-2020"
        in capsys.readouterr().err
    )


def test_a_hop_of_no_whole_number_of_frames_is_that_of_its_rows(
    tmp_path, embedder, small_checkpoint
):
    """5.4 frames are 5: the rows start every 0.05 s, and not every 0.054 s."""
    path, params = write_noise(tmp_path / "a.wav", 3.3), Params(example_hop_seconds=0.054)
    (found,) = compare(path, embedder, [Profile("mine", params=params)])
    rows = Embedder(small_checkpoint, params=params).embed_file(path)
    assert found.distance == pytest.approx(distance(rows, embedder.embed_file(path)), rel=1e-4)
