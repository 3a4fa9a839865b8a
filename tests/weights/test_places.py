"""The places that a fetch goes to, one after the other: caches of other programs, a mirror, the
published address, a stand-in; and connections that break off.
"""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from refusals import message_of
from servers import (
    CONTENT,
    MD5,
    cut_short,
    forbidden,
    publish,
    send,
    serving,
    something_else,
    whole,
    with_ranges,
)

from vggish_tf import cli
from vggish_tf.weights import download, elsewhere, known, registry

OTHER = CONTENT[::-1]  # the stand-in
DEAD = "http://127.0.0.1:9/vggish_model.ckpt"


def the_stand_in(handler):
    send(handler, 200, OTHER)


@pytest.fixture
def stand_in(monkeypatch):
    """A function: address → the stand-in of the published file is OTHER, and there."""

    def published_at(url):
        file = replace(
            known.TORCHVGGISH,
            url=url,
            sha256=hashlib.sha256(OTHER).hexdigest(),
            num_bytes=len(OTHER),
        )
        monkeypatch.setitem(registry.STAND_INS, "audioset", (file,))
        return file

    return published_at


def test_from_a_dead_mirror_to_a_dead_address_to_a_living_third(cache, monkeypatch, stand_in):
    with serving(the_stand_in) as server:
        publish(monkeypatch, DEAD)
        stand_in(server.url)
        monkeypatch.setenv("VGGISH_TF_MIRROR", "http://127.0.0.1:9/mirror")
        path = registry.fetch()
        assert server.requests == 1
        assert registry.fetch() == path  # it is there now
        assert server.requests == 1
    assert path == cache / "vggish-10086976.pth"
    assert path.read_bytes() == OTHER
    assert registry.is_published(path)
    assert [file.name for file in cache.iterdir()] == [path.name]


def test_a_mirror_comes_first_and_has_the_same_names(cache, monkeypatch):
    with serving(whole) as mirror, serving(forbidden) as published:
        publish(monkeypatch, published.url)
        base = mirror.url.rsplit("/", 1)[0]
        monkeypatch.setenv("VGGISH_TF_MIRROR", f"{base}/weights/")
        assert registry.fetch() == cache / "vggish_model.ckpt"
        assert (mirror.requests, published.requests) == (1, 0)
        assert mirror.paths == ["/weights/vggish_model.ckpt"]


def test_a_mirror_with_another_file_is_not_trusted(cache, monkeypatch):
    def wrong(handler):
        send(handler, 200, OTHER)  # of the right size

    with serving(wrong) as mirror, serving(whole) as published:
        publish(monkeypatch, published.url)
        monkeypatch.setenv("VGGISH_TF_MIRROR", mirror.url.rsplit("/", 1)[0])
        assert registry.fetch().read_bytes() == CONTENT
        assert (mirror.requests, published.requests) == (1, 1)


def test_all_dead_is_one_line_with_each_reason(cache, monkeypatch, stand_in):
    with serving(forbidden) as mirror, serving(something_else) as published:
        publish(monkeypatch, published.url)
        file = stand_in(DEAD)
        monkeypatch.setenv("VGGISH_TF_MIRROR", mirror.url.rsplit("/", 1)[0])
        message = message_of(registry.fetch)
    hosts = [url.split("/")[2] for url in (mirror.url, published.url)]
    assert message.startswith(
        f"cannot download 'vggish_model.ckpt': {hosts[0]}: the server answered 403 Forbidden; "
        f"{hosts[1]}: the downloaded file has 44 bytes; the published file has 1,048,576; "
        f"{file.url}: {hosts[0]}: the server answered 403 Forbidden; 127.0.0.1:9: no connection, "
    )
    assert list(cache.iterdir()) == []


# Caches of other programs


