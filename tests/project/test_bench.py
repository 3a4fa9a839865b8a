"""The benchmark computes the right ratios; docs/performance.md has its tables. No timings."""

import inspect
import json
import os
import statistics
import subprocess
import sys

import bench
import places
import pytest
from benchmark import cases, goals, programs, report, suite, workers
from benchmark.contenders import CONTENDERS, ON_A_GPU

from vggish_tf import Embedder
from vggish_tf.network import backbone

ROOT = places.ROOT
COMMITTED = [ROOT / "docs" / f"bench-{kind}.json" for kind in ("avx512", "avx2")]


def committed():
    return [json.loads(path.read_text(encoding="utf-8")) for path in COMMITTED]


def test_the_page_shows_every_run_and_every_goal():
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert goals.table(*committed()) in page
    for run in committed():
        assert report.table(run) in page


def test_the_readme_has_two_of_the_figures():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    run = json.loads(COMMITTED[1].read_text(encoding="utf-8"))
    file, call = run["cases"]["file"], run["latency"]["five-second clip"]
    rate = file["audio_seconds"] / statistics.median(file["contenders"]["ours"]["wall"])
    milliseconds = 1e3 * statistics.median(call["ours"]["wall"])
    against = [report.speedup(each, "upstream") for each in (file["contenders"], call)]
    assert f"{rate:.0f}× real time, {against[0]:.1f}× as fast as upstream" in readme
    assert f"{milliseconds:.0f} ms, {against[1]:.1f}× as fast as upstream" in readme


def run_on(*instructions):
    """Results in which bfloat16 takes as long as OpenVINO, and a tenth of upstream's time."""
    walls = {"ours": 2.0, "ours_bfloat16": 1.0, "openvino_bfloat16": 1.0, "upstream": 10.0}
    contenders = {name: {"wall": [wall]} for name, wall in walls.items()}
    about = {"processor": "Z80", "cores": 2, "instructions": instructions, "date": "2026-01-31"}
    return {"machine": about, "cases": {"file": {"contenders": contenders}}}


@pytest.mark.parametrize(
    ("instructions", "openvino", "upstream"),
    [
        (["avx512_bf16"], "1.00× (≥ 1×)", "10.00× (≥ 5×)"),
        (
            ["avx512_bf16", "amx_bf16"],
            "1.00× (> 1×), **missed**",
            "10.00× (≥ 12×), **missed**",
        ),
    ],
)
def test_the_goals_in_bfloat16_are_those_of_the_processor(instructions, openvino, upstream):
    lines = goals.table(run_on(*instructions)).splitlines()
    file = "| long 44.1 kHz stereo file, against"
    assert lines[2:] == [
        f"{file} upstream | float32 | 5.00× (≥ 5×) |",
        f"{file} OpenVINO | bfloat16 | {openvino} |",
        f"{file} upstream | bfloat16 | {upstream} |",
    ]


def test_machines_stand_side_by_side_and_one_without_bfloat16_has_no_goals_in_it():
    table = goals.table(run_on("avx2"), run_on("avx512_bf16"))
    assert "| 2 cores of an Z80 (avx2), 2026-01-31 | 2 cores of" in table
    assert "| long 44.1 kHz stereo file, against OpenVINO | bfloat16 |  | 1.00× (≥ 1×) |" in table
    assert table.count("No goals for bfloat16 on 2 cores of an Z80 (avx2)") == 1
    assert "No goals for bfloat16 on 2 cores of an Z80 (avx512_bf16)" not in table


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone pins processes")
def test_a_contender_s_process_starts_with_its_cores_and_its_environment():
    asked = "import os; print(len(os.sched_getaffinity(0)), os.environ['KERAS_BACKEND'])"
    before = os.sched_getaffinity(0), dict(os.environ)
    with workers._pinned(1), workers._inherited({"KERAS_BACKEND": "jax"}):
        said = subprocess.check_output([sys.executable, "-c", asked], text=True)
    assert said.split() == ["1", "jax"]
    assert (os.sched_getaffinity(0), dict(os.environ)) == before


def test_the_peak_memory_of_a_command_is_not_that_of_its_parent():
    large = bytearray(600 * 2**20)  # zeros that calloc gives are not in memory until written
    large[:: 2**12] = b"1" * len(large[:: 2**12])
    peak = float(programs._python(["-c", programs.PEAK, "-c", "bytearray(b'1') * (200 * 2**20)"]))
    assert 200 < peak < 300


def test_a_speedup_is_the_median_of_the_ratios_within_rounds():
    # 3, 2 and 4 times
    contenders = {"ours": {"wall": [1.0, 10.0, 2.0]}, "other": {"wall": [3.0, 20.0, 8.0]}}
    assert report.speedup(contenders, "other") == 3.0


