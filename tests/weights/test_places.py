"""The places that a fetch goes to, one after the other: caches of other programs, a mirror, the
published address, a stand-in; and connections that break off.
"""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from refusals import message_of
from servers import (
    CONTENT,
    FETCH,
    MD5,
    cut_short,
    forbidden,
    in_halves,
    publish,
    send,
    serving,
    something_else,
    whole,
    with_ranges,
)

from vggish_tf import cli
from vggish_tf.weights import download, elsewhere, known, part_files, registry

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
        monkeypatch.setattr(registry, "find_spec", lambda name: True)  # of torch, which reads it
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


def test_a_stand_in_is_not_fetched_where_nothing_can_read_it(cache, monkeypatch, stand_in):
    with serving(the_stand_in) as server:
        publish(monkeypatch, DEAD)
        stand_in(server.url)
        monkeypatch.setattr(registry, "find_spec", lambda name: None)
        assert "no connection, or it broke off. Put the file from" in message_of(registry.fetch)
        assert server.requests == 0


def test_a_password_in_the_address_of_a_mirror_is_not_shown(cache, monkeypatch, capfd):
    publish(monkeypatch, DEAD)
    monkeypatch.setenv("VGGISH_TF_MIRROR", "http://me:secret@127.0.0.1:9/mirror")
    text = message_of(registry.fetch) + capfd.readouterr().err
    assert "http://127.0.0.1:9/mirror/vggish_model.ckpt: no connection" in text
    assert "secret" not in text


@pytest.mark.parametrize("mirror", ["none", "file:///etc", "ftp://127.0.0.1", "http://[::1", " "])
def test_a_mirror_that_is_none_is_told(mirror, cache, monkeypatch):
    with serving(whole) as server:
        publish(monkeypatch, server.url)
        monkeypatch.setenv("VGGISH_TF_MIRROR", mirror)
        assert registry.fetch().read_bytes() == CONTENT
    assert [file.name for file in cache.iterdir()] == ["vggish_model.ckpt"]


