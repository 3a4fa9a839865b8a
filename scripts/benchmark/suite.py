"""The whole run, case by case; its results are the contents of bench.json."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmark import cases, layers, machine, precision, programs, sound
from benchmark.contenders import CONTENDERS
from benchmark.workers import Worker, started

QUICK = {"rounds": 1, "clips": 4, "minutes": 0.25, "growth": [1]}
OURS = ("ours", "ours_bfloat16")
# the contenders measured at other hops; an export has a fixed one
ONE_BY_ONE = ("ours", "ours_bfloat16", "upstream")
CASES = (
    "precision",
    "file",
    "clips44",
    "clips16",
    "latency",
    "live",
    "hops",
    "layers",
    "start_up",
    "growth",
)
QUICK_CASES = CASES[:6]  # cases that need one start of the contenders


def run(args, keep: Callable[[dict], None]) -> dict:
    """Runs all cases; returns the results, for JSON, and calls `keep` with them after each case."""
    if args.quick:
        vars(args).update(QUICK)
    wanted = args.cases or (QUICK_CASES if args.quick else CASES)
    names = [name for name in CONTENDERS if name in OURS or name in (args.contenders or CONTENDERS)]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = args.weights or _seeded(Path(folder, "vggish_model.ckpt"))
        exports = args.output / "exports"
        exports.mkdir(exist_ok=True)
        results: dict = {"machine": _machine(), "calls": 5 if args.quick else 100}
        with started(names, checkpoint, exports) as workers:
            _say("comparing the embeddings")
            results["checks"] = cases.check(workers)
            if "precision" in wanted:
                results["precision"] = precision.measure(*(workers[name] for name in OURS))
            results["cases"] = {}
            for name in ("file", "clips44", "clips16"):
                if name in wanted:
                    results["cases"][name] = _job(args, name, workers)
                    keep(results)
            if "latency" in wanted:
                results["latency"] = _latency(workers, results["calls"])
            if "live" in wanted:
                results["live"] = _live(workers, 10 if args.quick else 60)
            keep(results)
        if "hops" in wanted:
            results["hops"] = {
                hop: _hop(args, names, checkpoint, exports, hop) for hop in ("0.48", "0.16")
            }
        if "layers" in wanted:
            _say("layer by layer")
            results["layers"] = layers.measure(checkpoint)
        if "start_up" in wanted:
            _say("start-up")
            results["start_up"] = programs.start_up(checkpoint, 1 if args.quick else 3)
            keep(results)
        if "growth" in wanted:
            _say("growth with length")
            results["growth"] = {
                name: programs.growth(name, checkpoint, exports, args.growth) for name in OURS
            }
    return results


def _machine() -> dict:
    _say("the machine")
    return {
        **machine.describe(),
        "peak_gflops": {dtype: machine.matmul_peak(dtype) for dtype in machine.DTYPES},
    }


def _job(args, name: str, workers: dict[str, Worker]) -> dict:
    case = {
        "file": cases.file_case(args.minutes),
        "clips44": cases.clips_case(args.clips, 44_100),
        "clips16": cases.clips_case(args.clips, 16_000),
    }[name]
    _say(case.title)
    results = cases.run(case, workers, args.rounds)
    shares = {ours: cases.network_share(case, workers[ours], args.rounds) for ours in OURS}
    rest = ", ".join(f"{100 - 100 * shares[ours][0]:.0f} %" for ours in OURS)
    _say(f"  all but the network: {rest}")
    return {
        "title": case.title,
        "audio_seconds": case.audio_seconds,
        "contenders": results,
        "network_share": shares,
    }


def _latency(workers: dict[str, Worker], calls: int) -> dict:
    """One clip a call, of five seconds and of one (one example), and the network on one example."""
    _say("one clip a call")
    five, one = (sound.waveform(seconds, 16_000)[:, 0].astype(np.float32) for seconds in (5, 1))
    example = np.random.default_rng(0).uniform(-4, 4, (1, 96, 64)).astype(np.float32)
    names = (*OURS, "upstream", "torchvggish")
    alone = {name: worker for name, worker in workers.items() if name in names}
    return {
        "five-second clip": cases.latency(workers, "embed_clip", (five, 16_000), calls),
        "one-second clip": cases.latency(workers, "embed_clip", (one, 16_000), calls),
        "example": cases.latency(alone, "embed_example", (example,), calls),
    }


def _live(workers: dict[str, Worker], seconds: int) -> dict:
    """A live stream, 44.1 kHz stereo in blocks of 100 ms: seconds a push, and the CPU's load."""
    _say("a live stream")
    waveform, results = sound.waveform(seconds, 44_100, 2).astype(np.float32), {}
    for name in OURS:
        pushes, cost = workers[name].call("live", waveform, 44_100, 0.1)
        results[name] = {"pushes": pushes, "cpu_share": cost.cpu / seconds}
    return results


def _hop(args, names, checkpoint, exports, hop: str) -> dict:
    case = cases.file_case(args.minutes / 10)
    _say(f"{case.title}, a row every {hop} s")
    names = [name for name in names if name in ONE_BY_ONE]
    with started(names, checkpoint, exports, hop=float(hop)) as workers:
        return cases.run(case, workers, args.rounds)


def _seeded(path: Path) -> Path:
    _say("seeded weights")
    sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tests" / "helpers")]
    import seeded

    return seeded.write_seeded_checkpoint(path)


def _say(text: str):
    print(text, file=sys.stderr, flush=True)
