"""The files of onnxruntime-web: a few bytes in the place of 40 MB, or the real ones in node."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import places
import pytest

from vggish_tf.jobs.export.writers.web import runtime

CONTENTS = {name: name.encode()[-3:] for name in runtime.FILES}


def pretend(monkeypatch, *, there: bool = True):
    """Makes CONTENTS the known files; `there` says whether they are in the cache."""
    known = {
        name: runtime.File(len(content), hashlib.sha256(content).hexdigest())
        for name, content in CONTENTS.items()
    }
    monkeypatch.setattr(runtime, "FILES", known)
    if there:
        runtime.folder().mkdir(parents=True)
        for name, content in CONTENTS.items():
            (runtime.folder() / name).write_bytes(content)


def real(cache: Path) -> Path:
    """The folder of the real files, in the user's cache; npm fetches them once if it is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VGGISH_TF_CACHE", str(cache))
        cached = all((runtime.folder() / name).is_file() for name in runtime.FILES)
        if not cached and not shutil.which("npm"):
            pytest.skip(f"onnxruntime-web is not in {runtime.folder()}, and there is no npm")
        patch.setenv("VGGISH_TF_OFFLINE", "0")
        patch.setattr(runtime, "URL", "http://127.0.0.1:9/")  # by npm, or not at all
        try:
            return runtime.fetch()
        except runtime.VGGishError as error:
            pytest.skip(f"onnxruntime-web: {error}")


def run_in_node(files: Path, network: Path, examples: np.ndarray) -> tuple[np.ndarray, dict]:
    """The embeddings by onnxruntime-web's wasm on one thread, and what the script says of it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    examples.astype("<f4").tofile(source := network.with_name("examples.bin"))
    target = network.with_name("embeddings.bin")
    script = places.ROOT / "scripts" / "run_onnx.mjs"
    command = [node, script, files, network, source, target, *map(str, examples.shape)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr[-2000:]
    return np.fromfile(target, "<f4").reshape(len(examples), -1), json.loads(done.stdout)
