"""Dependencies: each that is used is declared, each that is declared is used, at which versions."""

import ast
import os
import re
import sys
import tomllib
from importlib import metadata

import places
import pytest

PROJECT = tomllib.loads((places.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
FOR_USERS = [extra for extra in EXTRAS if extra not in ("bench", "dev", "docs", "test")]
# Modules that their distribution does not name.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "google": "protobuf",
    "griffe": "griffelib",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
# Programs that vggish_tf is compared with. They ask for old packages, or are on no index; each test
# and benchmark that needs one tells how to get it, and is skipped without.
COMPARED = {
    *("audioldm-eval", "fadtk", "frechet-audio-distance", "kadtk", "models", "openmic"),
    *("torchaudio", "torcheval"),
}
MADE_UP = {"imported-late", "no-such-module"}  # by tests


def named(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def declared(*extras: str) -> set[str]:
    """Distributions of the package itself, and of extras."""
    lists = [PROJECT["dependencies"], *(EXTRAS[extra] for extra in extras)]
    return {named(requirement) for requirements in lists for requirement in requirements} - {
        "vggish-tf"
    }


def used(*folders: str) -> set[str]:
    """Distributions that the Python files in folders import, wherever in them."""
    paths = [path for folder in folders for path in (places.ROOT / folder).rglob("*.py")]
    modules = {name for path in paths for name in imported(path.read_text(encoding="utf-8"))}
    others = modules - {"vggish_tf"} - set(sys.stdlib_module_names)
    return {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in others}


def beside_each_other() -> set[str]:
    """Names of the helpers of tests, and of the files and folders of scripts."""
    scripts = [*places.ROOT.glob("scripts/*"), *places.ROOT.glob("scripts/*/*.py")]
    return {path.stem.replace("_", "-") for path in [*places.HELPERS.glob("*.py"), *scripts]}


def imported(source: str) -> set[str]:
    """Top-level modules that a source imports.

    Example:
        >>> sorted(imported("import os.path\\ndef f():\\n    from PIL import Image"))
        ['PIL', 'os']
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(name), level=0):
                names.add(name)
    return {name.partition(".")[0] for name in names}


def test_what_the_package_imports_is_declared():
    assert used("vggish_tf") - declared(*FOR_USERS) == set()


def test_what_is_installed_by_default_is_imported():
    assert declared() - used("vggish_tf") == set()


def test_what_an_extra_installs_is_imported():
    assert declared(*FOR_USERS) - used("vggish_tf", "examples") == set()


def test_what_tests_examples_and_scripts_import_is_declared():
    outside = used("tests", "examples", "scripts") - declared(*EXTRAS)
    assert outside - beside_each_other() - COMPARED - MADE_UP == set()


@pytest.mark.skipif(
    "VGGISH_TF_FLOORS" not in os.environ, reason="not at the lowest versions; run .ci/floors"
)
def test_the_lowest_versions_are_those_installed():
    lists = [PROJECT["dependencies"], *EXTRAS.values()]
    floors = dict(
        re.match(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)", requirement).groups()
        for requirements in lists
        for requirement in requirements
        if ">=" in requirement
    )
    # asked by name: setuptools adds packages of its own behind those that are installed
    names = [found.name for found in metadata.distributions()]
    installed = {named(name): metadata.version(name) for name in names}
    different = {
        name: installed[named(name)]
        for name, floor in floors.items()
        if named(name) in installed and not f"{installed[named(name)]}.".startswith(f"{floor}.")
    }
    assert {"tensorflow", "keras", "numpy"} <= installed.keys()
    assert different == {}
