#!/usr/bin/env python
"""Benchmarks vggish_tf and the other ways to run VGGish on this machine; see scripts/benchmark/.

    # all cases: bench/bench.json and bench/bench.png
    python scripts/bench.py --weights vggish_model.ckpt -o bench
    # a quick check that the embeddings agree and the jobs run
    python scripts/bench.py --quick --contenders upstream
    # the README's table of a bench.json
    python scripts/bench.py --table docs/bench.json

Without --weights the weights are seeded: as large and as fast as the published ones.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path[:0] = [str(Path(__file__).resolve().parent)]


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    from benchmark import goals, report

    if args.table:
        print(report.table(json.loads(args.table.read_text(encoding="utf-8"))))
        return 0
    from benchmark import layers, picture, precision, suite

    args.output.mkdir(parents=True, exist_ok=True)
    results = suite.run(args, lambda results: _keep(results, args.output / "bench.json"))
    _keep(results, args.output / "bench.json")
    picture.save(results, args.output / "bench.png")
    print(report.table(results))
    print(goals.text(results))
    if "layers" in results:
        print(layers.table(results["layers"]))
    if "precision" in results:
        print(precision.table(results["precision"]))
    print(f"wrote {args.output / 'bench.json'} and {args.output / 'bench.png'}")
    return 0


def _keep(results: dict, path: Path):
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("bench"), help="a folder (default: bench)"
    )
    parser.add_argument("--weights", type=Path, help="a TF1 checkpoint (default: seeded weights)")
    parser.add_argument("--contenders", nargs="+", metavar="NAME", help="only these, and ours")
    parser.add_argument("--cases", nargs="+", metavar="NAME", help="only these")
    parser.add_argument(
        "--rounds", type=int, default=5, help="each runs every contender once (default: 5)"
    )
    parser.add_argument("--clips", type=int, default=100, help="in each round (default: 100)")
    parser.add_argument("--minutes", type=float, default=10, help="of the long file (default: 10)")
    growth = "lengths of the clips that show growth (default: 1 10 60; 600 takes ten minutes)"
    parser.add_argument(
        "--growth", type=int, nargs="+", default=[1, 10, 60], metavar="MINUTES", help=growth
    )
    parser.add_argument(
        "--quick", action="store_true", help="one round of small jobs, in a minute or two"
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="JSON",
        help="only print the table of a bench.json",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