def test_a_file_of_torch_hub_is_used_where_it_is(cache, monkeypatch, stand_in):
    publish(monkeypatch, DEAD)
    stand_in(DEAD)
    path = elsewhere._torch_hub() / "checkpoints" / "vggish-10086976.pth"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_bytes(CONTENT)  # another file of that name is not
        monkeypatch.setenv("VGGISH_TF_OFFLINE", "1")
        assert "VGGISH_TF_OFFLINE is set" in message_of(registry.fetch)
        path.write_bytes(OTHER)
        assert registry.fetch() == path
        assert not cache.exists()
    finally:
        path.unlink()


def test_files_whose_digest_nobody_has_published_are_named_and_not_used(
    cache, monkeypatch, tmp_path
):
    publish(monkeypatch, DEAD)
    monkeypatch.setenv("VGGISH_TF_OFFLINE", "1")
    assert "Perhaps" not in message_of(registry.fetch)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "hub"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle"))
    audio = tmp_path / "torch" / "hub" / "torchaudio" / "models" / "vggish.pt"
    audio.parent.mkdir(parents=True)
    audio.touch()
    # by sha1sum of the handle, as tensorflow_hub's resolver names a folder
    hub = tmp_path / "hub" / hashlib.sha1(b"https://tfhub.dev/google/vggish/1").hexdigest()
    hub.mkdir(parents=True)
    message = message_of(registry.fetch)
    assert (
        f" Perhaps another program has fetched the weights: vggish-tf verify tells, for {audio}"
        in (message)
    )
    assert str(hub) in message
    kaggle = tmp_path / "kaggle" / "models/google/vggish/tensorFlow2/vggish/1"
    kaggle.mkdir(parents=True)
    assert str(kaggle) in message_of(registry.fetch)


# Broken connections


def test_what_broke_off_is_taken_up_there(cache, monkeypatch):
    with serving(cut_short, with_ranges) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT
        assert server.ranges == [None, f"bytes={len(CONTENT) // 2}-"]


def test_a_server_without_ranges_begins_anew(cache, monkeypatch):
    with serving(cut_short, whole) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT
        assert server.ranges == [None, f"bytes={len(CONTENT) // 2}-"]


