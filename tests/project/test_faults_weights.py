"""scripts/faults_weights.py: a small run, and each fault that it would find."""

import faults_weights
import pytest
import small_network

pytestmark = pytest.mark.usefixtures("small_networks")
FORMATS = ["TF1 V2", "safetensors, without", "safetensors, with digest"]


@pytest.mark.thorough
def test_damaged_files_are_refused_or_told_from_whole_ones(tmp_path):
    rows = list(faults_weights.damage(tmp_path, 4, FORMATS))
    outcomes = {format: {each for one, _, each in rows if one == format} for format in FORMATS}
    assert outcomes["TF1 V2"] == {faults_weights.REFUSED}
    assert outcomes["safetensors, with digest"] == {faults_weights.REFUSED}
    assert outcomes["safetensors, without"] == {faults_weights.REFUSED, faults_weights.OTHER}
    assert faults_weights.table(rows).splitlines()[2] == "| TF1 V2 | cut short | 4 | 0 | 0 | 0 |"


@pytest.mark.thorough
@pytest.mark.parametrize("fault", ["another error", "weights changed", "two lines", "bad weights"])
def test_each_fault_would_be_found(fault, tmp_path, monkeypatch):
    expected = small_network.randomize(small_network.vggish())
    path = small_network.write("V1", tmp_path, expected)
    assert faults_weights.outcome_of(path, expected, "TF1 V1") == faults_weights.RIGHT

    def load(model, path):
        if fault in ("weights changed", "bad weights"):
            small_network.randomize(model, seed=5)
        if fault == "another error":
            raise RuntimeError
        if fault != "bad weights":
            raise faults_weights.VGGishError("one\ntwo" if fault == "two lines" else "one")
        return faults_weights.loading.identify(model)

    monkeypatch.setattr(faults_weights.checkpoints, "load_weights", load)
    assert faults_weights.outcome_of(path, expected, "TF1 V1") == faults_weights.FAULT
