#!/usr/bin/env python
"""Damaged sound files of every format, and runs of `vggish-tf embed` that are killed.

    python scripts/faults.py mutate --files 10000
    python scripts/faults.py kill --kills 50

`mutate` embeds mutated files. Each must give finite rows or an AudioError of one line, within 10 s
and 1 GB; files that do not are kept in the folder --keep. `kill` embeds a folder of clips, kills
the run at random moments and starts it again with the same command: the shards and the failures
must be those of a run without kills, byte for byte.

The weights are untrained. Linux only. The exit status is 1 after a fault.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from faulty import kills, mutations, watched  # noqa: E402

WORKER = (sys.executable, __file__, "worker")
EMBED = (sys.executable, "-m", "vggish_tf", "embed")
Row = tuple[str, watched.Result]


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    if args.action == "worker":
        watched.serve_embedder()
        return 0
    if args.action == "mutate":
        results = mutate(range(args.first, args.first + args.files), args.seed, args.keep)
        print(table(results))
        return any(result.is_fault for _, result in results)
    report = kills.run(EMBED, args.kills, args.clips, args.seed)
    print(report)
    return bool(report.faults)


def mutate(numbers: Sequence[int], seed: int, keep: Path, worker: Sequence = WORKER) -> list[Row]:
    """The format and the result of each mutated file, by its number."""
    whole, rows = mutations.sources(), []
    with tempfile.TemporaryDirectory() as folder, watched.Watched(worker) as process:
        path = Path(folder, "mutated")
        for number in tqdm(numbers, unit="file", disable=None):
            name, data = mutations.mutated(whole, seed, number)
            path.write_bytes(data)
            rows.append((name, process.embed(path)))
            if rows[-1][1].is_fault:
                _keep(keep, f"{seed}-{number}", data, rows[-1])
    return rows


def _keep(folder: Path, name: str, data: bytes, row: Row):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    tqdm.write(f"{folder / name}: {row[0]}: {row[1].answer}", file=sys.stderr)


def table(rows: Sequence[Row]) -> str:
    """The results by format, in Markdown."""
    titles = ("format", "files", "embedded", "refused", "slowest", "most memory")
    lines = [f"| {' | '.join(titles)} |", "|---|" + "--:|" * 5]
    for name in mutations.FORMATS:
        if own := [result for format, result in rows if format == name]:
            lines.append(_line(name, own))
    lines.append(_line("**all**", [result for _, result in rows]))
    faults = sum(result.is_fault for _, result in rows)
    return "\n".join([*lines, "", f"{faults} faults in {len(rows):,} files"])


def _line(name: str, results: Sequence[watched.Result]) -> str:
    answers = [result.answer for result in results]
    counts = [len(results), *map(answers.count, (watched.EMBEDDED, watched.REFUSED))]
    slowest, most = (max(column) for column in list(zip(*results, strict=True))[1:])
    cells = [name, *(f"{count:,}" for count in counts), f"{slowest:.1f} s", f"{most / 1e6:.0f} MB"]
    return f"| {' | '.join(cells)} |"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="{mutate,kill}")
    files = actions.add_parser("mutate", help="embed mutated files of every format")
    files.add_argument("--files", type=int, default=10_000, help="default: 10000")
    files.add_argument("--first", type=int, default=0, help="number of the first (default: 0)")
    files.add_argument("--keep", type=Path, default=Path("faults"), help="default: faults")
    runs = actions.add_parser("kill", help="kill runs, and start them again")
    runs.add_argument("--kills", type=int, default=50, help="default: 50")
    runs.add_argument("--clips", type=int, default=400, help="in the folder (default: 400)")
    for action in (files, runs):
        action.add_argument("--seed", type=int, default=0, help="of all that is random")
    actions.add_parser("worker")
    return parser


if __name__ == "__main__":
    sys.exit(main())
