"""The package for users: distributions, version, page of a package index, reasons for skips."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata

import places
import pytest

import vggish_tf

ROOT = places.ROOT
NOT_SHIPPED = {".gitignore"}
MADE = ("PKG-INFO", "setup.cfg", "vggish_tf.egg-info/")  # by the build, in a source distribution


def tracked_files() -> set[str]:
    """The files of the repository; in a copy without git there is nothing to compare with."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The files of the repository, those in its source distribution and in its wheel, and the
    page of the index.
    """
    files, folder = tracked_files(), tmp_path_factory.mktemp("distributions")
    for name in files:
        (folder / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "copy" / name)
    code = (
        "from setuptools import build_meta as build; "
        f"build.build_sdist({str(folder)!r}); build.build_wheel({str(folder)!r})"
    )
    subprocess.run([sys.executable, "-c", code], cwd=folder / "copy", check=True)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    with tarfile.open(source) as tar:
        shipped = {member.name.partition("/")[2] for member in tar if member.isfile()}
    with zipfile.ZipFile(wheel) as archive:
        (page,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return files, shipped, set(archive.namelist()), archive.read(page).decode("utf-8")


def test_the_source_distribution_holds_every_file_of_the_repository_and_no_other(distributions):
    files, shipped, *_ = distributions
    assert {name for name in shipped - files if not name.startswith(MADE)} == set()
    assert files - NOT_SHIPPED - shipped == set()


def test_the_wheel_holds_the_package_and_no_other_file(distributions):
    files, _, installed, _ = distributions
    package = {name for name in files if name.startswith("vggish_tf/")}
    assert {name for name in installed if ".dist-info/" not in name} == package


def test_every_place_has_the_same_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    version, date = re.findall(r"^(?:version|date-released): (.*)$", citation, re.MULTILINE)
    assert version == vggish_tf.__version__
    heading = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert heading[1] in ("Unreleased", f"{version} ({date})")


def test_the_page_of_a_package_index_needs_no_other_file(distributions):
    """A relative link leads nowhere there: the path of the file stands instead."""
    page = distributions[-1]
    assert "numerical notes (`docs/numerics.md`)" in page
    targets = re.findall(r"\]\(([^)]+)\)", page)
    assert [target for target in targets if not target.startswith("https://")] == []
    assert "<img" not in page


def test_the_project_has_addresses():
    urls = metadata.metadata("vggish-tf").get_all("Project-URL")
    assert urls
    assert all("https://" in url for url in urls)


pytest_plugins = ["pytester"]


@pytest.fixture
def new_suite(pytester):
    """An empty folder with the fixtures and hooks of these tests."""
    folder = pytester.path / "tests"
    shutil.copytree(ROOT / "tests" / "helpers", folder / "helpers")
    shutil.copy(ROOT / "tests" / "conftest.py", pytester.path / "conftest.py")
    pytester.makeini("[pytest]\npythonpath = tests/helpers")
    return pytester


@pytest.mark.thorough
def test_a_reason_to_skip_is_said_once(new_suite):
    new_suite.makepyfile("def test_one(shared_data): ...\n\ndef test_two(audioset_shard): ...")
    result = new_suite.runpytest_subprocess("-rs", "-p", "no:cacheprovider")
    result.assert_outcomes(skipped=2)
    lines = [line for line in result.outlines if "shared/data is not beside the repository" in line]
    assert len(lines) == 1
    assert lines[0].startswith("SKIPPED [2] tests: ")


@pytest.mark.thorough
def test_a_file_of_tests_that_cannot_be_imported_is_an_error(new_suite):
    """It would be skipped in silence: see tests/conftest.py."""
    path = new_suite.makepyfile("import absent_module\n\ndef test_one(): ...")
    doctests = ("--doctest-modules", "--doctest-ignore-import-errors", "--import-mode=importlib")
    result = new_suite.runpytest_subprocess("-p", "no:cacheprovider", *doctests, path)
    result.assert_outcomes(errors=1)
