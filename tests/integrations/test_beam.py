"""embed_archive() on Beam writes the shards and failures of a run in this process, byte for byte.

On the direct runner in one and in several processes, through a job server with a pool of workers,
and on a file system of Beam's; and Beam's traps.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import places
import pytest
from sound_files import write_noise

from vggish_tf import cli, formats, inference
from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.embed import embed_archive
from vggish_tf.jobs.embed.progress import Json, Progress

pytest.importorskip("apache_beam", reason="Apache Beam is absent: the extra `beam`")

from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.localfilesystem import LocalFileSystem

from vggish_tf.integrations import beam

pytestmark = pytest.mark.thorough


def files_in(folder) -> dict[str, bytes]:
    """Shards and the table of failures."""
    return {
        path.name: path.read_bytes()
        for path in Path(folder).iterdir()
        if path.suffix in (".parquet", ".csv")
    }


def check_same(sounds, embedder, folder="there"):
    """Asserts that a folder holds what a run in this process writes."""
    failures = embed_archive([sounds], "here", embedder)
    assert [failure.path for failure in failures] == [str(sounds / "bad.wav")]
    assert len(files_in("here")) == 4  # of three units, and a table: the last clip is bad
    assert files_in(folder) == files_in("here")


def test_one_process_writes_the_same(sounds, embedder):
    embed_archive([sounds], "there", embedder, runner=beam.runner())
    check_same(sounds, embedder)


@pytest.mark.parametrize("pool", ["mean", "mean+std"])
def test_pooled_rows_are_the_same(sounds, embedder, pool):
    for folder, options in {"here": {}, "there": {"runner": beam.runner()}}.items():
        embed_archive([sounds], folder, embedder, pool=pool, **options)
    assert files_in("there") == files_in("here")


def test_what_is_done_is_said(sounds, embedder, capsys):
    embed_archive([sounds], "there", embedder, runner=beam.runner(), progress=Json())
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds == ["begin", *["done"] * 9, "failed", "end"]
    rows = {event["path"]: event["rows"] for event in events if event["event"] == "done"}
    clips = formats.read("there").clips
    assert rows == {clip.path: len(clip.start) for clip in clips}


def test_the_weights_are_loaded_once_a_process(sounds, embedder, monkeypatch):
    loads, load = [], inference.Network._load
    monkeypatch.setattr(
        inference.Network, "_load", lambda network: (loads.append(1), load(network))[1]
    )
    monkeypatch.setattr(inference, "_sent", {})
    embed_archive([sounds], "there", embedder, runner=beam.runner())
    assert len(loads) == 1


def test_an_error_that_is_no_bad_clip_fails_the_run(sounds, embedder, monkeypatch):
    """Beam's handling of exceptions would count it among the bad clips, and succeed."""

    def absent(*_):
        raise ImportError("no module named soundfile")

    with monkeypatch.context() as patch:
        patch.setattr("vggish_tf.audio.read_stretch", absent)
        with pytest.raises(Exception, match="no module named soundfile"):
            embed_archive([sounds], "there", embedder, runner=beam.runner())
    assert not files_in("there")
    embed_archive([sounds], "there", embedder, runner=beam.runner())
    assert len(formats.read("there").provenance) > 3


def test_a_run_goes_on_where_another_one_stopped(sounds, embedder, monkeypatch):
    """Some units by a run in this process, the rest by Beam: nothing twice, nothing lost."""

    class Stop(Progress):
        def done(self, path, num_rows):
            if path.endswith("4.wav"):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_archive([sounds], "there", embedder, progress=Stop())
    before = {path: path.stat().st_mtime_ns for path in Path("there").glob("*.parquet")}
    assert len(before) == 1
    embed_archive([sounds], "there", embedder, runner=beam.runner())
    assert {path: path.stat().st_mtime_ns for path in before} == before
    check_same(sounds, embedder)


