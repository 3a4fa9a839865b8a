"""Fetching the published files: from a server on this machine, into caches of the tests' own.

Where a fetch goes to is in test_places.py.
"""

import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from refusals import message_of
from servers import (
    CONTENT,
    FETCH,
    MD5,
    cut_short,
    endless,
    forbidden,
    in_halves,
    in_small_pieces,
    publish,
    send,
    serving,
    shorter,
    something_else,
    whole,
)
from terminals import Terminal

from vggish_tf.weights import download, registry

DAMAGED = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
WITHOUT = registry.REGISTRY["audioset"].without


def damaged(handler):
    send(handler, 200, DAMAGED)


def test_fetch_downloads_once(cache, monkeypatch):
    with serving(whole) as server:
        publish(monkeypatch, server.url)
        path = registry.fetch()
        assert registry.fetch() == path == cache / "vggish_model.ckpt"
        assert server.requests == 1
    assert path.read_bytes() == CONTENT
    assert list(cache.iterdir()) == [path]
    assert registry.fetch() == path  # with no server


@pytest.mark.parametrize(
    ("stream", "progress", "bar"),
    [(Terminal(), True, True), (io.StringIO(), True, False), (Terminal(), False, False)],
)
def test_a_progress_bar_on_a_terminal_only(cache, monkeypatch, stream, progress, bar):
    monkeypatch.setattr(sys, "stderr", stream)
    with serving(in_small_pieces) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch(progress=progress).read_bytes() == CONTENT
    assert (f"{server.url.split('/')[2]}: 100%" in stream.getvalue()) == bar
    assert ("1.05M/1.05M" in stream.getvalue()) == bar


def test_without_progress_nothing_is_said(cache, monkeypatch, capfd):
    with serving(cut_short, whole) as server:
        publish(monkeypatch, server.url)
        registry.fetch(progress=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("failure", [cut_short, something_else, forbidden])
def test_fetch_tries_again(cache, monkeypatch, failure):
    with serving(failure, failure, whole) as server:
        publish(monkeypatch, server.url)
        assert registry.fetch().read_bytes() == CONTENT
        assert server.requests == 3
    assert [path.name for path in cache.iterdir()] == ["vggish_model.ckpt"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (cut_short, "no connection, or it broke off"),
        (something_else, "the downloaded file has 44 bytes; the published file has 1,048,576"),
        (shorter, "the downloaded file has 524,288 bytes; the published file has 1,048,576"),
        (
            damaged,
            f"the downloaded file has MD5 {hashlib.md5(DAMAGED).hexdigest()}; "
            f"the published file has {MD5}",
        ),
        (endless, "the file has more than the published 1,048,576 bytes"),
        (forbidden, "the server answered 403 Forbidden"),
    ],
)
def test_a_failed_download_says_how_to_do_it_by_hand_and_leaves_nothing(
    cache, monkeypatch, answer, reason
):
    with serving(answer) as server:
        publish(monkeypatch, server.url)
        message = message_of(registry.fetch)
        # what broke off is asked for once more, from there
        assert server.requests == 1 + len(download.WAITS) + (answer is cut_short)
    assert message == (
        f"cannot download 'vggish_model.ckpt': {reason}. Put the file from {server.url} (MD5 "
        f"{MD5}) "
        f"at {cache / 'vggish_model.ckpt'} by hand." + WITHOUT
    )
    assert list(cache.iterdir()) == []


def test_a_server_that_is_gone_is_one_line(cache, monkeypatch):
    with serving(whole) as server:
        pass
    publish(monkeypatch, server.url)
    message = message_of(registry.fetch)
    assert message.startswith(
        "cannot download 'vggish_model.ckpt': no connection, or it broke off. Put the file from"
    )


def test_offline_names_address_digest_and_path(cache, monkeypatch):
    monkeypatch.setenv("VGGISH_TF_OFFLINE", "1")
    assert message_of(registry.fetch) == (
        "cannot download 'vggish_model.ckpt': VGGISH_TF_OFFLINE is set. Put the file from "
        "https://storage.googleapis.com/audioset/vggish_model.ckpt (MD5 "
        "d1c7011e6366aa34176bb05c705e31a8) "
        f"at {cache / 'vggish_model.ckpt'} by hand." + WITHOUT
    )
    assert not cache.exists()


def test_offline_takes_what_was_put_there_by_hand(cache, monkeypatch):
    monkeypatch.setenv("VGGISH_TF_OFFLINE", "1")
    publish(monkeypatch, "http://127.0.0.1:9/")
    cache.mkdir()
    (cache / "vggish_model.ckpt").write_bytes(CONTENT)
    assert registry.fetch() == cache / "vggish_model.ckpt"


LONGER = CONTENT + bytes(1)
OTHER = "It is damaged, or another file"


