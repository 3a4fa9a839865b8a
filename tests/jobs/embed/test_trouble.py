"""Trouble on the way: a full disk, a read-only output, inputs that vanish or change, signals."""

import os
import shutil
import signal
import subprocess
import threading

import numpy as np
import pandas
import polars
import pytest
import small_network
import soundfile
from commands import environment, program
from sound_files import write_noise

from vggish_tf import cli, formats
from vggish_tf.errors import VGGishError
from vggish_tf.formats import parquet
from vggish_tf.jobs.embed import embed_archive, units
from vggish_tf.jobs.embed.progress import Progress


@pytest.fixture(autouse=True)
def small_units(monkeypatch):
    monkeypatch.setattr(units, "UNIT_CLIPS", 3)


def shards_in(folder) -> dict[str, bytes]:
    return {
        name: (folder / name).read_bytes()
        for name in os.listdir(folder)
        if name.endswith(".parquet")
    }


@pytest.mark.parametrize("output", ["rows", "rows.csv"])
def test_a_run_goes_on_after_a_full_disk(output, sounds, embedder, monkeypatch, tmp_path):
    embed_archive([sounds], "whole", embedder)
    write, number = parquet._write, iter(range(100))

    def full(path, *args):
        if next(number) == 2:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        write(path, *args)

    monkeypatch.setattr(parquet, "_write", full)
    with pytest.raises(OSError, match="No space left on device"):
        embed_archive([sounds], output, embedder)
    parts = tmp_path / ("rows" if output == "rows" else "rows.csv.parts")
    assert len(shards_in(parts)) == 2
    assert not [name for name in os.listdir(parts) if name.startswith(".")]
    embed_archive([sounds], output, embedder)
    found = {clip.path: clip.embedding.tobytes() for clip in formats.read(output).clips}
    assert found == {clip.path: clip.embedding.tobytes() for clip in formats.read("whole").clips}


def test_a_full_disk_while_the_output_is_made_costs_no_rows(sounds, embedder, monkeypatch):
    def full(path, archive):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(formats.csv, "write", full)
        with pytest.raises(OSError, match="No space left on device"):
            embed_archive([sounds], "rows.csv", embedder)
    monkeypatch.setattr(embedder, "_run", lambda batch: pytest.fail("it is embedded already"))
    embed_archive([sounds], "rows.csv", embedder)
    assert len([*formats.read("rows.csv").clips]) == 12
    assert sorted(os.listdir()) == ["rows.csv", "rows.csv.json", "sounds"]


def test_what_is_half_written_is_in_no_reader_s_way(sounds, embedder, monkeypatch, tmp_path):
    """Neither while a run goes on, nor after it was killed: the temporary file stays."""
    write, number, rows = parquet._write, iter(range(100)), tmp_path / "rows"

    def killed(path, *args):
        if next(number) == 2:
            path.write_bytes(b"PAR1")
            shutil.copy(path, tmp_path / "half")
            assert len(polars.read_parquet("rows/*.parquet")["path"].unique()) == 6
            raise KeyboardInterrupt
        write(path, *args)

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            embed_archive([sounds], "rows", embedder)
    shutil.move(tmp_path / "half", rows / "_embed" / "writing" / ".rows-1.parquet")
    assert len(polars.read_parquet("rows/*.parquet")["path"].unique()) == 6
    embed_archive([sounds], "rows", embedder)
    assert os.listdir(rows / "_embed" / "writing") == []
    assert len(polars.read_parquet("rows/*.parquet")["path"].unique()) == 12


@pytest.fixture
def nobody():
    """Root can write anywhere: for the time of a test the process is another user's."""
    if os.geteuid():
        yield
        return
    os.chmod(".", 0o755)
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.parametrize("output", ["rows", "rows/below", "rows/x.csv", "old"])
def test_a_read_only_output_stops_the_run_before_work_starts(output, sounds, embedder, request):
    embed_archive([sounds], "old", embedder)
    os.mkdir("rows")
    for folder in ("rows", "old", "old/_embed", "old/_embed/units"):
        os.chmod(folder, 0o555)
    write_noise(sounds / "new.wav", 1)
    before = sorted(os.listdir("old"))
    request.getfixturevalue("nobody")
    with pytest.raises((VGGishError, OSError), match=r"cannot |Permission denied"):
        embed_archive(["sounds"], output, lambda: pytest.fail("it was made"))
    assert (os.listdir("rows"), sorted(os.listdir("old"))) == ([], before)


class Meanwhile(Progress):
    """Does something when the first clip has been embedded."""

    def __init__(self, act):
        self.act = act

    def done(self, path, num_rows):
        self.act, act = (lambda: None), self.act
        act()


def test_inputs_that_vanish_are_failures(sounds, embedder):
    """Files that were there when the run began."""
    gone = sounds / "odd" / "11.wav"
    write_noise(gone, 600, 5)  # so long that it is not decoded yet
    for number in range(12, 40):
        write_noise(sounds / "odd" / f"{number}.wav", 1, number)
    last = sounds / "odd" / "39.wav"
    failures = embed_archive([sounds], "rows", embedder, progress=Meanwhile(last.unlink))
    assert [failure.path for failure in failures] == [str(last)]
    assert "does not exist" in failures[0].message
    table = pandas.read_csv("rows/_failures.csv")
    assert table["path"].tolist() == [str(last)]
    assert len([*formats.read("rows").clips]) == 39
    write_noise(last, 1, 39)  # and now it is there again
    assert embed_archive([sounds], "rows", embedder) == []
    assert len([*formats.read("rows").clips]) == 40
    assert not os.path.exists("rows/_failures.csv")