def test_units_that_do_not_come_back_are_an_error(sounds, embedder, monkeypatch):
    """Whatever the reason: the pipeline ended well, and rows are missing."""
    monkeypatch.setattr(beam._EmbedUnit, "process", lambda self, line: None)
    with pytest.raises(VGGishError, match="4 units of work did not come back"):
        embed_archive([sounds], "there", embedder, runner=beam.runner())


def test_too_many_failures_stop_the_workers(sounds, embedder, monkeypatch):
    for number in range(9):
        (sounds / f"{number}.wav").write_bytes(b"no audio")
    monkeypatch.setattr(beam, "POLL_SECONDS", 0.01)
    work, started = beam.Work.do, []

    def slowly(self, unit, *args):
        started.append(unit.place)
        work(self, unit, *args)
        time.sleep(1)

    monkeypatch.setattr(beam.Work, "do", slowly)
    with pytest.raises(VGGishError, match="could not be embedded, more than 1"):
        embed_archive([sounds], "there", embedder, runner=beam.runner(), max_failures=1)
    assert len(started) < 4


def test_an_option_that_beam_does_not_know_is_refused():
    with pytest.raises(UsageError, match="Beam has no option --runer"):
        beam.runner(["--runer=DirectRunner"])


def test_the_command_passes_beam_s_options_on(sounds, embedder, tmp_path, capsys):
    weights = ["--weights", str(tmp_path / "small.keras")]
    flags = ["--beam", "--runner=DirectRunner", "--direct_running_mode=in_memory"]
    assert cli.main(["embed", "sounds", "-o", "there", *weights, *flags]) == 3
    said = capsys.readouterr()
    assert "9 of 10 clips embedded" in said.out
    assert "See there/_failures.csv" in said.err
    check_same(Path("sounds"), embedder)


class Box(LocalFileSystem):
    """A file system of Beam's with a scheme: box://a is the folder BOX/a. It has no links."""

    root = ""

    def __init__(self, pipeline_options):
        assert pipeline_options is not None, "some file systems of Beam's refuse to work then"
        super().__init__(pipeline_options)

    @classmethod
    def scheme(cls):
        return "box"

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        return path.rpartition("/")[::2]

    def _list(self, dir_or_prefix):
        for path in sorted(Path(self._at(dir_or_prefix)).rglob("*")):
            if path.is_file():
                name = f"box://{path.relative_to(self.root)}"
                yield FileMetadata(name, path.stat().st_size, path.stat().st_mtime)

    def _at(self, path):
        return path.replace("box://", f"{self.root}/")

    def mkdirs(self, path):
        super().mkdirs(self._at(path))

    def create(self, path, *args, **kwargs):
        return super().create(self._at(path), *args, **kwargs)

    def open(self, path, *args, **kwargs):
        return super().open(self._at(path), *args, **kwargs)

    def rename(self, source, destination):
        assert not any(map(self.exists, destination)), "not every file system renames over a file"
        super().rename([*map(self._at, source)], [*map(self._at, destination)])

    def exists(self, path):
        return super().exists(self._at(path))

    def metadata(self, path):
        found = super().metadata(self._at(path))
        return FileMetadata(path, found.size_in_bytes, found.last_updated_in_seconds)

    def delete(self, paths):
        for path in paths:
            os.remove(self._at(path))


@pytest.fixture
def box(tmp_path, monkeypatch):
    monkeypatch.setattr(FileSystems, "_pipeline_options", None)
    monkeypatch.setattr(Box, "root", str(tmp_path / "box"))
    assert Box in FileSystem.get_all_subclasses()
    (tmp_path / "box").mkdir()
    return tmp_path / "box"


@pytest.mark.parametrize("runner", ["here", "beam"])
def test_inputs_and_output_on_a_file_system_of_beam_s(runner, sounds, embedder, box):
    shutil.copytree(sounds, box / "sounds")
    options = {"runner": beam.runner()} if runner == "beam" else {}
    failures = embed_archive(["box://sounds"], "box://rows", embedder, **options)
    assert [failure.path for failure in failures] == ["box://sounds/bad.wav"]
    local = embed_archive([sounds], "here", embedder)
    assert failures[0].message == local[0].message.replace(str(sounds), "box://sounds")
    there = {clip.path: clip for clip in formats.read(box / "rows").clips}
    for clip in formats.read("here").clips:
        found = there.pop(clip.path.replace(str(sounds), "box://sounds"))
        assert found.embedding.tobytes() == clip.embedding.tobytes()
    assert not there
    assert not [path for path in box.rglob("*") if path.name.startswith(".")]


