"""`vggish-tf serve`: what comes over the wire, by http.client; isolation, by Chromium."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import browser
import pytest
from commands import environment
from serving_folders import serving

from vggish_tf import VGGishError, cli
from vggish_tf.jobs import serve

DIGITS = b"0123456789"


@pytest.fixture
def folder(tmp_path):
    """A folder to serve, beside a secret."""
    (tmp_path / "secret.txt").write_text("secret")
    site = tmp_path / "site"
    (site / "inner").mkdir(parents=True)
    (site / "index.html").write_text("<title>first</title>")
    (site / "digits.flac").write_bytes(DIGITS)
    (site / "empty.json").touch()
    for name in ("a.js", "b.mjs", "c.wasm", "d.onnx", "e f.json"):
        (site / name).write_text("{}")
    return site


@pytest.fixture
def ask(folder):
    """ask(path, method="GET", **headers) → status, headers, body; all on one connection."""
    with serving(folder) as server:
        connection = http.client.HTTPConnection(*server.server_address, timeout=10)

        def ask(path, method="GET", **headers):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

        yield ask
        connection.close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        ("a.js", "text/javascript"),
        ("b.mjs", "text/javascript"),
        ("c.wasm", "application/wasm"),
        ("d.onnx", "application/octet-stream"),
        ("e%20f.json?query", "application/json"),
        ("digits.flac", "audio/flac"),
    ],
)
def test_files_have_types_and_pages_may_use_threads(name, kind, ask):
    status, headers, body = ask(f"/{name}")
    assert (status, headers["Content-Type"]) == (200, kind)
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert headers["Cache-Control"] == "no-cache"
    assert ask(f"/{name}", "HEAD")[1].items() == headers.items()
    assert int(headers["Content-Length"]) == len(body) > 0


@pytest.mark.parametrize(
    ("asked", "body", "shown"),
    [
        ("bytes=0-", DIGITS, None),
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=9-", b"9", "bytes 9-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", DIGITS, None),
        ("bytes=4-2", DIGITS, None),  # RFC 9110, 14.1.1: invalid, so the header is ignored
        ("bytes=0-1,3-4", DIGITS, None),
        ("lines=0-1", DIGITS, None),
        ("bytes=-", DIGITS, None),
        (f"bytes={'9' * 5000}-", DIGITS, None),
    ],
)
def test_parts_of_a_file(asked, body, shown, ask):
    status, headers, found = ask("/digits.flac", Range=asked)
    assert (status, found) == (206 if shown else 200, body)
    assert headers["Content-Range"] == shown
    assert headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_part_that_is_not_there(asked, ask):
    status, headers, body = ask("/digits.flac", Range=asked)
    assert (status, headers["Content-Range"], body) == (416, "bytes */10", b"")
    assert ask("/empty.json", Range="bytes=0-")[::2] == (200, b"")


def test_what_has_not_changed_is_not_sent_again(ask, folder):
    tag = ask("/digits.flac")[1]["ETag"]
    assert ask("/digits.flac", If_None_Match=tag)[::2] == (304, b"")
    assert ask("/digits.flac", If_Range=tag, Range="bytes=1-1")[::2] == (206, b"1")
    (folder / "digits.flac").write_bytes(b"9876543210")
    os.utime(folder / "digits.flac", (1, 1))
    assert ask("/digits.flac", If_None_Match=tag)[::2] == (200, b"9876543210")
    assert ask("/digits.flac", If_Range=tag, Range="bytes=1-1")[::2] == (200, b"9876543210")


def test_nothing_else_is_given_out(ask, folder):
    os.mkfifo(folder / "pipe")
    for path in (
        *("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/inner/", "/pipe"),
        *("/index.html/", "/no", "/%00", f"/{'x' * 5000}", "//secret.txt"),
    ):
        status, _, body = ask(path)
        assert (status, b"secret" in body) == (404, False), path
    assert ask("/inner")[:2][0] == 301
    assert ask("/inner")[1]["Location"] == "/inner/"
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask("/", method)[0] == 501
        assert ask("/")[0] == 200


def test_a_browser_that_goes_leaves_no_line(folder, capfd):
    (folder / "large.bin").write_bytes(bytes(1 << 24))
    with serving(folder) as server:
        for _ in range(3):
            with socket.create_connection(server.server_address) as connection:
                connection.sendall(b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
                connection.recv(10)
        with socket.create_connection(server.server_address) as connection:
            connection.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
            connection.recv(10)
    assert capfd.readouterr().err == ""


def test_another_error_is_printed(folder, monkeypatch, capfd):
    def fail(_):
        raise RuntimeError("a fault")

    monkeypatch.setattr(serve._Handler, "do_GET", fail)
    with serving(folder) as server, pytest.raises(http.client.RemoteDisconnected):
        urllib.request.urlopen(server.address, timeout=10)
    assert "RuntimeError: a fault" in capfd.readouterr().err


def test_the_only_page_of_a_folder_is_the_one_to_open(tmp_path):
    (tmp_path / "my map.html").touch()
    with serve.listening(tmp_path, "127.0.0.1", 0) as server:
        assert server.address == f"http://127.0.0.1:{server.server_address[1]}/my%20map.html"
    (tmp_path / "index.html").touch()
    with serve.listening(tmp_path, "127.0.0.1", 0) as server:
        assert server.address.endswith("/")


def test_a_page_whose_name_is_no_utf_8(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.html")).write_text("coffee")
    with serving(tmp_path) as server:
        assert server.address.endswith("/caf%E9.html")
        with urllib.request.urlopen(server.address) as answer:
            assert answer.read() == b"coffee"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"\xe9", "/%E9"),
        (b"\xe9", "/%e9?a#b"),
        (b"caf\xc3\xa9", "/caf%C3%A9"),
        (b"a?b#c%d", "/a%3Fb%23c%25d"),
        (b"%E9", "/%25E9"),
    ],
)
def test_names_of_any_bytes(name, path, ask, folder):
    (folder / os.fsdecode(name)).write_bytes(name)
    assert ask(path)[::2] == (200, name)
    assert ask(f"{path.partition('?')[0]}/")[0] == 404


def test_refusals(folder, capsys):
    with pytest.raises(VGGishError, match=r"no does not exist\. Make one: vggish-tf export"):
        serve.serve(folder / "no")
    with pytest.raises(VGGishError, match="is not a folder"):
        serve.serve(folder / "index.html")
    with pytest.raises(VGGishError, match=r"cannot listen on not\.a\.host\.invalid"):
        serve.serve(folder, host="not.a.host.invalid")
    with pytest.raises(VGGishError, match=r"port 70000: bind\(\): port must be 0-65535\. Choose"):
        serve.serve(folder, port=70_000)
    with serve.listening(folder, "127.0.0.1", 0) as server:
        port = str(server.server_address[1])
        assert cli.main(["serve", str(folder), "--port", port]) == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in line


def test_it_ends_with_ctrl_c(folder):
    command = [sys.executable, "-m", "vggish_tf", "serve", str(folder), "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(), **pipes) as it:
        line = it.stdout.readline()
        address = line.removeprefix(f"{folder}: ").split()[0]
        host, port = address.removeprefix("http://").rstrip("/").split(":")
        idle = socket.create_connection((host, int(port)))  # which must not keep it alive
        it.send_signal(signal.SIGINT)
        rest, errors = it.communicate(timeout=10)
        idle.close()
    assert (it.returncode, rest, errors) == (130, "", "vggish-tf: interrupted\n")


@pytest.mark.thorough
def test_chromium_finds_the_page_isolated(folder):
    """So that WebAssembly may have threads; and a module needs its type."""
    (folder / "b.mjs").write_text("export const answer = new SharedArrayBuffer(4).byteLength")
    with browser.chromium() as chromium, serving(folder) as server:
        page = chromium.new_page()
        page.goto(server.address)
        assert page.title() == "first"
        assert page.evaluate("crossOriginIsolated")
        assert page.evaluate("import('./b.mjs').then((module) => module.answer)") == 4
