"""The project's goals for speed and memory, and whether a run reaches them."""

import statistics
from collections.abc import Iterator
from typing import NamedTuple

from benchmark import programs
from benchmark.report import speedup

PRECISIONS = ("ours", "ours_bfloat16")


class Goal(NamedTuple):
    """A measured value for one of our precisions, and its bound: a minimum if `more`."""

    what: str
    precision: str
    value: float
    bound: float
    more: bool
    unit: str = "×"

    @property
    def reached(self) -> bool:
        return self.value >= self.bound if self.more else self.value <= self.bound


def goals(results: dict) -> Iterator[Goal]:
    """All goals that the run measured."""
    jobs = results["cases"]
    for ours, title, against_upstream, against_torch, other in (
        ("ours", "float32", {"file": 2.8, "clips44": 3.0}, 4.0, 0.10),
        ("ours_bfloat16", "bfloat16", {"file": 5.0, "clips44": 5.0}, 7.0, 0.18),
    ):
        for case, bound in against_upstream.items():
            if "upstream" in jobs.get(case, {}).get("contenders", {}):
                value = speedup(jobs[case]["contenders"], "upstream", ours)
                yield Goal(f"{jobs[case]['title']}, against upstream", title, value, bound, True)
        if "torchvggish" in jobs.get("clips44", {}).get("contenders", {}):
            value = speedup(jobs["clips44"]["contenders"], "torchvggish", ours)
            yield Goal(
                "five-second 44.1 kHz clips, against torchvggish", title, value, against_torch, True
            )
        for job in jobs.values():
            share = 1 - statistics.median(job["network_share"][ours])
            yield Goal(
                f"{job['title']}: all but the network", title, 100 * share, 100 * other, False, " %"
            )
            for name in ("onnxruntime", "openvino"):
                name += "_bfloat16" * (name == "openvino" and ours == "ours_bfloat16")
                if name in job["contenders"]:
                    value = speedup(job["contenders"], name, ours)
                    yield Goal(f"{job['title']}, against {name}", title, value, 1.0, True)
        yield from _latency(results, ours, title)
        yield from _growth(results, ours, title)
    if "start_up" in results:
        yield Goal(
            "vggish-tf --help", "", statistics.median(results["start_up"]["help"]), 0.3, False, " s"
        )
        beyond = programs.beyond_import(results["start_up"])
        yield Goal(
            "embed of one second, beyond the import of TensorFlow", "", beyond, 1.5, False, " s"
        )


def _latency(results: dict, ours: str, title: str) -> Iterator[Goal]:
    bound = {"ours": 0.7, "ours_bfloat16": 0.45}[ours]
    for what, contenders in results.get("latency", {}).items():
        if "upstream" in contenders and "clip" in what:
            value = 1 / speedup(contenders, "upstream", ours)
            yield Goal(f"one {what} a call, beside the tf-slim session", title, value, bound, False)


def _growth(results: dict, ours: str, title: str) -> Iterator[Goal]:
    lengths = results.get("growth", {}).get(ours, {})
    if len(lengths) < 2:
        return
    first, *_, last = lengths.values()
    most = f"{list(lengths)[-1]} minutes beside {next(iter(lengths))}"
    cost = (last["wall"] / last["rows"]) / (first["wall"] / first["rows"])
    yield Goal(f"cost a row, {most}", title, cost, 1.0, False)
    yield Goal(f"peak memory, {most}", title, last["peak_mb"] - first["peak_mb"], 50, False, " MB")


def text(results: dict) -> str:
    """A line for each goal."""
    return "\n".join(
        f"{'reached' if goal.reached else 'MISSED ':8s} {goal.value:7.2f}{goal.unit:3s} "
        f"({'≥' if goal.more else '≤'} {goal.bound:g}{goal.unit}) {goal.precision:9s} {goal.what}"
        for goal in goals(results)
    )
