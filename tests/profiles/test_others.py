"""Programs themselves, run side by side with the same weights by scripts/bench_profiles.py."""

import importlib.util
import os
import subprocess
import sys

import places
import pytest

PACKAGES = (
    *("audiocraft", "audioldm_eval", "fadtk", "frechet_audio_distance", "hearbaseline", "julius"),
    *("kadtk", "mteb", "numba", "resampy", "torch_vggish_yamnet", "torchaudio"),
)


@pytest.mark.slow
def test_they_agree_to_their_own_rounding(seeded_checkpoint, pca_params):
    """VGGISH_TF_SOURCES is the folder with the clones that the script names."""
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    sources = os.environ.get("VGGISH_TF_SOURCES")
    if absent or not sources:
        pytest.skip(f"{', '.join(absent) or 'the clones'}: see scripts/bench_profiles.py")
    script = places.ROOT / "scripts" / "bench_profiles.py"
    files = ["--weights", seeded_checkpoint, "--pca", pca_params, "--sources", sources]
    ran = subprocess.run(
        [sys.executable, script, *files],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr[-2000:]
    lines = [line.split() for line in ran.stdout.splitlines() if " rows " in line]
    assert len(lines) == 43, ran.stdout
    assert len({line[0] for line in lines}) == 12
