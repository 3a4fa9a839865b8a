"""Other packages, run side by side on the same embeddings by scripts/bench_fad.py."""

import importlib.util
import os
import subprocess
import sys

import places
import pytest

PACKAGES = ("fadtk", "kadtk", "frechet_audio_distance", "torcheval", "torchaudio")


@pytest.mark.slow
def test_they_agree_to_their_own_rounding():
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)}: see scripts/bench_fad.py")
    ran = subprocess.run(
        [sys.executable, places.ROOT / "scripts" / "bench_fad.py", "--files", "60"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr[-2000:]
    assert len([line for line in ran.stdout.splitlines() if " s  " in line]) == 10