def test_an_input_that_grows_while_it_is_read_is_done_again_next_time(sounds, embedder):
    """A whole number of rows was read of it, and the record says of which size it was."""
    growing = sounds / "even" / "00.wav"

    def grow():
        write_noise(growing, 5, 77)

    embed_archive([sounds], "rows", embedder, progress=Meanwhile(grow))
    rows = {clip.path: len(clip.start) for clip in formats.read("rows").clips}
    assert rows[str(growing)] in (1, 5)
    embed_archive([sounds], "rows", embedder)
    (clip,) = [clip for clip in formats.read("rows").clips if clip.path == str(growing)]
    alone = embedder.embed_file(growing)
    np.testing.assert_allclose(clip.embedding, alone.embedding, rtol=0, atol=1e-5)


def test_bytes_behind_the_sound_of_a_recording_are_no_error(sounds, embedder):
    """A recorder that died, or goes on: the header says how much there is."""
    path = sounds / "even" / "00.wav"
    soundfile.write(path, np.zeros(16_000 * 2) + 0.1, 16_000)
    with open(path, "ab") as file:
        file.write(bytes(32_000))
    assert embed_archive([path], "rows", embedder) == []
    assert len(next(iter(formats.read("rows").clips)).start) == 2


def test_names_with_newlines_quotes_and_bytes_that_are_no_utf_8(sounds, embedder):
    names = [b"new\nline.wav", b"quo\"te's.wav", b"caf\xe9.wav", b"a,b;c\t.wav", b"-.wav"]
    for name in names:
        shutil.copy(sounds / "odd" / "05.wav", os.fsencode(sounds) + b"/" + name)
    bad = b'b\xe4d\n"one".wav'
    with open(os.fsencode(sounds) + b"/" + bad, "wb") as file:
        file.write(b"no audio")
    (failure,) = embed_archive([sounds], "rows", embedder)
    assert os.fsencode(failure.path) == os.fsencode(sounds) + b"/" + bad
    found = {clip.path for clip in formats.read("rows").clips}
    expected = {os.fsdecode(name).encode("utf-8", "backslashreplace").decode() for name in names}
    assert {os.path.relpath(path, sounds) for path in found} >= expected
    table = pandas.read_csv("rows/_failures.csv")
    assert len(table) == 1
    assert table["path"][0].endswith('b\\udce4d\n"one".wav')
    assert embed_archive([sounds], "rows", lambda: pytest.fail("nothing is left to do"))


STOPPED = """
import time
from vggish_tf import Embedder, cli
import small_network
small_network.shrink()
from vggish_tf.jobs.embed import units
units.UNIT_CLIPS = 3
from vggish_tf.jobs.embed.records import Records
write = Records.write
def slowly(records, unit, archive):
    write(records, unit, archive)
    print("written", flush=True)
    time.sleep(0.5)
Records.write = slowly
import sys
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("number", "options"),
    [
        pytest.param(signal.SIGINT, [], id="Ctrl-C", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, ["--events", "events.jsonl"], id="TERM"),
    ],
)
def test_a_signal_keeps_what_is_done_and_says_how_to_go_on(
    number, options, sounds, tmp_path, small_networks
):
    small_network.randomize(small_network.vggish()).save("small.keras")
    arguments = ["embed", "sounds", "-o", "rows", "--weights", "small.keras", *options]
    command = program(*arguments, code=STOPPED)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment(), text=True, **pipes) as run:
        while run.stdout.readline() != "written\n":
            assert run.poll() is None, run.stderr.read()
        run.send_signal(number)
        rest, errors = run.communicate(timeout=60)
    assert run.returncode == 128 + number
    word = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}[number]
    assert errors.splitlines() == [
        "What is done is kept. The same command goes on.",
        f"vggish-tf: {word}",
    ]
    assert "kept" not in rest
    done = shards_in(tmp_path / "rows")
    assert 1 <= len(done) < 4
    assert not [name for name in os.listdir("rows") if name.startswith(".")]
    assert cli.main(arguments) == 0
    assert done.items() <= shards_in(tmp_path / "rows").items()
    assert len([*formats.read("rows").clips]) == 12


def test_two_runs_at_once_never_share_an_output(sounds, embedder):
    """Of two that start together, one writes, and the other says so."""
    results, start, refused = [], threading.Barrier(2), threading.Event()

    class UntilTheOtherIsRefused(Progress):
        def begin(self, *_):
            refused.wait(10)

    def run():
        start.wait()
        progress = UntilTheOtherIsRefused()
        try:
            results.append(str(embed_archive([sounds], "rows", embedder, progress=progress)))
        except VGGishError as error:
            results.append(str(error))
            refused.set()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["another run writes to rows. Wait for it, or choose another output.", "[]"]
    assert len([*formats.read("rows").clips]) == 12
