"""Runs of `vggish-tf embed` on a folder that are killed, and started again with the same command.

A run without kills is checked by what the clips were made of: their rows, and which are bad. Every
other output must then have the same files, byte for byte.
"""

import csv
import io
import os
import signal
import struct
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

PADDING = 1 << 21  # bytes of a clip that are no sound, and none on the disk: 32 fill a unit of work
ROWS = 6  # of the longest clip; a unit has more rows than the network takes at once
BAD = 40  # one in so many clips is no audio, or is cut short
SOME_FAILED = 3  # exit status
BEFORE_WORK = 0.2  # of the kills come before the first clip is done


@dataclass
class Report:
    """Of all that was run: how much, and the faults."""

    clips: int
    shards: int = 0
    outputs: int = 0  # made from nothing to the end
    kills: int = 0
    kills_at_work: int = 0  # after the process had embedded a clip
    left: int = 0  # temporary files in the outputs that are done
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = (
            f"{self.clips} clips, {self.shards} shards; {self.outputs} outputs, {self.kills} "
            f"kills, {self.kills_at_work} of them after its first clip; "
            f"{self.left} temporary files left"
        )
        good = ["nothing lost, nothing twice, and the same bytes as without a kill"]
        return "\n".join([counts, *(self.faults or good)])


def run(command: Sequence, num_kills: int, num_clips: int, seed: int) -> Report:
    """Makes output after output, until there were so many kills and the last output is done.

    Args:
        command: `vggish-tf embed`, to which inputs and options are added.
    """
    random, report = np.random.default_rng(seed), Report(num_clips)
    with (
        tempfile.TemporaryDirectory() as folder,
        tqdm(total=num_kills, unit="kill", disable=None) as bar,
    ):
        runs = Runs(command, Path(folder), report)
        runs.make_whole(make_clips(Path(folder, "sounds"), num_clips, random))
        while report.kills < num_kills and not report.faults:
            output = Path(folder, f"killed-{report.outputs}")
            while report.kills < num_kills and runs.kill(output, random):
                bar.update()
            runs.finish(output)
            runs.compare(output)
    return report


class Runs:
    """Runs of a command on a folder that has `sounds`, and what a report says about them."""

    def __init__(self, command: Sequence, folder: Path, report: Report):
        self.command, self.folder, self.report = list(map(str, command)), folder, report
        self.whole, self._said = folder / "whole", folder / "said"
        self._events = folder / "events"
        self._starting = self._working = 0.0  # seconds before and after the first clip is done

    def make_whole(self, rows: dict[str, int]):
        """Makes the output without kills, of clips with so many rows."""
        self._starting, self._working = self.finish(self.whole)
        if not self.report.faults:
            self.report.faults += wrong_rows(self.whole, rows)
        self.report.shards = len(shards_in(self.whole))

    def finish(self, output: Path) -> tuple[float, float]:
        """Runs to the end; returns the seconds before and after the first clip is done."""
        started, process = time.monotonic(), self._start(output)
        self._wait_for_work(process)
        begun, status = time.monotonic(), process.wait()
        self.report.outputs += 1
        if status != SOME_FAILED:
            said = self._said.read_text().strip()[-500:]
            self.report.faults.append(f"{output.name}: exit status {status}: {said}")
        return begun - started, time.monotonic() - begun

    def kill(self, output: Path, random: np.random.Generator) -> bool:
        """Kills a run, and looks at what it left; False if the run had ended."""
        process, at_work = self._start(output), random.random() > BEFORE_WORK
        if at_work:
            self._wait_for_work(process)
        try:
            process.wait(random.uniform(0, self._left_of(output) if at_work else self._starting))
            return False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.report.kills += 1
        self.report.kills_at_work += at_work
        whole = shards_in(self.whole)
        torn = [name for name, data in shards_in(output).items() if data != whole.get(name)]
        self.report.faults += [f"{output.name}: {name} differs after a kill" for name in torn]
        return True

    def compare(self, output: Path):
        """Compares an output that is done with the one without kills."""
        self.report.faults += differences(output, self.whole)
        self.report.left += sum(1 for _ in output.rglob(".*"))

    def _left_of(self, output: Path) -> float:
        """Seconds of work that are left, but no less than a fifth of all: a run may end, too."""
        share = len(shards_in(output)) / self.report.shards
        return self._working * max(1 - share, 0.2)

    def _start(self, output: Path) -> subprocess.Popen:
        arguments = ["sounds", "-o", output.name, "--untrained", "--events", self._events]
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        self._events.write_text("")
        with open(self._said, "w") as said:
            return subprocess.Popen(
                [*self.command, *arguments], cwd=self.folder, env={**os.environ, **quiet},
                stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    def _wait_for_work(self, process: subprocess.Popen):
        """Until it says that a clip is done, or ends."""
        while process.poll() is None and '"event": "done"' not in self._events.read_text():
            time.sleep(0.01)


def make_clips(folder: Path, count: int, random: np.random.Generator) -> dict[str, int]:
    """Writes clips of one to ROWS rows of noise; returns the rows of each, 0 if it is bad."""
    rows = {}
    for number in range(count):
        path = folder / str(number % 3) / f"{number:05}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        length = int(random.integers(1, ROWS + 1))
        _write(path, random.uniform(-0.5, 0.5, 15_600 + 15_360 * (length - 1)))
        if bad := number % BAD == BAD // 2:
            os.truncate(path, PADDING if number % (2 * BAD) < BAD else path.stat().st_size - 9999)
        rows[os.path.relpath(path, folder.parent)] = 0 if bad else length
    return rows


def _write(path: Path, samples: np.ndarray):
    """A WAV file with a chunk of padding, which the file system does not store."""
    memory = io.BytesIO()
    soundfile.write(memory, samples, 16_000, format="WAV", subtype="PCM_16")
    data = memory.getvalue()
    with open(path, "wb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", len(data) + PADDING, b"WAVE"))
        file.write(struct.pack("<4sI", b"JUNK", PADDING))
        file.seek(PADDING, os.SEEK_CUR)
        file.write(data[12:])


def shards_in(folder: Path) -> dict[str, bytes]:
    """The shards that have their final names."""
    return {name: data for name, data in _files_in(folder).items() if name.endswith(".parquet")}


def _files_in(folder: Path) -> dict[str, bytes]:
    """The shards that readers of the folder see, and the table of failures."""
    paths = folder.glob("[!.]*")
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def wrong_rows(folder: Path, rows: dict[str, int]) -> list[str]:
    """Faults of an output: rows or failures that are missing, twice, or of nothing."""
    import pyarrow.parquet as pq

    paths, faults = Counter[str](), []
    for shard in shards_in(folder):
        paths.update(pq.read_table(folder / shard, columns=["path"])["path"].to_pylist())
    if paths != Counter({path: count for path, count in rows.items() if count}):
        faults.append(f"{folder.name}: the rows are not those of the clips")
    with open(folder / "_failures.csv", newline="", encoding="utf-8") as file:
        failed = Counter(failure["path"] for failure in csv.DictReader(file))
    if failed != Counter(path for path, count in rows.items() if not count):
        faults.append(f"{folder.name}: the failures are not those of the bad clips")
    return faults


def differences(folder: Path, whole: Path) -> list[str]:
    """Files that are not the same, or not there, or too many."""
    found, expected = _files_in(folder), _files_in(whole)
    names = [name for name in found | expected if found.get(name) != expected.get(name)]
    return [f"{folder.name}: {name} differs from that without a kill" for name in sorted(names)]
