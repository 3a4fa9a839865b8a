"""The cases. Every contender runs once in each round; ratios are taken within a round.

The median of the ratios is reported. So other load on the machine, or a processor that slows down
when warm, affects all alike.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark import sound
from benchmark.contenders import CONTENDERS
from benchmark.workers import Worker

# Tolerance between two float32 runtimes, for embeddings whose largest value is about 1.5: ten
# layers of up to 12,288 products in another order of summation, and log-mels computed in float64 or
# float32. The largest difference seen is 1e-5.
ATOL = 5e-5


@dataclass(frozen=True)
class Case:
    """A job on files, of which every round has its own."""

    title: str
    write: Callable[[Path, int], list[Path]]  # of folder and round: writes the files
    audio_seconds: float  # of one round
    contenders: tuple[str, ...] = tuple(CONTENDERS)


def file_case(minutes: float) -> Case:
    def write(folder, part):
        path = folder / "long.wav"
        return [path if path.exists() else sound.write(path, 60 * minutes, 44_100, channels=2)]

    return Case(f"one {minutes:g}-minute 44.1 kHz stereo file", write, 60 * minutes)


def clips_case(count: int, rate: int) -> Case:
    def write(folder, part):
        return sound.clips(folder / f"clips{rate}", count, rate, first=part * count)

    return Case(f"five-second {rate / 1000:g} kHz clips", write, 5.0 * count)


def check(workers: dict[str, Worker]) -> dict[str, dict[str, float]]:
    """Compares the embeddings of all contenders with the first one's, which is ours in float32.

    Embeddings of resampled audio are compared only with those of the same resampler; between
    resampy and soxr the cosine is reported.

    Returns:
        Contender → largest difference and lowest cosine at each rate.

    Raises:
        SystemExit: a contender computes something else.
    """
    clips = {"16 kHz": (sound.waveform(5, 16_000)[:, 0].astype(np.float32), 16_000)}
    clips["44.1 kHz"] = (sound.waveform(5, 44_100)[:, 0].astype(np.float32), 44_100)
    findings: dict[str, dict[str, float]] = {}
    for title, clip in clips.items():
        calls = {name: worker.call("embed_clip", *clip) for name, worker in workers.items()}
        rows = {name: np.asarray(embedding) for name, (embedding, _) in calls.items()}
        for name, embedding in rows.items():
            findings.setdefault(name, {}).update(_compare(title, name, embedding, rows))
    return findings


def _compare(title, name, embedding, rows) -> dict[str, float]:
    contender = CONTENDERS[name]
    same = title == "16 kHz" or contender.resampler == "soxr"
    reference = next(iter(rows))  # ours, in float32
    expected = rows[reference if same or "upstream" not in rows else "upstream"]
    expected = np.maximum(expected, 0) if contender.relu else expected
    if embedding.shape != expected.shape:
        raise SystemExit(
            f"bench: {contender.title} gives {embedding.shape} at {title}, expected "
            f"{expected.shape}."
        )
    difference = float(np.abs(embedding - expected).max())
    cosine = lowest_cosine(embedding, expected)
    good = difference <= ATOL if contender.cosine == 1 else cosine >= contender.cosine
    if not good:
        raise SystemExit(
            f"bench: {contender.title} is {difference:.1e} off at {title}, cosine {cosine:.6f}."
        )
    return {f"{title}, largest difference": difference, f"{title}, lowest cosine": cosine}


def lowest_cosine(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one.astype(np.float64), other.astype(np.float64)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / np.maximum(norms, 1e-12)).min())


def run(case: Case, workers: dict[str, Worker], rounds: int) -> dict[str, dict]:
    """Contender → wall and cpu seconds of each round, peak memory, and rows."""
    taking_part = {name: worker for name, worker in workers.items() if name in case.contenders}
    results: dict[str, dict] = {
        name: {"wall": [], "cpu": [], "peak_mb": 0.0, "rows": 0} for name in taking_part
    }
    with tempfile.TemporaryDirectory() as folder:
        for part in range(rounds):
            paths = case.write(Path(folder), part)
            for name in _rotated(list(taking_part), part):
                output = Path(folder, "out", name)
                output.mkdir(parents=True, exist_ok=True)
                _, cost = taking_part[name].call("embed_files", paths, output)
                written = [np.load(output / f"{path.stem}.npz")["embedding"] for path in paths]
                _note(results[name], cost, sum(map(len, written)))
                print(f"  {CONTENDERS[name].title:22s} {cost.wall:7.2f} s", file=sys.stderr)
    _check_rows(results)
    return results


def compared(case: Case, workers: dict[str, Worker], rounds: int) -> dict[str, dict]:
    """run() with contenders that have just been started: their embeddings are compared, and a
    first round, in which some compile, does not count.
    """
    check(workers)
    run(case, workers, 1)
    return run(case, workers, rounds)


def network_share(case: Case, worker: Worker, rounds: int) -> list[float]:
    """The network's share of the time of a whole job, in each round."""
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        for part in range(rounds):
            paths = case.write(Path(folder), part)
            whole, network = worker.call("network_share", paths, Path(folder))[0]
            shares.append(network / whole)
    return shares


def latency(
    workers: dict[str, Worker], method: str, arguments: tuple, calls: int
) -> dict[str, dict]:
    """Contender → wall and cpu seconds of many calls, the contenders taking turns."""
    results: dict[str, dict] = {name: {"wall": [], "cpu": []} for name in workers}
    for call in range(calls + 2):
        for name, worker in workers.items():
            _, cost = worker.call(method, *arguments)
            if call >= 2:  # the first calls trace and pack
                results[name]["wall"].append(cost.wall)
                results[name]["cpu"].append(cost.cpu)
    return results


def _rotated(names: list[str], by: int) -> list[str]:
    by %= max(len(names), 1)
    return names[by:] + names[:by]


def _note(result: dict, cost, rows: int):
    result["wall"].append(cost.wall)
    result["cpu"].append(cost.cpu)
    result["peak_mb"] = max(result["peak_mb"], cost.peak_mb)
    result["rows"] = rows


def _check_rows(results):
    rows = {name: result["rows"] for name, result in results.items()}
    if len(set(rows.values())) > 1:
        raise SystemExit(f"bench: not the same number of rows: {rows}.")
