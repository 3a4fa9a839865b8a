"""The import order of the rooms: each file imports only from rows above it. The last tests prove that it can fail."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import vggish_tf

PACKAGE = Path(vggish_tf.__file__).parent
ROWS = [
    "importing",
    "errors",
    "params",
    "files",
    "archives",
    "digests",
    "download",
    "registry",
    "keras_files",
    "audio",
    "framing",
    "resampling",
    "frontend",
    "backbone",
    "winograd",
    "postprocess",
    "heads",
    "weight_files",
    "smoke_test",
    "checkpoints",
    "model",
    "runtime",
    "network",
    "streaming",
    "rows",
    "embedding",
    "formats",
    "jobs",
    "cli_finetune",
    "cli_options",
    "cli_process",
    "cli",
    "__main__",
]
MAY_IMPORT_TENSORFLOW = ("weight_files", "checkpoints", "runtime", "formats", "jobs", "cli", "reference")
MAY_IMPORT_REFERENCE = ("smoke_test", "jobs")  # verify, and export's named-tensor graph


def imports_of(source: str) -> set[str]:
    """The modules a source imports, in full: vggish_tf.registry for `from vggish_tf import registry`."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names if node.module.startswith("vggish_tf") else {node.module}
    return found


def row_of(module: str) -> str:
    return module.split(".")[1] if module.count(".") else ""


def faults(row: str, source: str) -> list[str]:
    """What the source of a file in `row` imports and must not."""
    imported = imports_of(source)
    ours = {row_of(module) for module in imported if module.startswith("vggish_tf.")} & {*ROWS, "reference"}
    allowed = set(ROWS[: ROWS.index(row)]) if row in ROWS else {"params", "errors", "audio"}
    allowed.add(row)
    if row in MAY_IMPORT_REFERENCE:
        allowed.add("reference")
    bad = sorted(ours - allowed)
    if row not in MAY_IMPORT_TENSORFLOW:
        bad += sorted(module for module in imported if module.split(".")[0] == "tensorflow")
    return bad


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_file_imports_only_from_rows_above(path):
    row = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if row != "__init__":
        assert faults(row, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("row", "source", "fault"),
    [
        ("params", "from vggish_tf.model import VGGish", "model"),
        ("frontend", "from vggish_tf import checkpoints", "checkpoints"),
        ("frontend", "import tensorflow as tf", "tensorflow"),
        ("model", "def f():\n    from tensorflow.io import gfile", "tensorflow.io"),
        ("embedding", "from vggish_tf.reference import mel_features", "reference"),
        ("reference", "from vggish_tf.frontend import mel_matrix", "frontend"),
        ("audio", "import vggish_tf.jobs.bulk", "jobs"),
    ],
)
def test_the_test_above_can_fail(row, source, fault):
    assert faults(row, source) == [fault]


def test_sound_libraries_have_one_room():
    users = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if {"soundfile", "soxr"} & imports_of(path.read_text(encoding="utf-8"))
    }
    assert users == {"mono.py", "sound_file.py"}


def test_every_file_has_a_row():
    rooms = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__init__", "__pycache__", "data", "py"} == {*ROWS, "reference"}


def test_files_stay_short():
    long = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, vggish_tf; print(sorted({'tensorflow', 'keras', 'numpy', 'soundfile'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_every_public_name_is_there_and_documented():
    for name in vggish_tf.__all__:
        assert getattr(vggish_tf, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'vggish'"):
        _ = vggish_tf.vggish


def test_what_editors_see_is_what_is_there():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    for name, module in vggish_tf._HOME.items():
        assert seen.pop(name) == f"vggish_tf.{module}"
    assert set(seen) == set(vggish_tf._MODULES)
