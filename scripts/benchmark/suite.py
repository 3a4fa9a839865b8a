"""The whole run, case by case; its results are the contents of bench.json."""

import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmark import cases, layers, machine, networks, precision, programs, scaling, sound
from benchmark.contenders import CONTENDERS, ON_A_GPU
from benchmark.workers import Worker, started

QUICK = {"rounds": 1, "clips": 4, "minutes": 0.25, "growth": [1], "calls": 5}
OURS = ("ours", "ours_bfloat16")
# the contenders measured at other hops; an export has a fixed one
ONE_BY_ONE = (*OURS, "upstream")
JOBS = ("file", "clips44", "clips16")


@dataclass(frozen=True)
class Run:
    """The options of a run, and what its cases share.

    Args:
        args: the options.
        names: of the contenders.
        checkpoint: the weights.
        exports: a folder in which converted models are kept while the run lasts.
    """

    args: Namespace
    names: list[str]
    checkpoint: Path
    exports: Path

    @property
    def given(self) -> tuple[Path, Path]:
        """The arguments of a contender."""
        return self.checkpoint, self.exports

    @property
    def file(self) -> cases.Case:
        return cases.file_case(self.args.minutes)


def run(args: Namespace, keep: Callable[[dict], None]) -> dict:
    """Runs all cases; returns the results, for JSON, and calls `keep` with them after each case."""
    if args.quick:
        vars(args).update(QUICK)
    wanted = args.cases or (TOGETHER if args.quick else (*TOGETHER, *ALONE))
    chosen = args.contenders or [name for name in CONTENDERS if name not in ON_A_GPU]
    names = [name for name in CONTENDERS if name in (*OURS, *chosen)]
    with tempfile.TemporaryDirectory() as folder:
        setup = Run(args, names, args.weights or _seeded(Path(folder)), Path(folder))
        results: dict = {"machine": _machine(), "calls": args.calls, "cases": {}}
        for name, result in _results(setup, [name for name in EVERY if name in wanted]):
            (results["cases"] if name in JOBS else results)[name] = result
            keep(results)
    return results


def _results(setup: Run, wanted: list[str]):
    """Yields names and results; the contenders of the cases in TOGETHER are started once."""
    if together := [name for name in wanted if name in TOGETHER]:
        with started(setup.names, *setup.given) as workers:
            _say("comparing the embeddings")
            yield "checks", cases.check(workers)
            for name in together:
                _say(f"case {name}")
                yield name, TOGETHER[name](setup, workers)
    for name in wanted:
        if name not in TOGETHER:
            _say(f"case {name}")
            yield name, EVERY[name](setup)


def _machine() -> dict:
    _say("the machine")
    found = machine.describe()
    if find_spec("tensorflow"):
        found["peak_gflops"] = {dtype: machine.matmul_peak(dtype) for dtype in machine.DTYPES}
    return found


def _precision(setup: Run, workers: dict[str, Worker]) -> dict:
    return precision.measure(*(workers[name] for name in OURS))


def _job(case: cases.Case, setup: Run, workers: dict[str, Worker]) -> dict:
    rounds = setup.args.rounds
    results = cases.run(case, workers, rounds)
    shares = {ours: cases.network_share(case, workers[ours], rounds) for ours in OURS}
    rest = ", ".join(f"{100 - 100 * shares[ours][0]:.0f} %" for ours in OURS)
    _say(f"  all but the network: {rest}")
    return {
        "title": case.title,
        "audio_seconds": case.audio_seconds,
        "contenders": results,
        "network_share": shares,
    }


def _latency(setup: Run, workers: dict[str, Worker]) -> dict:
    """One clip a call, of five seconds and of one (one example), and the network on one example."""
    calls = setup.args.calls
    five, one = (sound.waveform(seconds, 16_000)[:, 0].astype(np.float32) for seconds in (5, 1))
    example = np.random.default_rng(0).uniform(-4, 4, (1, 96, 64)).astype(np.float32)
    names = (*OURS, "upstream", "torchvggish")
    alone = {name: worker for name, worker in workers.items() if name in names}
    return {
        "five-second clip": cases.latency(workers, "embed_clip", (five, 16_000), calls),
        "one-second clip": cases.latency(workers, "embed_clip", (one, 16_000), calls),
        "example": cases.latency(alone, "embed_example", (example,), calls),
    }


def _live(setup: Run, workers: dict[str, Worker]) -> dict:
    """A live stream, 44.1 kHz stereo in blocks of 100 ms: seconds a push, and the CPU's load."""
    seconds = 10 if setup.args.quick else 60
    waveform, results = sound.waveform(seconds, 44_100, 2).astype(np.float32), {}
    for name in OURS:
        pushes, cost = workers[name].call("live", waveform, 44_100, 0.1)
        results[name] = {"pushes": pushes, "cpu_share": cost.cpu / seconds}
    return results


def _hops(setup: Run) -> dict:
    """The file, a tenth as long, with rows that overlap."""
    case = cases.file_case(setup.args.minutes / 10)
    names, results = [name for name in setup.names if name in ONE_BY_ONE], {}
    for hop in ("0.48", "0.16"):
        with started(names, *setup.given, hop=float(hop)) as workers:
            results[hop] = cases.compared(case, workers, setup.args.rounds)
    return results


def _growth(setup: Run) -> dict:
    return {name: programs.growth(name, *setup.given, setup.args.growth) for name in OURS}


def _threads(setup: Run) -> dict:
    ours = [name for name in setup.names if name.startswith("ours") and name not in ON_A_GPU]
    args = setup.args
    return scaling.threads(setup.file, ours, args.threads, args.rounds, *setup.given)


def _gpu(setup: Run) -> dict:
    args, asked = setup.args, [name for name in setup.names if name in ON_A_GPU]
    names = asked or ON_A_GPU
    return scaling.gpu(setup.file, names, args.batch_sizes, args.rounds, *setup.given)


def _seeded(folder: Path) -> Path:
    """Seeded weights; where TensorFlow is not, in another format."""
    _say("seeded weights")
    sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tests" / "helpers")]
    import seeded

    if find_spec("tensorflow"):
        return seeded.write_seeded_checkpoint(folder / "vggish_model.ckpt")
    from safetensors.numpy import save_file

    save_file(seeded.seeded_weights(), path := folder / "vggish_model.safetensors")
    return path


def _say(text: str):
    print(text, file=sys.stderr, flush=True)


# of a run and the contenders, which are started once for all of these
TOGETHER: dict[str, Callable[[Run, dict[str, Worker]], dict]] = {
    "precision": _precision,
    "file": lambda setup, workers: _job(setup.file, setup, workers),
    "clips44": lambda setup, workers: _job(
        cases.clips_case(setup.args.clips, 44_100), setup, workers
    ),
    "clips16": lambda setup, workers: _job(
        cases.clips_case(setup.args.clips, 16_000), setup, workers
    ),
    "latency": _latency,
    "live": _live,
}
ALONE: dict[str, Callable[[Run], dict]] = {
    "hops": _hops,
    "threads": _threads,
    "layers": lambda setup: layers.measure(setup.checkpoint),
    "start_up": lambda setup: programs.start_up(setup.checkpoint, 1 if setup.args.quick else 3),
    "growth": _growth,
    "exports": lambda setup: networks.measure(*setup.given, 3 if setup.args.quick else 15),
}
ON_REQUEST: dict[str, Callable[[Run], dict]] = {"gpu": _gpu}
EVERY: dict[str, Callable[..., dict]] = {**TOGETHER, **ALONE, **ON_REQUEST}
