"""Whole programs, timed from the shell: start-up, and growth with the length of a clip."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmark import sound, workers

IMPORT = "import tensorflow as tf; tf.config.list_physical_devices()"
COMMAND = "import sys; from vggish_tf.cli import main; sys.exit(main())"
# Peak memory of a command in MB. In between is a small process: a command counts the memory that
# its parent has when it is started.
PEAK = """
import resource, subprocess, sys
subprocess.run([sys.executable, *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""
# Peak memory after the embedder is ready and warm; the loop calls embed_file and keeps no rows.
GROWTH = """
import json, sys, time
from benchmark import workers
from benchmark.contenders import CONTENDERS
from pathlib import Path
name, checkpoint, exports, *paths = sys.argv[1:]
contender = CONTENDERS[name](Path(checkpoint), Path(exports))
for path in paths:
    rows, cost = workers.measure(contender.embed_file, (path,))
    print(json.dumps([len(rows), *cost]), flush=True)
"""


def start_up(checkpoint: Path, times: int) -> dict[str, list[float]]:
    """Wall seconds of `vggish-tf --help`, TensorFlow's import, and `embed` of one second in both
    precisions; and of these two the peak memory, "… MB".
    """
    with tempfile.TemporaryDirectory() as folder:
        clip, target = sound.write(Path(folder, "clip.wav"), 1.0, 16_000), Path(folder, "clip.npz")
        embed = ["-c", COMMAND, "embed", str(clip), "-o", str(target), "--weights", str(checkpoint)]
        commands = {
            "help": ["-c", COMMAND, "--help"],
            "import tensorflow": ["-c", IMPORT],
            "embed": embed,
            "embed_bfloat16": [*embed, "--precision", "bfloat16"],
        }
        results: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(times):
            for name, command in commands.items():
                start = time.perf_counter()
                _python(command)
                results[name].append(time.perf_counter() - start)
        for name in ("embed", "embed_bfloat16"):
            results[f"{name} MB"] = [float(_python(["-c", PEAK, *commands[name]]))]
    return results


def growth(
    name: str, checkpoint: Path, exports: Path, minutes: list[int]
) -> dict[str, dict[str, float]]:
    """Length in minutes → times, rows and peak memory, for 16 kHz files in one process.

    The files are run from the shortest to the longest and back, so that a machine that slows down
    meanwhile affects all alike. A short file is run before, to warm up.
    """
    with tempfile.TemporaryDirectory() as folder:
        lengths = [minutes[0], *minutes, *minutes[-2::-1]]
        paths = {
            length: sound.write_long(Path(folder, f"{length}.wav"), length, 16_000)
            for length in minutes
        }
        arguments = [
            name,
            str(checkpoint),
            str(exports),
            *(str(paths[length]) for length in lengths),
        ]
        lines = _python(["-c", GROWTH, *arguments]).splitlines()
    runs: dict[int, list[workers.Cost]] = {length: [] for length in minutes}
    rows = {}
    for length, line in list(zip(lengths, lines, strict=True))[1:]:
        rows[length], *cost = json.loads(line)
        runs[length].append(workers.Cost(*cost))
    summaries = {length: _summary(costs) for length, costs in runs.items()}
    return {str(length): {"rows": rows[length], **each} for length, each in summaries.items()}


def _summary(costs: list[workers.Cost]) -> dict[str, float]:
    """Mean times, and the peak memory of the first run.

    The second run follows the longest clip, whose memory may not have been freed.
    """
    wall, cpu = (
        statistics.mean(getattr(cost, field) for cost in costs) for field in ("wall", "cpu")
    )
    return {"wall": wall, "cpu": cpu, "peak_mb": costs[0].peak_mb}


def beyond_import(results: dict[str, list[float]], name: str = "embed") -> float:
    """Median seconds of a command beyond the import of TensorFlow in the same round."""
    pairs = zip(results[name], results["import tensorflow"], strict=True)
    return statistics.median(embed - imported for embed, imported in pairs)


def _python(arguments: list[str]) -> str:
    folders = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, folders))
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment
    )
    if result.returncode:
        raise SystemExit(f"bench: {arguments[2:]} failed:\n{result.stderr[-2000:]}")
    return result.stdout
