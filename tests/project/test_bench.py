"""The benchmark runs and computes the right ratios; the README has its table. No timings."""

import json
import subprocess
import sys

import places
import pytest

ROOT = places.ROOT
sys.path.append(str(ROOT / "scripts"))

import bench  # noqa: E402
from benchmark import cases, goals, report, workers  # noqa: E402

COMMITTED = ROOT / "docs" / "bench.json"


def test_the_readme_shows_the_table_of_the_committed_run():
    table = report.table(json.loads(COMMITTED.read_text(encoding="utf-8")))
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_shows_every_goal_of_the_committed_run():
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert goals.text(json.loads(COMMITTED.read_text(encoding="utf-8"))) in page


def test_a_speedup_is_the_median_of_the_ratios_within_rounds():
    # 3, 2 and 4 times
    contenders = {"ours": {"wall": [1.0, 10.0, 2.0]}, "other": {"wall": [3.0, 20.0, 8.0]}}
    assert report.speedup(contenders, "other") == 3.0


def test_a_row_s_operations_are_those_of_the_network():
    from vggish_tf.network import backbone

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
    with pytest.raises(SystemExit, match=r"keras.predict is 1.0e-03 off"):
        cases._compare("16 kHz", "keras_predict", rows["keras_predict"], rows)


class Here:
    """A Worker in this process."""

    def __init__(self, name, *args, **kwargs):
        self.name, self.contender = name, workers.CONTENDERS[name](*args, **kwargs)

    def call(self, method, *args):
        return workers.measure(getattr(self.contender, method), args)

    def close(self):
        self.contender = None


QUICK = ("--quick", "--contenders", "keras_predict")


def check_quick(folder, printed):
    results = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    assert {"ours", "ours_bfloat16", "keras_predict"} <= set(results["checks"])
    assert results["cases"]["clips16"]["contenders"]["ours"]["rows"] == 4 * 5
    assert (folder / "bench.png").stat().st_size > 10_000
    assert report.table(results) in printed


@pytest.mark.slow
def test_the_quick_bench_runs_its_jobs_and_prints_the_table(
    small_networks, small_checkpoint, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(workers, "Worker", Here)
    options = ("--weights", small_checkpoint, "-o", tmp_path)
    assert bench.main(list(map(str, (*QUICK, *options)))) == 0
    check_quick(tmp_path, capsys.readouterr().out)


@pytest.mark.slow
def test_it_runs_in_processes_of_their_own_too(seeded_checkpoint, tmp_path):
    command = [sys.executable, ROOT / "scripts" / "bench.py", *QUICK]
    ran = subprocess.run(
        [*command, "--weights", seeded_checkpoint, "-o", tmp_path], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    check_quick(tmp_path, ran.stdout)
