"""bench.json → ratios and a table of docs/performance.md."""

import statistics
from collections.abc import Iterable

from benchmark import machine

TITLES = {
    "ours": "**vggish_tf**, float32",
    "ours_bfloat16": "**vggish_tf**, bfloat16",
    "ours_openvino": "**vggish_tf**, OpenVINO float32",
    "ours_openvino_bfloat16": "**vggish_tf**, OpenVINO bfloat16",
    "ours_onnxruntime": "**vggish_tf**, ONNX Runtime",
    "upstream": "upstream: resampy, NumPy, tf-slim session",
    "torchvggish": "torchvggish, torch",
    "onnxruntime": "exported, ONNX Runtime",
    "openvino": "exported, OpenVINO float32",
    "openvino_bfloat16": "exported, OpenVINO bfloat16",
    "litert": "exported, LiteRT",
    "keras_predict": "Keras, `model.predict`",
}
# multiplications and additions of one example: 2 × rows × columns × positions of every layer
GFLOP_A_ROW = 1.7278


def ratios(one: list[float], other: list[float]) -> list[float]:
    """The other's time divided by the one's, round by round."""
    return [b / a for a, b in zip(one, other, strict=True)]


def speedup(contenders: dict, name: str, ours: str = "ours") -> float:
    """Median over the rounds of how many times faster we are."""
    return statistics.median(ratios(contenders[ours]["wall"], contenders[name]["wall"]))


def table(results: dict) -> str:
    """Markdown table of seconds of sound a second, and of times relative to ours in float32."""
    jobs = results["cases"]
    names = [name for name in TITLES if any(name in job["contenders"] for job in jobs.values())]
    latency = results.get("latency", {}).get("five-second clip", {})
    head = [
        "",
        *(job["title"] for job in jobs.values()),
        *(["one five-second clip a call"] if latency else []),
    ]
    lines = []
    for name in names:
        cells = [_cell(job, name) for job in jobs.values()]
        lines.append([TITLES[name], *cells, *([_call(latency, name)] if latency else [])])
    return f"{_caption(results['machine'])}\n\n{markdown(head, lines)}"


def markdown(head: list[str], lines: Iterable[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines))


def _caption(about: dict) -> str:
    return (
        f"On {machine.named(about)}: seconds of sound a second of the whole job, file to file, and "
        "in brackets the time it takes beside ours in float32 (median of the rounds)."
    )


def _cell(job: dict, name: str) -> str:
    result = job["contenders"].get(name)
    if result is None:
        return ""
    rate = job["audio_seconds"] / statistics.median(result["wall"])
    return f"{rate:.0f}× real time ({speedup(job['contenders'], name):.2f}×)"


def _call(latency: dict, name: str) -> str:
    if name not in latency:
        return ""
    milliseconds = 1e3 * statistics.median(latency[name]["wall"])
    return f"{milliseconds:.1f} ms ({speedup(latency, name):.2f}×)"