def test_a_connection_that_breaks_off_again_and_again(cache, monkeypatch):
    """More often than there are attempts: as long as something comes, it goes on."""

    def a_tenth(handler):
        asked = handler.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        headers = {"Content-Range": f"bytes {start}-"} if asked else {}
        rest = CONTENT[start:]
        send(handler, 206 if asked else 200, rest[: len(CONTENT) // 10], len(rest), **headers)

    with serving(a_tenth) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT
        assert server.requests == 11


def test_the_part_of_a_killed_download_is_taken_up(cache, monkeypatch):
    cache.mkdir()
    (cache / ".vggish_model.ckpt.0123abcd.part").write_bytes(CONTENT[:1000])
    with serving(with_ranges) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT
        assert server.ranges == ["bytes=1000-"]
    assert [file.name for file in cache.iterdir()] == ["vggish_model.ckpt"]


def test_the_part_of_another_file_is_thrown_away(cache, monkeypatch):
    cache.mkdir()
    (cache / ".vggish_model.ckpt.0123abcd.part").write_bytes(OTHER[:1000])
    with serving(with_ranges) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT
        assert server.ranges == ["bytes=1000-", None]


def test_an_interrupt_leaves_what_came_for_the_next_fetch(cache, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    with serving(with_ranges) as server:
        publish(monkeypatch, server.url)
        with monkeypatch.context() as patch:
            patch.setattr(download, "_receive_all", interrupted)
            with pytest.raises(KeyboardInterrupt):
                registry.fetch()
        assert [file.name[-5:] for file in cache.iterdir()] == [".part"]
        registry.fetch()
    assert [file.name for file in cache.iterdir()] == ["vggish_model.ckpt"]


# Servers that mean no good


def busy_once(handler):
    send(handler, 503, b"busy")


def redirects_for_ever(handler):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def says_too_much(handler):
    send(handler, 200, CONTENT[:100], length=10 * len(CONTENT))


def says_too_little(handler):
    send(handler, 200, CONTENT, length=100)


def drips(handler):
    send(handler, 200, CONTENT, piece=1, pause=0.01)


def a_wrong_range(handler):
    send(handler, 206, CONTENT[:10], **{"Content-Range": "bytes 0-9/10"})


def test_a_server_that_is_busy_once(cache, monkeypatch):
    with serving(busy_once, whole) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (redirects_for_ever, "the server redirects for ever"),
        (says_too_much, "the downloaded file has 10,485,760 bytes; the published file has 1,048,5"),
        (says_too_little, "the downloaded file has 100 bytes; the published file has 1,048,576"),
        (drips, "the server sends less than 1,000 bytes a second"),
        (a_wrong_range, "the downloaded file has 10 bytes; the published file has 1,048,576"),
    ],
)
def test_a_bad_server_is_one_line_and_leaves_nothing(answer, reason, cache, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.2)
    with serving(answer) as server:
        publish(monkeypatch, server.url)
        message = message_of(registry.fetch)
    assert message.startswith(f"cannot download 'vggish_model.ckpt': {reason}")
    assert list(cache.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(cache, monkeypatch):
    """A process that may write half of the file."""
    with serving(whole) as server:
        code = (
            "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(CONTENT) // 2},) * 2);" + FETCH
        )
        command = [sys.executable, "-c", code, server.url]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "CheckpointError: cannot download 'vggish_model.ckpt': File too large." in result.stderr
    assert list(cache.iterdir()) == []


FETCH = (
    "import sys; from dataclasses import replace; from vggish_tf.weights import registry as r;"
    f"changes = dict(url=sys.argv[1], md5='{MD5}', num_bytes={len(CONTENT)});"
    "r.REGISTRY['audioset'] = replace(r.REGISTRY['audioset'], **changes);"
    "r.STAND_INS['audioset'] = ();"
    "print(r.fetch(progress=False))"
)


def test_five_processes_fetch_at_once_and_one_is_killed(cache):
    five, go_on = threading.Semaphore(0), threading.Event()

    def half_and_wait(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[: len(CONTENT) // 2])
        five.release()
        assert go_on.wait(60)
        handler.wfile.write(CONTENT[len(CONTENT) // 2 :])

    with serving(half_and_wait) as server:
        command = [sys.executable, "-c", FETCH, server.url]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(5)]
        for _ in processes:
            assert five.acquire(timeout=60)
        time.sleep(0.2)
        os.kill(processes[0].pid, signal.SIGKILL)
        processes[0].wait(timeout=60)
        go_on.set()
        outputs = [process.communicate(timeout=60)[0].strip() for process in processes[1:]]
    assert outputs == [str(cache / "vggish_model.ckpt")] * 4
    assert (cache / "vggish_model.ckpt").read_bytes() == CONTENT
    # the part of the one that was killed goes with the next fetch
    parts = [file.name for file in cache.iterdir() if file.name.endswith(".part")]
    assert len(parts) <= 1


# fetch --list


def test_the_list_has_every_known_file_and_says_what_is_here(cache, capsys):
    cache.mkdir()
    (cache / "vggish_model.ckpt").touch()
    assert cli.main(["fetch", "--list"]) == 0
    text = capsys.readouterr().out
    paragraphs = dict(part.split("\n", 1) for part in text.strip().split("\n\n"))
    assert list(paragraphs) == [file.filename for file in known.files()]
    for file in known.files():
        paragraph = paragraphs[file.filename]
        for value in (file.url, file.format, file.activation, file.licence, file.md5, file.sha256):
            assert value in paragraph
        here = cache / file.filename if file.filename == "vggish_model.ckpt" else "no"
        assert paragraph.endswith(f"  here       {here}")


def test_a_file_is_named_by_any_of_its_digests(tmp_path, monkeypatch):
    path = tmp_path / "mine"
    path.write_bytes(CONTENT)
    assert registry.known_as(path) is None
    file = replace(known.OTHERS[0], sha256=hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(known, "OTHERS", (file,))
    assert registry.known_as(path) == file
    monkeypatch.setattr(known, "OTHERS", (replace(file, sha256="", md5=MD5),))
    assert registry.known_as(path).md5 == MD5
