"""Where the files of onnxruntime-web come from: a few bytes in their place, from a server of this
machine or from a program named npm.
"""

import io
import os
import stat
import tarfile
from types import SimpleNamespace

import pytest
import servers
import web_runtime

from vggish_tf import VGGishError
from vggish_tf.jobs.export.writers.web import runtime

pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
CONTENTS = web_runtime.CONTENTS


@pytest.fixture(autouse=True)
def online(monkeypatch, tmp_path):
    """Nothing in the cache, no npm, and a public address that answers nothing."""
    web_runtime.pretend(monkeypatch, there=False)
    monkeypatch.setenv("VGGISH_TF_OFFLINE", "0")
    monkeypatch.delenv("VGGISH_TF_MIRROR", raising=False)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(runtime, "URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(runtime.download, "WAITS", ())


def cached() -> dict[str, bytes]:
    """All files of the cache's folder, those of a broken download too."""
    folder = runtime.folder()
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def package(**changes) -> bytes:
    """An npm package with the files, some of them changed or, with None, left out."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {**CONTENTS, **changes}.items():
            if content is not None:
                member = tarfile.TarInfo(f"package/dist/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def npm(tmp_path):
    """npm(content, status=0): a program of that name that leaves a package in its folder."""

    def install(content: bytes = b"", status: int = 0):
        (tmp_path / "package.tgz").write_bytes(content)
        program = tmp_path / "bin" / "npm"
        copy = f"/bin/cp {tmp_path / 'package.tgz'} onnxruntime-web-1.30.0.tgz" if content else ":"
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{copy}\nexit {status}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return SimpleNamespace(asked=lambda: (tmp_path / "asked").read_text().splitlines())

    return install


def served(handler):
    """The file of the name that was asked for."""
    servers.send(handler, 200, CONTENTS[handler.path.rpartition("/")[2]])


def base(server) -> str:
    return server.url.rpartition("/")[0] + "/"


def message() -> str:
    with pytest.raises(VGGishError) as caught:
        runtime.fetch()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_npm_brings_them_once(npm):
    program = npm(package())
    assert runtime.fetch() == runtime.folder()
    assert cached() == CONTENTS
    assert runtime.fetch() == runtime.folder()
    assert program.asked() == ["pack onnxruntime-web@1.30.0 --silent"]


def test_a_public_address_brings_them_where_there_is_no_npm(monkeypatch):
    with servers.serving(served) as server:
        monkeypatch.setattr(runtime, "URL", base(server))
        runtime.fetch()
        assert server.paths == [f"/{name}" for name in CONTENTS]
    assert cached() == CONTENTS


def test_or_where_npm_fails(npm, monkeypatch):
    npm(status=1)
    with servers.serving(served) as server:
        monkeypatch.setattr(runtime, "URL", base(server))
        runtime.fetch()
    assert cached() == CONTENTS


def test_a_mirror_comes_first(npm, monkeypatch):
    npm(b"no package")
    with servers.serving(served) as server:
        monkeypatch.setenv("VGGISH_TF_MIRROR", base(server) + "here/")
        runtime.fetch()
        assert server.paths == [f"/here/{name}" for name in CONTENTS]
    assert cached() == CONTENTS


def test_only_what_is_missing_is_fetched(monkeypatch):
    first, *rest = CONTENTS
    runtime.folder().mkdir()
    (runtime.folder() / first).write_bytes(CONTENTS[first])
    with servers.serving(served) as server:
        monkeypatch.setattr(runtime, "URL", base(server))
        runtime.fetch()
        assert server.paths == [f"/{name}" for name in rest]


@pytest.mark.parametrize(
    "changes", [{"ort.webgpu.bundle.min.mjs": b"bad"}, {"ort.webgpu.bundle.min.mjs": None}]
)
def test_no_file_is_kept_that_is_another(changes, npm):
    npm(package(**changes))
    text = message()
    assert "ort.webgpu.bundle.min.mjs" in text
    assert "SHA-256" in text or "has no ort.webgpu" in text
    assert "ort.webgpu.bundle.min.mjs" not in cached()
    assert all(CONTENTS[name] == content for name, content in cached().items())


@pytest.mark.parametrize("content", [b"no gzip", package()[:-40], package()[:20] + bytes(90)])
def test_a_package_that_is_none(content, npm):
    npm(content)
    assert "onnxruntime-web 1.30.0" in message()
    assert cached() == {}


def test_without_any_source_one_line_says_what_to_do(npm):
    npm(status=7)
    text = message()
    assert "`npm pack onnxruntime-web@1.30.0` ended with status 7" in text
    assert "no connection" in text
    assert text.endswith(f"Put the files from http://127.0.0.1:9/ into {runtime.folder()} by hand.")


def test_offline_nobody_is_asked(npm, monkeypatch, tmp_path):
    npm(package())
    monkeypatch.setenv("VGGISH_TF_OFFLINE", "1")
    assert "VGGISH_TF_OFFLINE is set" in message()
    assert not (tmp_path / "asked").exists()


def test_a_damaged_file_in_the_cache_is_named_and_left_alone(npm):
    npm(package())
    runtime.fetch()
    path = runtime.folder() / "ort-wasm-simd-threaded.wasm"
    for damage in (b"bad", b"longer than it was", b""):
        path.write_bytes(damage)
        assert str(path) in message()
        assert "Delete it and try again" in message()
        assert path.read_bytes() == damage


@pytest.mark.skipif(os.name == "nt", reason="modes of folders")
def test_a_cache_that_cannot_be_written(npm, monkeypatch, tmp_path):
    npm(package())
    blocked = tmp_path / "blocked"
    blocked.write_text("no folder")
    monkeypatch.setenv("VGGISH_TF_CACHE", str(blocked))
    assert "Not a directory" in message() or "File exists" in message()


def test_the_licence_goes_along(npm, tmp_path, monkeypatch):
    npm(package())
    runtime.copy_to(tmp_path / "runtime")
    assert "Permission is hereby granted" in (tmp_path / "runtime" / "LICENSE").read_text()
    assert {path.name for path in (tmp_path / "runtime").iterdir()} == {
        *CONTENTS,
        *runtime.LICENCES,
    }
    monkeypatch.setattr(runtime, "_licences", lambda: tmp_path)
    assert "came without LICENSE" in message()