def test_a_row_s_operations_are_those_of_the_network():
    network, operations = backbone.network(initializer="zeros"), 0
    for layer in network.layers:
        if layer.name in backbone.LAYER_NAMES:
            positions = (
                layer.output.shape[1] * layer.output.shape[2]
                if layer.name.startswith("conv")
                else 1
            )
            operations += 2 * positions * layer.kernel.shape.num_elements()
    assert operations / 1e9 == pytest.approx(report.GFLOP_A_ROW, abs=1e-4)


def test_a_contender_that_computes_something_else_stops_the_run():
    import numpy as np

    rows = {"ours": np.ones((2, 128)), "keras_predict": np.ones((2, 128))}
    rows["keras_predict"][1, 5] += 1e-3
    with pytest.raises(SystemExit, match=r"Keras, model.predict is 1.0e-03 off"):
        cases._compare("16 kHz", "keras_predict", rows["keras_predict"], rows)


class Here:
    """A Worker in this process."""

    def __init__(self, name, *args, **kwargs):
        self.name, self.contender = name, workers.CONTENDERS[name](*args, **kwargs)

    def call(self, method, *args):
        return workers.measure(getattr(self.contender, method), args)

    def close(self):
        self.contender = None


def small_contenders() -> list[str]:
    """Those that can run here on a small network; torchvggish has its own."""
    names = set(workers.CONTENDERS) - {"torchvggish", *ON_A_GPU}
    if "engine" not in inspect.signature(Embedder).parameters:
        names = {
            name
            for name in names
            if "engine" not in getattr(workers.CONTENDERS[name], "options", {})
        }
    return sorted(name for name in names if not workers.missing(name))


def options(weights, output, cases, contenders):
    given = ["--quick", "--weights", weights, "-o", output]
    return list(map(str, [*given, "--cases", *cases, "--contenders", *contenders]))


def kept(folder) -> dict:
    return json.loads((folder / "bench.json").read_text(encoding="utf-8"))


@pytest.fixture
def here(small_networks, monkeypatch):
    """Contenders in this process, on a small network."""
    monkeypatch.setattr(workers, "Worker", Here)
    for contender in CONTENDERS.values():
        if 0.998 < contender.cosine < 1:  # of bfloat16 in sums of a few filters it is 0.999
            monkeypatch.setattr(contender, "cosine", 0.998)


@pytest.mark.slow
def test_every_contender_does_every_job(here, small_checkpoint, tmp_path, capsys):
    names = small_contenders()
    assert bench.main(options(small_checkpoint, tmp_path, suite.TOGETHER, names)) == 0
    results = kept(tmp_path)
    assert set(results["checks"]) == {*names, *suite.OURS}
    assert set(results["cases"]) == set(suite.JOBS)
    assert set(suite.TOGETHER) - set(suite.JOBS) < set(results)
    for name in names:  # four clips of five rows
        assert results["cases"]["clips16"]["contenders"][name]["rows"] == 4 * 5
        assert len(results["latency"]["one-second clip"][name]["wall"]) == 5
    assert (tmp_path / "bench.png").stat().st_size > 10_000
    assert report.table(results) in capsys.readouterr().out


CORES = [
    count for count in ("1", "2", "4", "8", "16") if int(count) <= len(os.sched_getaffinity(0))
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "keys"),
    [
        ("hops", ["0.48", "0.16"]),
        ("threads", CORES),
        ("layers", [*[name for name, _ in backbone.CONVOLUTIONS], "fc1_1", "fc1_2", "embedding"]),
        ("exports", ["SavedModel", "ONNX"]),
        ("gpu", ["peak_gflops", "batches"]),
    ],
)
def test_every_other_case_runs_on_a_small_network(case, keys, here, small_checkpoint, tmp_path):
    assert bench.main(options(small_checkpoint, tmp_path, [case], ["keras_predict"])) == 0
    assert list(kept(tmp_path)[case]) == keys


@pytest.mark.slow
def test_every_case_runs_in_processes_of_its_own(seeded_checkpoint, tmp_path):
    cases = [name for name in suite.EVERY if name != "exports"]  # for which Keras takes 16 GB
    command = [sys.executable, ROOT / "scripts" / "bench.py"]
    ran = subprocess.run(
        [*command, *options(seeded_checkpoint, tmp_path, cases, ["keras_predict", "ours_torch"])],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    results = kept(tmp_path)
    assert {*cases} <= {*results, *results["cases"]}
    assert list(results["threads"]) == CORES
    assert report.table(results) in ran.stdout
