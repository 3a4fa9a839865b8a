"""The rooms: each imports only from rooms above it, and no job imports another.

The first half is the rule; the second proves, hole by hole, that it can fail.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import places
import pytest
from rooms import FILES, PACKAGE, ROOMS, imports_of, module_of

import vggish_tf
from vggish_tf import cli, jobs

REFERENCE_IMPORTS = ["errors", "params", "audio"]  # the oracle stands by itself
MAY_IMPORT_REFERENCE = ("jobs.verify", "jobs.export")
MAY_IMPORT_TENSORFLOW = (
    *("importing", "backend", "weights", "formats", "jobs", "integrations", "cli", "reference"),
)
NAMES_OF_BEFORE = ("bulk", "report")  # of the first release: no jobs, but other names of them
JOBS = {path.stem for path in (PACKAGE / "jobs").iterdir()} - {
    "__init__",
    "__pycache__",
    *NAMES_OF_BEFORE,
}


def faults(module: str, source: str) -> list[str]:
    """Imports in the source of a module that must not be there.

    `module` is its name; that of a package ends in `.__init__`.
    """
    imported = imports_of(module, source)
    ours = {name.removeprefix("vggish_tf.") for name in imported if name.startswith("vggish_tf.")}
    bad = [name for name in ours if not _may_import(module.removeprefix("vggish_tf."), name)]
    if not _is_in(module.removeprefix("vggish_tf."), MAY_IMPORT_TENSORFLOW):
        bad += [name for name in imported if name.split(".")[0] == "tensorflow"]
    return sorted(bad)


def _may_import(module: str, name: str) -> bool:
    room, other = module.split(".")[0], name.split(".")[0]
    if other == "*":
        return False  # all of the front door's names
    if other not in ROOMS and other != "reference":
        return True  # the front door's own: __version__
    if other == "reference":
        return room == "reference" or _is_in(module, MAY_IMPORT_REFERENCE)
    if room == "reference":
        return other in REFERENCE_IMPORTS
    if room == other:
        return room != "jobs" or _same_job(module, name)
    return ROOMS.index(other) < ROOMS.index(room)


def _same_job(module: str, name: str) -> bool:
    job, other = module.split(".")[1], [*name.split("."), ""][1]
    return other not in {*JOBS, *NAMES_OF_BEFORE} or job in (other, *NAMES_OF_BEFORE)


def _is_in(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_each_file_imports_only_from_rooms_above(path):
    assert faults(module_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("params", "from vggish_tf.model import VGGish", "model.VGGish"),
        ("params", "from vggish_tf import Embedder", "embedding.Embedder"),
        ("params", "import vggish_tf\nmodel = vggish_tf.VGGish()", "model.VGGish"),
        ("params", "def f():\n    import vggish_tf.embedding", "embedding"),
        ("params", "def f():\n    from vggish_tf import Embedder", "embedding.Embedder"),
        ("params", "from . import model", "model"),
        ("params", "from .model import VGGish", "model.VGGish"),
        ("frontend.layers", "from .. import model", "model"),
        ("frontend.layers", "from ..model import VGGish", "model.VGGish"),
        ("frontend.__init__", "from ..model import VGGish", "model.VGGish"),
        ("params", "import importlib\nimportlib.import_module('vggish_tf.model')", "model"),
        ("frontend.layers", "from vggish_tf import checkpoints", "checkpoints"),
        ("frontend.layers", "import tensorflow as tf", "tensorflow"),
        ("model", "def f():\n    from tensorflow.io import gfile", "tensorflow.io.gfile"),
        ("embedding", "from vggish_tf.reference import mel_features", "reference.mel_features"),
        ("jobs.embed", "from vggish_tf import reference", "reference"),
        (
            "reference.vggish_input",
            "from vggish_tf.frontend.transforms import mel_matrix",
            "frontend.transforms.mel_matrix",
        ),
        ("audio.mono", "import vggish_tf.jobs.embed", "jobs.embed"),
        ("jobs.classify", "from vggish_tf.jobs import finetune", "jobs.finetune"),
        ("jobs.classify", "from vggish_tf.jobs.finetune import train", "jobs.finetune.train"),
        (
            "jobs.export.pipeline",
            "def f():\n    import vggish_tf.jobs.finetune.data",
            "jobs.finetune.data",
        ),
        ("jobs.export.pipeline", "from ...jobs import finetune", "jobs.finetune"),
        ("jobs.export.pipeline", "import vggish_tf\nvggish_tf.checkpoints", "checkpoints"),
        ("params", "import vggish_tf as v\nv.VGGish", "model.VGGish"),
        ("params", "from vggish_tf import *", "*"),
        ("params", "import importlib\nimportlib.import_module('.model', 'vggish_tf')", "model"),
        ("jobs.classify", "from vggish_tf import jobs\njobs.finetune", "jobs.finetune"),
        ("jobs.classify", "import vggish_tf\nvggish_tf.jobs.finetune", "jobs.finetune"),
        ("jobs.classify", "from vggish_tf.jobs import bulk", "jobs.bulk"),
    ],
)
def test_the_test_above_can_fail(module, source, fault):
    assert faults(f"vggish_tf.{module}", source) == [fault]


def test_sound_libraries_have_one_room():
    users = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if {"soundfile", "soxr"} & imports_of(module_of(path), path.read_text(encoding="utf-8"))
    }
    assert users == {"players.py", "resamplers.py", "sound_file.py", "streams.py"}  # of audio


def rooms_in(folder: Path) -> set[str]:
    names = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    return names - {"__init__", "__pycache__", "data", "py"}


def test_every_file_has_a_room():
    assert rooms_in(PACKAGE) == {*ROOMS, "reference"}


# Folders of tests/ beside those named like a room: which rooms they stand for.
TESTED_TOGETHER = {
    "ground": {
        *("importing", "errors", "progress", "notebooks", "params", "files", "memory"),
        *("archives", "tables", "backend"),
    },
    "embedding": {"rows", "inference", "stream"},
    "frontend": {"stages"},
    "weights": {"checkpoints"},
    "cli": {"__main__"},
    "docs": set(),
    "project": set(),
}


def untested(rooms: set[str], folders: set[str]) -> tuple[set[str], set[str]]:
    """Rooms without a folder in tests/, and folders there without a room."""
    together = set().union(*(TESTED_TOGETHER.get(folder, set()) for folder in folders))
    return rooms - folders - together, folders - rooms - TESTED_TOGETHER.keys()


def test_every_room_has_a_folder_of_tests():
    folders = {path.name for path in places.TESTS.iterdir() if any(path.rglob("test_*.py"))}
    assert untested(rooms_in(PACKAGE), folders) == (set(), set())


def test_a_room_without_a_folder_of_tests_fails_the_test_above():
    assert untested({"audio", "files", "new"}, {"audio", "ground", "odd"}) == ({"new"}, {"odd"})
    assert untested({"audio", "files"}, {"audio"}) == ({"files"}, set())


def test_every_job_is_reached_by_attribute():
    assert {*jobs.__all__} == JOBS


def commands_without_a_page(commands: set[str], pages: list[str]) -> set[str]:
    """Commands that no page shows: `vggish-tf NAME`."""
    return commands - {*re.findall(r"vggish-tf ([a-z-]+)", "\n".join(pages))}


def test_every_command_is_on_a_page():
    commands = {each.__name__.rpartition(".")[2].replace("_", "-") for each in cli.COMMANDS}
    paths = [places.ROOT / "README.md", *(places.ROOT / "docs").glob("*.md")]
    pages = [path.read_text(encoding="utf-8") for path in paths]
    assert commands_without_a_page(commands, pages) == set()


def test_a_command_without_a_page_fails_the_test_above():
    assert commands_without_a_page({"embed", "new"}, ["vggish-tf embed a.wav"]) == {"new"}


def test_files_stay_short():
    long = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"tensorflow", "keras", "numpy", "soundfile"}
    code = f"import sys, vggish_tf; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_every_public_name_is_there_and_documented():
    for name in vggish_tf.__all__:
        assert getattr(vggish_tf, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'vggish'"):
        _ = vggish_tf.vggish


def test_what_editors_see_is_what_is_there():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    for name, module in vggish_tf._HOME.items():
        assert seen.pop(name) == f"vggish_tf.{module}"
    assert set(seen) == set(vggish_tf._MODULES)
