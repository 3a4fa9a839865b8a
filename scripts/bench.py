#!/usr/bin/env python
"""Benchmarks vggish_tf and the other ways to run VGGish on this machine; see scripts/benchmark/.

    # all cases: bench/bench.json and bench/bench.png
    python scripts/bench.py --weights vggish_model.ckpt -o bench
    # a quick check that the embeddings agree and the jobs run
    python scripts/bench.py --quick --contenders upstream
    # with so many cores each
    python scripts/bench.py --cases threads --threads 1 2 4 8 16
    # on a GPU, through JAX and PyTorch; needs neither TensorFlow nor a download
    python scripts/bench.py --cases gpu --batch-sizes 64 256 1024 --minutes 60
    # the tables of docs/performance.md, of as many machines as there are files
    python scripts/bench.py --table docs/bench-avx512.json docs/bench-avx2.json
    python scripts/bench.py --goals docs/bench-avx512.json docs/bench-avx2.json

Without --weights the weights are seeded: as large and as fast as the published ones.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # the contenders share a GPU
sys.path[:0] = [str(Path(__file__).resolve().parent)]


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    from benchmark import goals, report

    if args.table:
        print("\n\n".join(report.table(_read(path)) for path in args.table))
    if args.goals:
        print(goals.table(*map(_read, args.goals)))
    if not (args.table or args.goals):
        _run(args)
    return 0


def _run(args: argparse.Namespace):
    from benchmark import picture, suite

    import vggish_tf  # noqa: F401  before TensorFlow, so that it has oneDNN here as in Embedder

    args.output.mkdir(parents=True, exist_ok=True)
    target, drawn = args.output / "bench.json", args.output / "bench.png"
    results = suite.run(args, lambda results: _keep(results, target))
    picture.save(results, drawn)
    print("\n\n".join(_tables(results)))
    print(f"wrote {target} and {drawn}")


def _tables(results: dict):
    from benchmark import goals, layers, precision, report, scaling

    if results["cases"]:
        yield report.table(results)
    yield goals.table(results)
    tables = {
        "threads": scaling.threads_table,
        "gpu": scaling.gpu_table,
        "layers": layers.table,
        "precision": precision.table,
    }
    for name, table in tables.items():
        if name in results:
            yield table(results[name])


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _keep(results: dict, path: Path):
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    from benchmark.contenders import CONTENDERS
    from benchmark.suite import EVERY

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("-o", "--output", type=Path, default=Path("bench"), help="a folder (default: bench)")
    add("--weights", type=Path, help="a TF1 checkpoint (default: seeded weights)")
    add("--contenders", nargs="+", choices=CONTENDERS, metavar="NAME", help="only these, and ours")
    add(
        "--cases",
        nargs="+",
        choices=EVERY,
        metavar="NAME",
        help=f"only these of {', '.join(EVERY)}",
    )
    add("--rounds", type=int, default=5, help="each runs every contender once (default: 5)")
    add("--clips", type=int, default=100, help="in each round (default: 100)")
    add("--minutes", type=float, default=10, help="of the long file (default: 10)")
    add("--calls", type=int, default=100, help="of one clip (default: 100)")
    growth = "lengths of the clips that show growth (default: 1 10 60; 600 takes ten minutes)"
    add("--growth", type=int, nargs="+", default=[1, 10, 60], metavar="MINUTES", help=growth)
    threads = "of the case threads, as far as the machine has them (default: 1 2 4 8 16)"
    add("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 16], metavar="CORES", help=threads)
    batches = "examples a batch, in the case gpu (default: 64)"
    add("--batch-sizes", type=int, nargs="+", default=[64], metavar="EXAMPLES", help=batches)
    add("--quick", action="store_true", help="one round of small jobs, in a minute or two")
    tables = "only print the tables of files that were written before"
    add("--table", type=Path, nargs="+", metavar="JSON", help=tables)
    add("--goals", type=Path, nargs="+", metavar="JSON", help="the same with the goals")
    return parser


if __name__ == "__main__":
    sys.exit(main())