def test_what_changed_on_a_file_system_of_beam_s_is_done_again(sounds, embedder, box):
    shutil.copytree(sounds, box / "sounds")
    embed_archive(["box://sounds"], "box://rows", embedder)
    before = files_in(box / "rows")
    embed_archive(["box://sounds"], "box://rows", lambda: pytest.fail("nothing is left to do"))
    write_noise(box / "sounds" / "0.wav", 4, 99)
    embed_archive(["box://sounds"], "box://rows", embedder)
    changed = {name for name, data in files_in(box / "rows").items() if before[name] != data}
    assert len(changed) == 1
    lengths = {clip.path: len(clip.start) for clip in formats.read(box / "rows").clips}
    assert lengths["box://sounds/0.wav"] == 4


@pytest.mark.parametrize("given", ["box://in/*.wav", "@box://in/list.txt", "box://in/table.csv"])
def test_globs_lists_and_tables_on_a_file_system_of_beam_s(given, sounds, embedder, box):
    (sounds / "bad.wav").unlink()
    shutil.copytree(sounds, box / "in")
    (box / "in" / "list.txt").write_text("".join(f"box://in/{n}.wav\n" for n in range(9)))
    (box / "in" / "table.csv").write_text("path\n" + "".join(f"{n}.wav\n" for n in range(9)))
    embed_archive([given], "rows", embedder)
    paths = [clip.path for clip in formats.read("rows").clips]
    assert paths == [f"box://in/{n}.wav" for n in range(9)]


def test_a_remote_output_is_a_folder_of_parquet(sounds, embedder, box):
    with pytest.raises(UsageError, match="must be a folder of Parquet shards"):
        embed_archive([sounds], "box://rows.csv", embedder)


# Workers are processes of their own, which find small networks and small units as they start.
SITE = """
import sys
if any("sdk_worker" in word for word in sys.orig_argv):
    import small_network
    small_network.shrink()
"""


@pytest.fixture
def worker_environment(tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE)
    paths = [tmp_path / "site", places.HELPERS, *sys.path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))


@pytest.mark.slow  # the job server below has processes of its own, too
@pytest.mark.usefixtures("worker_environment")
def test_several_processes_write_the_same(sounds, embedder):
    flags = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    embed_archive([sounds], "there", embedder, runner=beam.runner(flags))
    check_same(sounds, embedder)


@contextlib.contextmanager
def serving(module, *arguments):
    """A server of Beam's in a process of its own, which writes its port into a file."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.terminate()


POOL = """
import sys, time
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer as Pool
address, server = Pool.start(port=0, use_process=True)
open("pool.port", "w").write(address)
time.sleep(600)
"""


def written(path) -> str:
    """The content of a file that another process is about to write."""
    for _ in range(600):
        if os.path.exists(path) and (text := Path(path).read_text()):
            return text
        time.sleep(0.1)
    raise TimeoutError(path)


@pytest.mark.slow
@pytest.mark.usefixtures("worker_environment")
def test_a_job_server_and_a_pool_of_workers_write_the_same(sounds, embedder):
    servers = "apache_beam.runners.portability.local_job_service_main"
    Path("pool.py").write_text(textwrap.dedent(POOL))
    with (
        serving(servers, "--port=0", "--port_file=job.port"),
        serving("runpy", "pool.py"),
    ):
        flags = [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{written('job.port')}",
            "--environment_type=EXTERNAL",
            f"--environment_config={written('pool.port')}",
        ]
        embed_archive([sounds], "there", embedder, runner=beam.runner(flags))
    check_same(sounds, embedder)
