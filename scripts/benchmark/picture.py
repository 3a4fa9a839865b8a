"""The results as one picture: a panel for each job, latency and growth; every round is a dot."""

import statistics
from pathlib import Path

from benchmark.contenders import CONTENDERS

OURS, OTHERS = "#c1440e", "#7d8ca3"
PERCENTILES = "milliseconds: median (bar), 95th percentile (line)"


def save(results: dict, path: Path):
    """Writes the picture in the format of the suffix."""
    from matplotlib.figure import Figure

    panels = [*results["cases"].values()]
    latency, growth = results.get("latency", {}), results.get("growth", {})
    count = len(panels) + len(latency) + bool(growth)
    rows = max((count + 1) // 2, 1)
    figure = Figure(figsize=(12, 3.6 * rows), layout="constrained")
    axes = iter(figure.subplots(rows, 2, squeeze=False).flat)
    for job in panels:
        _bars(next(axes), job["title"], job["contenders"], "seconds", 1)
    for what, contenders in latency.items():
        _bars(next(axes), f"one {what} a call", contenders, PERCENTILES, 1e3)
    if growth:
        _growth(next(axes), growth)
    for left_over in axes:
        left_over.set_axis_off()
    machine = results["machine"]
    figure.suptitle(
        f"{machine['cores']} cores of an {machine['processor']}; less is better", fontweight="bold"
    )
    figure.savefig(path, dpi=110)


def _bars(axes, title: str, contenders: dict, unit: str, scale: float):
    names = list(contenders)[::-1]
    walls = [[scale * wall for wall in contenders[name]["wall"]] for name in names]
    medians = [statistics.median(wall) for wall in walls]
    colors = [OURS if name.startswith("ours") else OTHERS for name in names]
    axes.barh(range(len(names)), medians, color=colors, alpha=0.85)
    for row, wall in enumerate(walls):
        spread = wall if len(wall) <= 20 else [statistics.quantiles(wall, n=20)[-1]]
        axes.plot(spread, [row] * len(spread), "|", color="black", markersize=9)
        axes.text(max(*spread, medians[row]), row, f"  {medians[row]:.3g}", va="center")
    axes.set_yticks(range(len(names)), [CONTENDERS[name].title for name in names])
    axes.set_title(title, loc="left")
    axes.set_xlabel(unit)
    axes.set_xlim(0, 1.2 * axes.dataLim.x1)
    axes.spines[["top", "right"]].set_visible(False)


def _growth(axes, growth: dict):
    for name, lengths in growth.items():
        minutes = [float(length) for length in lengths]
        axes.plot(
            minutes,
            [result["peak_mb"] for result in lengths.values()],
            "o-",
            label=f"{CONTENDERS[name].title}",
        )
        for minute, result in zip(minutes, lengths.values(), strict=True):
            cost = f"{1e3 * result['wall'] / result['rows']:.1f} ms"
            axes.annotate(
                cost, (minute, result["peak_mb"]), (0, 6), textcoords="offset points", ha="center"
            )
    axes.set_xscale("log")
    axes.set_ylim(0, 1.15 * axes.dataLim.y1)
    axes.margins(x=0.25)
    axes.set_xlabel("minutes of sound in one file")
    axes.set_title("peak memory in MB, and time a row", loc="left")
    axes.legend(loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