@pytest.mark.parametrize(
    ("content", "difference", "verdict"),
    [
        (b"", "0 bytes; the published file has 1,048,576", "It is cut short"),
        (CONTENT[:-1], "1,048,575 bytes; the published file has 1,048,576", "It is cut short"),
        (DAMAGED, f"MD5 {hashlib.md5(DAMAGED).hexdigest()}; the published file has {MD5}", OTHER),
        (LONGER, "1,048,577 bytes; the published file has 1,048,576", OTHER),
    ],
    ids=["empty", "cut", "damaged", "longer"],
)
def test_a_cached_file_with_another_digest_is_an_error_and_stays(
    cache, monkeypatch, content, difference, verdict
):
    with serving(whole) as server:
        publish(monkeypatch, server.url)
        cache.mkdir()
        (cache / "vggish_model.ckpt").write_bytes(content)
        message = message_of(registry.fetch)
        assert server.requests == 0
    assert message == (
        f"checkpoint 'vggish_model.ckpt' in {cache} has {difference}. {verdict}. Delete it and "
        "run: vggish-tf fetch"
    )
    assert (cache / "vggish_model.ckpt").read_bytes() == content


def test_a_cache_that_cannot_be_written_to(cache, monkeypatch):
    cache.write_text("a file where a folder should be")
    with serving(whole) as server:
        publish(monkeypatch, server.url)
        assert re.match(
            r"cannot download 'vggish_model.ckpt': (Not a directory|File exists)",
            message_of(registry.fetch),
        )


def test_two_processes_fetch_at_once_and_both_get_the_file(cache, monkeypatch):
    """Each downloads under a name of its own. The server answers neither before both have asked."""
    both = threading.Barrier(2)

    def answer(handler):
        both.wait(timeout=60)
        in_small_pieces(handler)

    with serving(answer) as server:
        command = [sys.executable, "-c", FETCH, server.url]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        outputs = [process.communicate(timeout=60)[0].strip() for process in processes]
        assert server.requests == 2
    assert outputs == [str(cache / "vggish_model.ckpt")] * 2
    assert [process.returncode for process in processes] == [0, 0]
    assert (cache / "vggish_model.ckpt").read_bytes() == CONTENT
    assert [path.name for path in cache.iterdir()] == ["vggish_model.ckpt"]


def test_a_download_of_the_published_sha256_counts_too(cache, monkeypatch):
    with serving(whole) as server:
        publish(monkeypatch, server.url, md5="0" * 32)
        assert registry.fetch().read_bytes() == CONTENT
        assert server.requests == 1


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_fetched_file_has_the_mode_of_any_new_file(cache, monkeypatch, umask, mode):
    before = os.umask(umask)
    try:
        with serving(whole) as server:
            publish(monkeypatch, server.url)
            assert registry.fetch().stat().st_mode & 0o777 == mode
    finally:
        os.umask(before)


def test_an_endless_answer_does_not_fill_the_disk(cache, monkeypatch):
    sizes = []

    def watched(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(64):  # times 1 MiB; a test must end
            handler.wfile.write(CONTENT)
            sizes.append(sum(path.stat().st_size for path in cache.iterdir()))

    with serving(watched) as server:
        publish(monkeypatch, server.url)
        message = message_of(registry.fetch)
    assert "the file has more than the published 1,048,576 bytes." in message
    assert max(sizes) <= len(CONTENT) + download.SLACK
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_killed_download_leaves_is_removed_by_the_next_fetch(cache, monkeypatch, end):
    """Files of other running downloads, and of the user, are kept."""
    half, go_on = threading.Event(), threading.Event()

    def wait():
        half.set()
        assert go_on.wait(60)

    cache.mkdir()
    (cache / ".mine.part").touch()
    with serving(in_halves(wait)) as server:
        publish(monkeypatch, server.url)
        first, second = (start_and_wait(server.url, half, cache, parts) for parts in (1, 2))
        first.send_signal(end)
        first.wait(timeout=60)
        assert len(parts_in(cache)) == 2
        go_on.set()
        server.answers = [whole]
        assert registry.fetch().read_bytes() == CONTENT
        assert second.communicate(timeout=60)[0].strip() == str(cache / "vggish_model.ckpt")
    assert sorted(path.name for path in cache.iterdir()) == [".mine.part", "vggish_model.ckpt"]


def start_and_wait(url, half, cache, num_parts):
    """A process that fetches, once it has written a part of the file."""
    half.clear()
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, url], stdout=subprocess.PIPE, text=True
    )
    assert half.wait(60)
    deadline = time.monotonic() + 60
    while len(parts_in(cache)) < num_parts or not all(
        path.stat().st_size for path in parts_in(cache)
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def parts_in(cache):
    return [
        path for path in cache.iterdir() if path.name not in (".mine.part", "vggish_model.ckpt")
    ]


def test_a_file_that_is_there_already_has_leftovers_removed_too(cache, monkeypatch):
    publish(monkeypatch, "http://127.0.0.1:9/")
    cache.mkdir()
    (cache / "vggish_model.ckpt").write_bytes(CONTENT)
    (cache / ".vggish_model.ckpt.0123abcd.part").write_bytes(CONTENT[:100])
    registry.fetch()
    assert [path.name for path in cache.iterdir()] == ["vggish_model.ckpt"]
