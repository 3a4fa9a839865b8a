"""The long file with more cores, and on a GPU with larger batches: rows a second."""

import os
import statistics
from collections.abc import Iterable

from benchmark import cases, report
from benchmark.contenders import CONTENDERS
from benchmark.workers import started


def threads(case: cases.Case, names: list[str], counts: list[int], rounds: int, *args) -> dict:
    """Number of cores → contender → times and rows; counts beyond the machine's are left out.

    Args:
        names: of the contenders; each is started anew for each count.
        args: of the contenders.
    """
    have = len(os.sched_getaffinity(0))
    results = {}
    for count in (count for count in counts if count <= have):
        with started(names, *args, cores=count) as workers:
            results[str(count)] = cases.compared(case, workers, rounds)
    return results


def gpu(case: cases.Case, names: Iterable[str], batch_sizes: list[int], rounds: int, *args) -> dict:
    """Batch size → contender → times and rows, and the fastest bfloat16 product of each backend."""
    with started(names, *args) as workers:
        results: dict = {"peak_gflops": {}, "batches": {}}
        for name, worker in workers.items():
            results["peak_gflops"][name] = worker.call("peak_gflops")[0]
        for batch_size in batch_sizes:
            for worker in workers.values():
                worker.call("set_batch_size", batch_size)
            results["batches"][str(batch_size)] = cases.compared(case, workers, rounds)
    return results


def threads_table(results: dict) -> str:
    """Rows a second as a Markdown table, a line for each number of cores."""
    cells = {
        count: {name: f"{_rate(result):.0f}" for name, result in contenders.items()}
        for count, contenders in results.items()
    }
    return _table("cores", cells)


def gpu_table(results: dict) -> str:
    """The same for each batch size, and what share of the fastest product that is."""
    peaks = results["peak_gflops"]
    cells = {
        size: {
            name: f"{_rate(result):.0f} "
            f"({100 * report.GFLOP_A_ROW * _rate(result) / peaks[name]:.1f} % of the peak)"
            for name, result in contenders.items()
        }
        for size, contenders in results["batches"].items()
    }
    return _table("examples a batch", cells)


def _rate(result: dict) -> float:
    return result["rows"] / statistics.median(result["wall"])


def _table(head: str, cells: dict[str, dict[str, str]]) -> str:
    names = list(next(iter(cells.values()), {}))
    titles = [f"{CONTENDERS[name].title}, rows/s" for name in names]
    lines = [[count, *(row[name] for name in names)] for count, row in cells.items()]
    return report.markdown([head, *titles], lines)
