"""Archives: the rows of each clip as by itself; stopped, changed and damaged runs."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas
import places
import pytest
import soundfile
from sound_files import write_noise as write

from vggish_tf import Embedder
from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.formats import parquet
from vggish_tf.jobs.embed import embed_archive, units
from vggish_tf.jobs.embed.progress import Json, Progress

# The batches of an archive hold other clips beside; float32 sums in another order.
ATOL = 1e-5


def rows_of(folder) -> dict:
    return {clip.path: clip for clip in parquet.read(folder).clips}


def files_in(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


@pytest.fixture
def small_units(monkeypatch):
    monkeypatch.setattr(units, "UNIT_CLIPS", 3)


def test_every_clip_has_the_rows_that_it_has_alone(sounds, embedder):
    assert embed_archive([sounds], "rows", embedder) == []
    found = rows_of(sounds.parent / "rows")
    assert sorted(found) == sorted(str(path) for path in sounds.rglob("*.wav"))
    for path, clip in found.items():
        alone = embedder.embed_file(path)
        np.testing.assert_allclose(clip.embedding, alone.embedding, rtol=0, atol=ATOL)
        np.testing.assert_array_equal(clip.start, alone.timestamps)
        np.testing.assert_array_equal(clip.end, alone.end_timestamps)


def test_stretches_have_the_rows_of_the_cut_sound(sounds, embedder):
    long = write(sounds / "long.wav", 6, 99)
    (sounds / "table.csv").write_text("path,start,end\nlong.wav,1.5,4.5\n")
    embed_archive([sounds / "table.csv"], "rows", embedder)
    (clip,) = parquet.read("rows").clips
    samples = soundfile.read(long, dtype="float32")[0][24_000:72_000]
    expected = embedder(samples, 16_000)
    np.testing.assert_allclose(clip.embedding, expected.embedding, rtol=0, atol=ATOL)
    np.testing.assert_allclose(clip.start, 1.5 + expected.timestamps)


def test_a_bad_clip_is_in_the_table_and_stops_nothing(sounds, embedder):
    (sounds / "odd" / "bad.wav").write_bytes(b"no audio, and\nnothing else")
    failures = embed_archive([sounds, "missing.wav"], "rows", embedder)
    assert [failure.path for failure in failures] == [str(sounds / "odd/bad.wav"), "missing.wav"]
    assert len(rows_of("rows")) == 12
    table = pandas.read_csv("rows/_failures.csv")
    assert [*table.itertuples(index=False, name=None)] == failures
    assert set(table["kind"]) == {"AudioError"}


def test_too_many_failures_stop_the_run(sounds, embedder, small_units):
    for path in (sounds / "even").glob("*.wav"):
        path.write_bytes(b"no audio")
    with pytest.raises(VGGishError, match="clips could not be embedded, more than 2"):
        embed_archive([sounds], "rows", embedder, max_failures=2)
    assert len(pandas.read_csv("rows/_failures.csv")) == 3


def test_an_error_that_is_no_bad_clip_stops_the_run(sounds, embedder, monkeypatch):
    monkeypatch.setattr(embedder, "_run", lambda batch: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        embed_archive([sounds], "rows", embedder)
    assert not files_in(sounds.parent / "rows")


def test_a_run_again_does_nothing_and_new_clips_alone(sounds, embedder, small_units):
    embed_archive([sounds], "rows", embedder)
    before = files_in(sounds.parent / "rows")

    def never():
        raise AssertionError("nothing is left to embed")

    embed_archive([sounds], "rows", never)
    write(sounds / "z.wav", 1)
    embed_archive([sounds], "rows", embedder)
    after = files_in(sounds.parent / "rows")
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1


def test_a_stopped_run_ends_with_the_same_bytes(sounds, embedder, small_units):
    embed_archive([sounds], "whole", embedder)

    class Stop(Progress):
        def __init__(self, after):
            self.after = after

        def done(self, clip, rows):
            self.after -= 1
            if not self.after:
                raise KeyboardInterrupt

    for after in (1, 4, 5):  # in the first unit, at the end of one, and within one
        with pytest.raises(KeyboardInterrupt):
            embed_archive([sounds], "parts", embedder, progress=Stop(after))
    embed_archive([sounds], "parts", embedder)
    assert files_in(sounds.parent / "parts") == files_in(sounds.parent / "whole")
    assert not [path for path in os.listdir("parts") if path.startswith(".")]


def test_a_shard_that_is_gone_is_made_again(sounds, embedder, small_units):
    embed_archive([sounds], "rows", embedder)
    before = files_in(sounds.parent / "rows")
    os.unlink(f"rows/{sorted(before)[1]}")
    embed_archive([sounds], "rows", embedder)
    assert files_in(sounds.parent / "rows") == before


def test_a_file_that_changed_is_embedded_again_and_said_so(sounds, embedder, small_units, capsys):
    embed_archive([sounds], "rows", embedder)
    before = rows_of("rows")
    changed = str(write(sounds / "odd" / "03.wav", 3, 77))
    embed_archive([sounds], "rows", embedder, progress=Json())
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0] == {"event": "changed", "path": changed}
    after = rows_of("rows")
    assert len(after[changed].start) == 3 > len(before[changed].start)
    for path in set(after) - {changed}:  # those of its unit too, in other batches
        np.testing.assert_allclose(after[path].embedding, before[path].embedding, rtol=0, atol=ATOL)


def test_other_settings_do_not_mix(sounds, embedder):
    embed_archive([sounds], "rows", embedder)
    write(sounds / "z.wav", 1)
    other = Embedder(None, params=embedder.params, pad="always")
    with pytest.raises(VGGishError, match="pad was short, and is always"):
        embed_archive([sounds], "rows", other)
    with pytest.raises(VGGishError, match="rows of other settings: pool was None, and is mean"):
        embed_archive([sounds], "rows", embedder, pool="mean")


def test_a_refused_run_removes_nothing(sounds, embedder, small_units):
    embed_archive([sounds], "rows", embedder)
    before = files_in(sounds.parent / "rows")
    write(sounds / "odd" / "03.wav", 3, 77)
    other = Embedder(None, params=embedder.params, pad="always")
    with pytest.raises(VGGishError, match="pad was short, and is always"):
        embed_archive([sounds / "odd"], "rows", other, prune=True)
    assert files_in(sounds.parent / "rows") == before
    embed_archive([sounds / "odd"], "rows", embedder, prune=True)
    assert {os.path.dirname(path) for path in rows_of("rows")} == {str(sounds / "odd")}


def test_a_changed_clip_takes_no_rows_of_clips_that_are_no_inputs(sounds, embedder, small_units):
    embed_archive([sounds], "rows", embedder)
    before = files_in(sounds.parent / "rows")
    changed = write(sounds / "odd" / "03.wav", 3, 77)
    with pytest.raises(VGGishError, match=r"03\.wav has changed, .* Give all inputs again, or"):
        embed_archive([changed], "rows", embedder)
    assert files_in(sounds.parent / "rows") == before
    embed_archive([changed], "rows", embedder, prune=True)
    assert [*rows_of("rows")] == [str(changed)]


def test_failures_of_a_stretch_are_not_those_of_the_file(sounds, embedder):
    (sounds / "table.csv").write_text("path,start,end\neven/00.wav,100,101\neven/00.wav,0,2\n")
    (failure,) = embed_archive([sounds / "table.csv"], "rows", embedder)
    assert embed_archive([sounds / "even" / "00.wav"], "rows", embedder) == []
    assert embed_archive([sounds / "table.csv"], "rows", embedder) == [failure]


def test_too_many_failures_are_too_many_in_the_next_run_too(sounds, embedder):
    for name in ("a.wav", "b.wav"):
        (sounds / name).write_bytes(b"no audio")
    for _ in range(2):
        with pytest.raises(VGGishError, match="2 clips could not be embedded, more than 1"):
            embed_archive([sounds], "rows", embedder, max_failures=1)


def test_a_folder_of_others_with_the_name_of_the_parts_is_kept(sounds, embedder):
    parts = sounds.parent / "rows.csv.parts"
    parts.mkdir()
    (parts / "part-001.csv").write_text("mine")
    with pytest.raises(VGGishError, match=r"rows\.csv\.parts holds other files"):
        embed_archive([sounds], "rows.csv", embedder)
    assert (parts / "part-001.csv").read_text() == "mine"


def test_failures_are_those_of_the_inputs_and_the_table_has_all(sounds, embedder, capsys):
    (sounds / "odd" / "bad.wav").write_bytes(b"no audio")
    embed_archive([sounds / "odd"], "rows", embedder)
    assert embed_archive([sounds / "even"], "rows", embedder, progress=Json()) == []
    begin, *_, end = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (begin["failed"], end["failed"]) == (0, 0)
    assert len(pandas.read_csv("rows/_failures.csv")) == 1
    (failure,) = embed_archive([sounds], "rows", embedder)
    assert failure.path == str(sounds / "odd" / "bad.wav")


def test_damaged_settings_are_not_written_anew(sounds, embedder):
    embed_archive([sounds], "rows", embedder)
    write(sounds / "z.wav", 1)
    path = sounds.parent / "rows" / "_embed" / "settings.json"
    for damage in (lambda: path.write_text("{"), lambda: path.write_text("[]"), path.unlink):
        damage()
        with pytest.raises(
            VGGishError, match=r"settings.json is missing or damaged\. Choose anoth"
        ):
            embed_archive([sounds], "rows", embedder)


def test_a_second_run_on_one_output_is_refused(sounds, embedder):
    class Second(Progress):
        def begin(self, *_):
            with pytest.raises(VGGishError, match="another run writes to rows"):
                embed_archive([sounds], "rows", embedder)

    embed_archive([sounds], "rows", embedder, progress=Second())


@pytest.mark.parametrize(("pool", "size"), [("mean", 128), ("max", 128), ("mean+std", 256)])
def test_pooled_rows_are_numpys(sounds, embedder, pool, size):
    embed_archive([sounds], "rows", embedder, pool=pool)
    oracle = {
        "mean": lambda rows: rows.mean(0),
        "max": lambda rows: rows.max(0),
        "mean+std": lambda rows: np.r_[rows.mean(0), rows.std(0)],
    }[pool]
    for path, clip in rows_of("rows").items():
        alone = embedder.embed_file(path)
        assert clip.embedding.shape == (1, size)
        np.testing.assert_allclose(clip.embedding[0], oracle(alone.embedding), rtol=0, atol=ATOL)
        assert (clip.start[0], clip.end[0]) == (0.0, alone.end_timestamps[-1])


def test_bytes_are_not_pooled(sounds, embedder, monkeypatch):
    monkeypatch.setattr(embedder, "postprocess", "quantized")
    with pytest.raises(UsageError, match="pool='mean' needs floats"):
        embed_archive([sounds], "rows", embedder, pool="mean")


def test_an_output_that_cannot_be_written_stops_before_the_embedder_is_made(sounds):
    (sounds.parent / "rows").write_text("a file")
    with pytest.raises(VGGishError, match="rows"):
        embed_archive([sounds], "rows", lambda: pytest.fail("made"))


RUN = """
import sys
sys.path.insert(0, {helpers!r})
import small_network
small_network.shrink()
import keras
from vggish_tf import Embedder
from vggish_tf.jobs.embed import embed_archive, units
units.UNIT_CLIPS = 2
keras.utils.set_random_seed(0)
embedder = Embedder(None)
print("ready", flush=True)
embed_archive(["sounds"], sys.argv[1], embedder)
"""


@pytest.mark.slow
def test_a_run_killed_in_the_middle_goes_on_to_the_same_rows(sounds):
    for number in range(12, 60):
        write(sounds / f"{number}.wav", 2, number)
    code = RUN.format(helpers=str(places.HELPERS))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def start(output):
        command = [sys.executable, "-W", "ignore", "-c", code, output]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    whole = start("whole")
    whole.communicate()
    assert whole.returncode == 0
    run, parts = start("parts"), sounds.parent / "parts"
    assert run.stdout.readline() == "ready\n"
    while not files_in(parts):
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert 0 < len(files_in(parts)) < len(files_in(sounds.parent / "whole"))
    last = start("parts")
    last.communicate()
    assert last.returncode == 0
    assert files_in(parts) == files_in(sounds.parent / "whole")
