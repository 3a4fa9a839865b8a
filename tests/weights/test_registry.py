"""The published files: figures, names and locations. Fetching is in test_fetch.py."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import places
import pytest
from refusals import message_of

from vggish_tf.errors import UsageError
from vggish_tf.weights import registry

README = places.ROOT / "checkpoints" / "README.md"
MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"


# What is published


def test_the_genuine_pca_file_is_the_published_one(pca_params):
    """Oracle: coreutils on Google's own file."""
    published = registry.REGISTRY["audioset_pca"]
    for tool, digest in (("md5sum", published.md5), ("sha256sum", published.sha256)):
        assert (
            subprocess.run(
                [tool, pca_params], capture_output=True, text=True, check=True
            ).stdout.split()[0]
            == digest
        )
    assert pca_params.stat().st_size == published.num_bytes


def test_the_readme_has_the_figures_of_the_registry():
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]]
        for line in README.read_text().splitlines()
        if "|" in line
    ]
    table = {row[0]: row[1:] for row in rows[:8]}
    assert table[""] == list(registry.REGISTRY)
    files = registry.REGISTRY.values()
    assert table["file"] == [file.filename for file in files]
    assert table["address"] == [file.url for file in files]
    assert table["MD5"] == [file.md5 for file in files]
    assert table["SHA-256"] == [file.sha256 for file in files]
    assert table["bytes"] == [str(file.num_bytes) for file in files]
    assert table["contents"] == [file.contents for file in files]


def test_the_registry_needs_no_tensorflow():
    heavy = {"tensorflow", "keras", "torch", "requests"}
    code = f"import sys, vggish_tf.weights.registry; print({heavy} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
        == "set()"
    )


def test_the_cache_is_what_the_variable_says_else_the_platforms(monkeypatch):
    monkeypatch.setenv("VGGISH_TF_CACHE", "~/weights")
    assert registry.cache_folder() == Path.home() / "weights"
    for unset in (
        lambda: monkeypatch.setenv("VGGISH_TF_CACHE", ""),
        lambda: monkeypatch.delenv("VGGISH_TF_CACHE"),
    ):
        unset()
        monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
        if sys.platform == "linux":
            assert registry.cache_folder() == Path("/somewhere/cache/vggish_tf")


# From what a user gives to a file


def test_resolve_tells_names_from_paths(monkeypatch, tmp_path):
    monkeypatch.setitem(
        registry.REGISTRY,
        "audioset",
        replace(registry.REGISTRY["audioset"], md5=MD5_OF_NOTHING, num_bytes=0),
    )
    (registry.cache_folder() / "vggish_model.ckpt").touch()
    assert registry.resolve("audioset") == registry.cache_folder() / "vggish_model.ckpt"
    monkeypatch.chdir(tmp_path)
    Path("audioset").write_text("a file of that name")
    assert registry.resolve("./audioset") == Path("audioset")
    assert registry.resolve(Path("audioset")) == Path("audioset")


def test_resolve_audioset_to_a_postprocessor_is_the_pca_file(pca_params):
    (registry.cache_folder() / "vggish_pca_params.npz").symlink_to(pca_params)
    assert (
        registry.resolve("audioset", kind="pca")
        == registry.cache_folder() / "vggish_pca_params.npz"
    )


def test_resolve_takes_the_prefix_of_a_v2_checkpoint_and_not_its_parts(tmp_path):
    for suffix in (".index", ".data-00000-of-00001"):
        (tmp_path / f"model.ckpt{suffix}").touch()
    prefix = tmp_path / "model.ckpt"
    assert registry.resolve(str(prefix)) == prefix
    for suffix in (".index", ".data-00000-of-00001"):
        message = message_of(registry.resolve, f"{prefix}{suffix}")
        advice = f"is one file of a V2 checkpoint. Give their common prefix: {prefix}"
        assert message == f"{prefix}{suffix} {advice}"


def test_resolve_names_what_is_absent_and_what_there_is(tmp_path):
    assert message_of(registry.resolve, tmp_path / "typo.ckpt") == (
        f"there is no checkpoint at {tmp_path / 'typo.ckpt'}. Give the path of a file, or a "
        "published name: 'audioset'."
    )
    assert message_of(registry.resolve, "audioste").startswith(
        "there is no checkpoint at audioste."
    )
    assert (
        message_of(registry.resolve, tmp_path)
        == f"{tmp_path} is a folder. Give the path of a checkpoint in it."
    )
    with pytest.raises(UsageError, match="name must be 'audioset' or 'audioset_pca'; received 'y"):
        registry.fetch("yamnet")


# Digests


def test_md5_of_a_v2_checkpoint_is_of_its_files_together(tmp_path):
    """Oracle: cat and md5sum, over the index and the data."""
    (tmp_path / "a[1].index").write_bytes(b"index")
    (tmp_path / "a[1].data-00000-of-00002").write_bytes(b"first")
    (tmp_path / "a[1].data-00001-of-00002").write_bytes(b"second")
    command = "cat 'a[1].index' 'a[1].data-00000-of-00002' 'a[1].data-00001-of-00002' | md5sum"
    expected = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert registry.md5_of(tmp_path / "a[1]") == expected.split()[0]


def test_md5_of_an_unreadable_file_is_one_line_that_names_it(tmp_path):
    assert message_of(registry.md5_of, tmp_path / "absent") == (
        f"cannot read {tmp_path / 'absent'}: No such file or directory."
    )


def test_impossible_paths_are_one_line_and_no_traceback(tmp_path, monkeypatch):
    """None of them is a traceback, nor in the digest that is computed ahead."""
    for path in ("", "~nobodyofthisname/x", "a\0b"):
        registry.digests_ahead(path)
        expected = f"there is no checkpoint at {path or repr(path)}. Give"
        assert message_of(registry.resolve, path).startswith(expected)
    for path in (".", "/", "..", Path()):
        registry.digests_ahead(path)
        message = message_of(registry.resolve, path)
        assert message == f"{path} is a folder. Give the path of a checkpoint in it."
    monkeypatch.setenv("VGGISH_TF_CACHE", "~nobodyofthisname/cache")
    assert registry.cache_folder() == Path("~nobodyofthisname/cache")


# Which files are the published ones


def test_either_digest_counts(tmp_path, monkeypatch):
    """Oracle: coreutils' digests of nothing."""
    sha256_of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    path = tmp_path / "empty"
    path.touch()
    assert (registry.md5_of(path), registry.sha256_of(path)) == (MD5_OF_NOTHING, sha256_of_nothing)
    published = registry.REGISTRY["audioset"]
    for changes, expected in (
        ({}, False),
        ({"md5": MD5_OF_NOTHING}, False),  # the size is looked at first; 0 is any
        ({"md5": MD5_OF_NOTHING, "num_bytes": 0}, True),
        ({"sha256": sha256_of_nothing, "num_bytes": 0}, True),
        ({"md5": MD5_OF_NOTHING, "sha256": sha256_of_nothing, "num_bytes": 0}, True),
    ):
        monkeypatch.setitem(registry.REGISTRY, "audioset", replace(published, **changes))
        assert registry.is_published(path) is expected
        if expected:
            (registry.cache_folder() / "vggish_model.ckpt").touch()
            assert registry.fetch() == registry.cache_folder() / "vggish_model.ckpt"


def test_the_published_checkpoint_is_as_three_projects_have_it():
    """DESIGN section 3."""
    published = registry.REGISTRY["audioset"]
    assert published.sha256 == "0962b1914e3e053922d957c45bc84a78c985765641dc6bceeeb3a7d8dfecfdf6"
    assert published.num_bytes == 291_108_469
