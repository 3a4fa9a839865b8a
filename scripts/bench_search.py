"""Benchmark of search: rows written, read and searched, and what the index finds of the nearest.

    python scripts/bench_search.py --rows 1000000 --rounds 5
    python scripts/bench_search.py --statistics fma_pop_vggish_stats.npz

Each round of a step is a process of its own. A line has the medians of the elapsed seconds and of
those of the processor, and the most memory (VmHWM, on Linux). Rows are independent and normal, or
have the mean `mu` and the covariance `cov` of a file. NumPy's float64 products over all rows are
the oracle of a search.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from vggish_tf import formats
from vggish_tf.jobs import search
from vggish_tf.rows import Archive, ClipRows

TOP, QUERIES, PART = 10, 100, 1 << 16
HOP = 0.96


class Rows:
    """The rows of the archive, made again from a seed wherever they are needed."""

    def __init__(self, count: int, rows_a_clip: int, file: Path | None):
        self.count, self.rows_a_clip = count // rows_a_clip * rows_a_clip, rows_a_clip
        self._mean, self._root = np.zeros(128), np.eye(128)
        if file:
            with np.load(file) as found:
                self._mean, self._root = found["mu"], np.linalg.cholesky(found["cov"])

    def drawn(self, count: int, seed) -> np.ndarray:
        """Rows of a seed, (count, 128) float32."""
        normal = np.random.default_rng(seed).standard_normal((count, 128))
        return (normal @ self._root.T + self._mean).astype(np.float32)

    @property
    def parts(self) -> Iterator[np.ndarray]:
        """All rows, in parts."""
        for first in range(0, self.count, PART):
            yield self.drawn(min(PART, self.count - first), [0, first])

    @property
    def clips(self) -> Iterator[ClipRows]:
        """The same rows in clips."""
        times = np.arange(self.rows_a_clip) * HOP
        held, number = np.zeros((0, 128), np.float32), 0
        for part in self.parts:
            held = np.concatenate([held, part])
            whole = len(held) // self.rows_a_clip * self.rows_a_clip
            for rows in held[:whole].reshape(-1, self.rows_a_clip, 128):
                yield ClipRows(f"sounds/{number:09d}.wav", times, times + HOP, rows)
                number += 1
            held = held[whole:]

    @property
    def queries(self) -> np.ndarray:
        """Rows like those of the archive, and not in it."""
        return self.drawn(QUERIES, [1])

    def nearest(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The numbers and the cosines of the nearest rows of each query, (q, TOP), by NumPy."""
        unit = queries.astype(np.float64)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        cosines, numbers = np.full((len(unit), TOP), -2.0), np.zeros((len(unit), TOP), int)
        first = 0
        for part in self.parts:
            rows = part.astype(np.float64)
            found = unit @ (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T
            found = np.concatenate([cosines, found], axis=1)
            places = first + np.arange(len(rows))
            every = np.concatenate([numbers, np.tile(places, (len(unit), 1))], axis=1)
            best = np.argsort(-found, axis=1, kind="stable")[:, :TOP]
            cosines, numbers = (np.take_along_axis(each, best, axis=1) for each in (found, every))
            first += len(rows)
        return numbers, cosines

    def number_of(self, hit: search.Hit) -> int:
        """The number of the row of a hit."""
        return int(hit.path[7:16]) * self.rows_a_clip + round(hit.start / HOP)


Check = Callable[[], str]


def make(rows: Rows, folder: Path) -> Check | None:
    for _ in rows.clips:
        pass
    return None


def write(rows: Rows, folder: Path) -> Check | None:
    formats.write(folder / "rows", Archive(rows.clips, {}))
    return None


def read(rows: Rows, folder: Path) -> Check | None:
    count = sum(len(clip.start) for clip in formats.read(folder / "rows").clips)
    assert count == rows.count
    return None


def scan(rows: Rows, folder: Path) -> Check | None:
    query = rows.queries[:1]
    hits = search.nearest(folder / "rows", query, top=TOP)

    def check() -> str:
        (numbers,), (cosines,) = rows.nearest(query)
        assert [rows.number_of(hit) for hit in hits] == numbers.tolist()
        off = max(abs(hit.cosine - cosine) for hit, cosine in zip(hits, cosines, strict=True))
        return f"NumPy's hits, cosines within {off:.0e}"

    return check


def scan_long(rows: Rows, folder: Path) -> Check | None:
    search.nearest(folder / "rows", rows.queries, top=TOP)
    return None


def build(rows: Rows, folder: Path) -> Check | None:
    for file in (folder / "rows").glob("*.parquet"):
        file.touch()  # so that it is built again
    index = search.open_index(folder / "rows")
    return lambda: f"{megabytes_of(folder / 'rows' / '_index')} MB on disk; {index}"


def search_index(rows: Rows, folder: Path) -> Check | None:
    index, queries = search.open_index(folder / "rows"), rows.queries
    start, found = time.perf_counter(), list[list[search.Hit]]()
    for query in queries:
        found.append(search.nearest(folder / "rows", query, top=TOP, index=index))
    each = (time.perf_counter() - start) / len(queries)

    def check() -> str:
        numbers, _ = rows.nearest(queries)
        right = sum(
            rows.number_of(hit) in expected
            for hits, expected in zip(found, numbers, strict=True)
            for hit in hits
        )
        return f"{1e3 * each:.1f} ms a query; recall@{TOP} {right / numbers.size:.3f} of NumPy's"

    return check


STEPS = {
    "make the rows": make,
    "make and write them": write,
    "read": read,
    "search, 1 example": scan,
    f"search, {QUERIES} examples": scan_long,
    "build the index": build,
    f"{QUERIES} searches by index": search_index,
}


def megabytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*")) >> 20


def most_memory() -> int:
    """Megabytes of this process at its largest until now."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) >> 10 if found else 0


def measured(step: str, rows: Rows, folder: Path) -> dict:
    """One round, in this process."""
    elapsed, processor = time.perf_counter(), time.process_time()
    check = STEPS[step](rows, folder)
    elapsed, processor = time.perf_counter() - elapsed, time.process_time() - processor
    kept = {"elapsed": elapsed, "processor": processor, "memory": most_memory()}
    return {**kept, "said": check() if check else ""}


def line(step: str, rounds: list[dict]) -> str:
    elapsed, processor = (
        statistics.median(each[name] for each in rounds) for name in ("elapsed", "processor")
    )
    most = max(each["memory"] for each in rounds)
    said = rounds[-1]["said"]
    return f"{step:24} {elapsed:8.2f} s  {processor:8.2f} s  {most:6} MB  {said}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rows-a-clip", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--statistics", type=Path, help="an .npz with `mu` and `cov`")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=[*STEPS], help="of the steps")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    rows = Rows(args.rows, args.rows_a_clip, args.statistics)
    if args.child:
        print(json.dumps(measured(args.child[0], rows, Path(args.child[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        for step in args.only:
            command = [sys.executable, *sys.argv, "--child", step, folder]
            outputs = [subprocess.check_output(command, text=True) for _ in range(args.rounds)]
            print(line(step, [json.loads(each.splitlines()[-1]) for each in outputs]), flush=True)


if __name__ == "__main__":
    main()