def test_caches_that_cannot_be_looked_into_are_passed_over(cache, monkeypatch, tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for place in (str(loop), "~nobodyofthisname", "a\0b"[:1] + "/" * 5000):
        for name in ("TORCH_HOME", "TFHUB_CACHE_DIR", "KAGGLEHUB_CACHE"):
            monkeypatch.setenv(name, place)
        assert all(elsewhere.find(file) is None for file in known.files())
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.delenv("HOME", raising=False)
    assert [elsewhere.find(file) for file in known.files()]


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
    base = mirror.url.rsplit("/", 1)[0]
    assert message.startswith(
        f"cannot download 'vggish_model.ckpt': {mirror.url}: the server answered 403 Forbidden; "
        f"{published.url}: the downloaded file has 44 bytes; the published file has 1,048,576; "
        f"{file.url}: {base}/vggish-10086976.pth: the server answered 403 Forbidden; {DEAD}: no co"
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
        " Another program may have fetched the weights. Check each file with vggish-tf verify: "
        f"{audio}, " in message
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


def test_a_part_file_that_another_process_has_locked_is_not_shared(tmp_path, monkeypatch):
    """It may find the new file between its making and its locking."""
    lock, taken = part_files._lock, []

    def locked_by_another_at_first(stream):
        if not taken:
            taken.append(stream.name)
            raise BlockingIOError
        lock(stream)

    monkeypatch.setattr(part_files, "_lock", locked_by_another_at_first)
    stream = part_files._new(tmp_path / "file")
    assert taken
    assert stream.name not in taken
    stream.close()


def test_the_part_of_another_file_is_thrown_away(cache, monkeypatch):
    cache.mkdir()
    (cache / ".vggish_model.ckpt.0123abcd.part").write_bytes(OTHER[:1000])
    with serving(with_ranges) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT
        assert server.ranges == ["bytes=1000-", None]


@pytest.mark.parametrize("make", [os.mkfifo, "link", "second name"])
def test_a_part_file_that_is_none_is_left_alone(make, cache, monkeypatch, tmp_path):
    """A pipe would be waited for, and a link leads to a file of the user's."""
    cache.mkdir()
    part, precious = cache / ".vggish_model.ckpt.aaaaaaaa.part", tmp_path / "precious"
    precious.write_bytes(b"mine")
    if make == "link":
        part.symlink_to(precious)
    elif make == "second name":
        part.hardlink_to(precious)
    else:
        make(part)
    with serving(whole) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT
        assert registry.fetch().read_bytes() == CONTENT
    assert precious.read_bytes() == b"mine"
    assert os.path.lexists(part)


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


def redirects_with_an_endless_page(handler):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()
    while True:
        handler.wfile.write(CONTENT)


def says_too_much(handler):
    send(handler, 200, CONTENT[:100], length=10 * len(CONTENT))


def says_too_little(handler):
    send(handler, 200, CONTENT, length=100)


def drips(handler):
    send(handler, 200, CONTENT, piece=1, pause=0.01)


def a_wrong_range(handler):
    send(handler, 200, CONTENT[:10], **{"Content-Range": "bytes 0-9/10"})


def another_part(handler):
    if handler.headers.get("Range"):
        send(handler, 206, CONTENT[:10], **{"Content-Range": "bytes 0-9/10"})
    else:
        cut_short(handler)


def test_a_server_that_is_busy_once(cache, monkeypatch):
    with serving(busy_once, whole) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (redirects_for_ever, "the server redirects too often"),
        (redirects_with_an_endless_page, "the server redirects too often"),
        (says_too_much, "the downloaded file has 10,485,760 bytes; the published file has 1,048,5"),
        (says_too_little, "the downloaded file has 100 bytes; the published file has 1,048,576"),
        (drips, "the server sends less than 1,000 bytes a second"),
        (a_wrong_range, "the downloaded file has 10 bytes; the published file has 1,048,576"),
        (another_part, "the server sends a part of the file that was not asked for"),
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


def test_five_processes_fetch_at_once_and_one_is_killed(cache):
    five, go_on = threading.Semaphore(0), threading.Event()

    def wait():
        five.release()
        assert go_on.wait(60)

    with serving(in_halves(wait)) as server:
        command = [sys.executable, "-c", FETCH, server.url]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(5)]
        for _ in processes:
            assert five.acquire(timeout=60)
        os.kill(processes[0].pid, signal.SIGKILL)
        processes[0].wait(timeout=60)
        go_on.set()
        outputs = [process.communicate(timeout=60)[0].strip() for process in processes[1:]]
    assert outputs == [str(cache / "vggish_model.ckpt")] * 4
    assert (cache / "vggish_model.ckpt").read_bytes() == CONTENT
    # the part of the one that was killed goes with the next fetch
    assert len(list(cache.glob(".*.part"))) == 1
    subprocess.run([sys.executable, "-c", FETCH, "http://127.0.0.1:9/"], check=True, timeout=60)
    assert [file.name for file in cache.iterdir()] == ["vggish_model.ckpt"]


# fetch --list


def test_the_list_has_every_known_file_and_says_what_is_here(cache, capsys):
    cache.mkdir()
    (cache / "vggish_model.ckpt").touch()
    assert cli.main(["fetch", "--list"]) == 0
    text = capsys.readouterr().out
    paragraphs = text.strip().split("\n\n")
    assert [part.split("\n", 1)[0] for part in paragraphs] == [
        file.filename for file in known.files()
    ]
    assert (
        f"""\
vggish_model.ckpt
  source     Google, https://storage.googleapis.com/audioset/vggish_model.ckpt
  format     TF1 V1 checkpoint: the weights of the network
  MD5        d1c7011e6366aa34176bb05c705e31a8
  SHA-256    0962b1914e3e053922d957c45bc84a78c985765641dc6bceeeb3a7d8dfecfdf6
  bytes      291,108,469
  activation none
  licence    Apache-2.0 (the code; the weights are Google's)
  here       {cache / "vggish_model.ckpt"}"""
        in paragraphs
    )
    assert (
        """\
vggish.pt
  source     torchaudio, https://download.pytorch.org/torchaudio/models/vggish.pt
  format     PyTorch state_dict: the weights of the network, ported
  digest     nobody has published one
  activation ReLU
  licence    BSD-2-Clause, Apache-2.0
  here       no"""
        in paragraphs
    )


def test_a_file_is_named_by_any_of_its_digests(tmp_path, monkeypatch):
    path = tmp_path / "mine"
    path.write_bytes(CONTENT)
    assert registry.known_as(path) is None
    file = replace(known.OTHERS[0], sha256=hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(known, "OTHERS", (file,))
    assert registry.known_as(path) == file
    monkeypatch.setattr(known, "OTHERS", (replace(file, sha256="", md5=MD5),))
    assert registry.known_as(path).md5 == MD5
