"""Modules of the pages in node: arrays in, arrays out; tests are skipped where there is none."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from vggish_tf import web

FOLDERS = [Path(str(web.FOLDER)) / name for name in ("site", "shared")]
PROLOGUE = """
import fs from "node:fs";
const given = JSON.parse(fs.readFileSync("given.json"));
const array = (name) => new Float64Array(new Uint8Array(fs.readFileSync(name)).buffer);
const give = (name, numbers) =>
  fs.writeFileSync(name, Buffer.from(Float64Array.from(numbers).buffer));
"""


def run(code: str, arrays: dict[str, np.ndarray], given: dict | None = None) -> dict:
    """The arrays that a script gives: `array(name)` reads one, `give(name, numbers)` hands one
    back, `given` is JSON; "SITE" in an import is the folder of the modules.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node is installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "site").mkdir()
        for module in (file for place in FOLDERS for file in place.glob("*.js")):
            shutil.copyfile(module, folder / "site" / module.name)
        (folder / "package.json").write_text('{"type": "module"}')
        (folder / "given.json").write_text(json.dumps(given or {}))
        for key, values in arrays.items():
            (folder / key).write_bytes(np.asarray(values, np.float64).tobytes())
        (folder / "script.mjs").write_text(PROLOGUE + code.replace("SITE", "./site"))
        before = set(folder.iterdir())
        done = subprocess.run([node, "script.mjs"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        made = set(folder.iterdir()) - before
        return {path.name: np.frombuffer(path.read_bytes(), np.float64) for path in made}
