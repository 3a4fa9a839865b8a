"""The project's goals for speed and memory, and whether runs reach them.

Those in bfloat16 depend on the processor: on whether it has AMX, AVX-512's bfloat16, or neither.
"""

import statistics
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmark import machine, programs
from benchmark.report import markdown, speedup

Measured = Callable[[dict, str], float]  # of the results, and "ours" or "ours_bfloat16"
PRECISIONS = {"ours": "float32", "ours_bfloat16": "bfloat16"}
REACHED: dict[str, Callable[[float, float], bool]] = {
    "≥": lambda value, bound: value >= bound,
    ">": lambda value, bound: value > bound,
    "≤": lambda value, bound: value <= bound,
}
WITHOUT = (
    "No goals for bfloat16 on {}: the processor has neither of its instructions, avx512_bf16 and "
    "amx_bf16."
)


class Goal(NamedTuple):
    """A quantity and its bounds, "≥ 1.3"; "" where there is none.

    Args:
        title: of the quantity.
        measured: the quantity in a run; KeyError if the run did not measure it.
        float32: the bound in float32.
        amx: in bfloat16, on a processor with AMX.
        avx512: in bfloat16, on one that has AVX-512's bfloat16 alone.
        unit: of the quantity and its bounds.
    """

    title: str
    measured: Measured
    float32: str
    amx: str = ""
    avx512: str = ""
    unit: str = "×"

    def bound(self, ours: str, about: dict) -> str:
        """The bound on a machine, as machine.describe() tells about it."""
        if ours == "ours":
            return self.float32
        return {"amx_bf16": self.amx, "avx512_bf16": self.avx512}.get(machine.bfloat16(about), "")

    def verdict(self, results: dict, ours: str) -> str:
        """The quantity, the bound, and whether it is missed; "" without one of the two."""
        if not (bound := self.bound(ours, results["machine"])):
            return ""
        try:
            value = self.measured(results, ours)
        except KeyError:
            return ""
        sense, number = bound.split()
        missed = "" if REACHED[sense](value, float(number)) else ", **missed**"
        digits = 0 if self.unit == " MB" else 2
        return f"{value:.{digits}f}{self.unit} ({bound}{self.unit}){missed}"


def job(case: str, other: str) -> Measured:
    """How many times as fast as another contender we are; {} stands for the same precision."""

    def measured(results, ours):
        name = other.format(ours.removeprefix("ours"))
        return speedup(results["cases"][case]["contenders"], name, ours)

    return measured


def call(clip: str, other: str) -> Measured:
    """Our time of a call, divided by theirs."""
    return lambda results, ours: 1 / speedup(results["latency"][clip], other, ours)


def hop(seconds: str) -> Measured:
    """How many times as fast as upstream we are."""
    return lambda results, ours: speedup(results["hops"][seconds], "upstream", ours)


def start(results: dict, ours: str) -> float:
    """Seconds beyond TensorFlow's import."""
    return programs.beyond_import(results["start_up"], ours.replace("ours", "embed"))


def memory(results: dict, ours: str) -> float:
    """Megabytes."""
    return statistics.median(results["start_up"][f"{ours.replace('ours', 'embed')} MB"])


def export(format: str, batch: str) -> Measured:
    """The time of our export, divided by that of Keras's own."""
    return lambda results, ours: 1 / speedup(results["exports"][format][batch], "keras", ours)


JOBS = {
    "file": "long 44.1 kHz stereo file",
    "clips44": "five-second 44.1 kHz clips",
    "clips16": "five-second 16 kHz clips",
}
FIVE, ONE = "five-second clip", "one-second clip"
START = "`embed` of one second"
# issue "Speed, second round": float32, bfloat16 with AMX, bfloat16 without
GOALS = (
    *(
        Goal(f"{title}, against OpenVINO", job(case, "openvino{}"), "≥ 1.3", "> 1", "≥ 1")
        for case, title in JOBS.items()
    ),
    *(
        Goal(f"{title}, against ONNX Runtime", job(case, "onnxruntime"), "≥ 1.3", "≥ 3", "≥ 1.6")
        for case, title in JOBS.items()
    ),
    Goal(f"{JOBS['file']}, against upstream", job("file", "upstream"), "≥ 5", "≥ 12", "≥ 5"),
    Goal(
        f"{JOBS['clips44']}, against upstream", job("clips44", "upstream"), "≥ 6.5", "≥ 20", "≥ 6"
    ),
    Goal(f"one {FIVE} a call, beside tf-slim", call(FIVE, "upstream"), "≤ 0.5", "≤ 0.3", "≤ 0.3"),
    Goal(f"one {ONE} a call, beside tf-slim", call(ONE, "upstream"), "≤ 0.6", "≤ 0.35", "≤ 0.35"),
    Goal(
        f"one {FIVE} a call, beside ONNX Runtime", call(FIVE, "onnxruntime"), "≤ 1", *["≤ 0.6"] * 2
    ),
    Goal(f"one {ONE} a call, beside ONNX Runtime", call(ONE, "onnxruntime"), "≤ 1", *["≤ 0.6"] * 2),
    Goal(f"{START}, beyond TensorFlow's import", start, *["≤ 1.2"] * 3, unit=" s"),
    Goal(f"{START}, peak memory", memory, "≤ 1050", "≤ 950", "≤ 950", " MB"),
    Goal("a row every 0.48 s, against upstream", hop("0.48"), "≥ 3.5", "≥ 8"),
    Goal("a row every 0.16 s, against upstream", hop("0.16"), "≥ 3", "≥ 7"),
    *(
        Goal(f"{format}, {rows} a call, beside Keras's own", export(format, batch), "≤ 1")
        for format in ("SavedModel", "ONNX")
        for batch, rows in {"64": "64 examples", "1": "one example"}.items()
    ),
)


def table(*runs: dict) -> str:
    """The goals as a Markdown table, a column a run, and a line for each without bfloat16."""
    names = [machine.named(results["machine"]) for results in runs]
    lines = [line for ours in PRECISIONS for line in _lines(ours, runs)]
    without = [
        WITHOUT.format(name)
        for name, results in zip(names, runs, strict=True)
        if not machine.bfloat16(results["machine"])
    ]
    return "\n\n".join([*([markdown(["", "", *names], lines)] if lines else []), *without])


def _lines(ours: str, runs: tuple[dict, ...]) -> Iterator[list[str]]:
    for goal in GOALS:
        verdicts = [goal.verdict(results, ours) for results in runs]
        if any(verdicts):
            yield [goal.title, PRECISIONS[ours], *verdicts]
