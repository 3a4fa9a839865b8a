"""The server examples/serve.py in its own process: health, batches, signatures, bad requests.

The format is that of https://www.tensorflow.org/tfx/serving/api_rest. The served model is small,
with signatures like those of an export and answers known by hand.
"""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import places
import pytest
import tensorflow as tf

pytestmark = pytest.mark.thorough

pytest.importorskip("starlette", reason="pip install '.[serve]'")
pytest.importorskip("uvicorn", reason="pip install '.[serve]'")
ROOT = places.ROOT
MAX_SAMPLES, MAX_BYTES = 1_000, 100_000  # as the server here is told
SERVE = ROOT / "examples" / "serve.py"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "model"
    module = tf.train.Checkpoint()
    module.double = tf.function(
        lambda waveform: {
            "embedding": 2 * waveform,
            "timestamps": tf.cast(waveform[:, :1], tf.float64),
        },
        [tf.TensorSpec((None, None), tf.float32, name="waveform")],
    )
    module.half = tf.function(
        lambda x: {"y": x / 2}, [tf.TensorSpec((None, 3), tf.float32, name="x")]
    )
    tf.saved_model.save(
        module, str(folder), {"serving_default": module.double, "examples": module.half}
    )
    with serving(
        folder, "--max-samples", str(MAX_SAMPLES), "--max-megabytes", str(MAX_BYTES / 1e6)
    ) as address:
        yield address


def nested(depth):
    return [nested(depth - 1)] if depth else 0.0


@contextlib.contextmanager
def serving(folder, *options):
    """The address of examples/serve.py over a SavedModel, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, SERVE, folder, "--port", str(port), *options])
    address = f"http://127.0.0.1:{port}/v1/models/vggish"
    try:
        wait_for(server, address)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def wait_for(server, address, seconds=90):
    for _ in range(seconds * 5):
        assert server.poll() is None, "the server has ended"
        try:
            return urllib.request.urlopen(address)
        except urllib.error.URLError:
            time.sleep(0.2)
    raise AssertionError("the server does not answer")


def post(address, body) -> tuple[int, dict]:
    return post_bytes(address, json.dumps(body).encode())


def post_bytes(address, body: bytes) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{address}:predict", body)) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_server_says_that_it_is_up_and_its_signatures(url):
    (state,) = json.load(urllib.request.urlopen(url))["model_version_status"]
    assert state["state"] == "AVAILABLE"
    assert state["status"]["error_code"] == "OK"
    metadata = json.load(urllib.request.urlopen(f"{url}/metadata"))["metadata"]
    assert metadata["serving_default"]["inputs"] == {"waveform": "(None, None)"}


def test_instances_are_answered_row_by_row(url):
    status, reply = post(url, {"instances": [{"waveform": [1.0, 2.0]}, {"waveform": [3.0, 4.0]}]})
    rows = [
        {"embedding": [2.0, 4.0], "timestamps": [1.0]},
        {"embedding": [6.0, 8.0], "timestamps": [3.0]},
    ]
    assert (status, reply) == (200, {"predictions": rows})


def test_columns_and_another_signature(url):
    status, reply = post(url, {"signature_name": "examples", "inputs": {"x": [[2, 4, 6]]}})
    assert (status, reply) == (200, {"outputs": {"y": [[1.0, 2.0, 3.0]]}})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "no signature"),
        ({"signature_name": "no", "inputs": {}}, "no signature 'no'"),
        ({}, "either"),
        ({"instances": [], "inputs": {}}, "either"),
        ({"instances": []}, "list of objects"),
        ({"instances": [{"waveform": [1.0]}, {"audio": [1.0]}]}, "same names"),
        ({"inputs": {"audio": [[1.0]]}}, "must be waveform"),
        ({"inputs": {"waveform": [1.0]}}, "shape"),
        ({"inputs": {"waveform": [[1.0], [1.0, 2.0]]}}, "inhomogeneous"),
        ({"inputs": {"waveform": [["loud"]]}}, "could not convert"),
        ({"inputs": {"waveform": [["0.5"]]}}, "could not convert"),
        ({"inputs": {"waveform": [[True, False]]}}, "could not convert"),
        ({"inputs": {"waveform": [[{}]]}}, "numbers in lists"),
        ({"signature_name": ["examples"], "inputs": {}}, "no signature ['examples']"),
        ({"signature_name": {"a": 1}, "inputs": {}}, "no signature {'a': 1}"),
        ({"signature_name": "x" * 10_000, "inputs": {}}, "no signature 'xxx"),
        ({"inputs": {"waveform": [[0.0, 10**400]]}}, "too large"),
        ({"inputs": {"waveform": nested(70)}}, "numbers in lists"),
        (
            {"inputs": {"waveform": [[0.0, 0.0], [0.0, float("nan")]]}},
            "must be finite; [1, 1] is nan",
        ),
        ({"inputs": {"waveform": [[0.0, float("-inf")]]}}, "must be finite; [0, 1] is -inf"),
        ({"inputs": {"waveform": [[0.0, 1e39]]}}, "must be finite; [0, 1] is inf"),
        (
            {"instances": [{"waveform": [0.0]}, {"waveform": [None]}]},
            "must be finite; [1, 0] is nan",
        ),
        ({"inputs": {"waveform": [[3e38]]}}, "the answer is not finite"),
    ],
)
def test_bad_requests_are_answered(url, body, says):
    check_refused(url, json.dumps(body).encode(), 400, says)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"inputs": {"waveform": [[' + b"1" * 5_000 + b"]]}}", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'"instances"', "must be an object"),
    ],
    ids=["nothing", "no text", "digits", "depth", "a word"],
)
def test_bad_json_is_answered(url, body, says):
    check_refused(url, body, 400, says)


def check_refused(url, body, status, says):
    refused, reply = post_bytes(url, body)
    assert refused == status
    assert says in reply["error"]
    assert len(reply["error"]) < 400
    assert "\n" not in reply["error"]
    assert post(url, {"inputs": {"waveform": [[1.0]]}})[0] == 200  # and the server goes on


def test_what_is_over_the_limits_is_answered(url):
    check_refused(
        url,
        json.dumps({"inputs": {"waveform": [[0] * (MAX_SAMPLES + 1)]}}).encode(),
        413,
        "at most 1,000",
    )
    rows = json.dumps({"instances": [{"waveform": [0]}] * 1_001}).encode()
    check_refused(url, rows, 413, "1,001 instances; at most 1,000")


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 1000000000000",
        pytest.param(b"Transfer-Encoding: chunked", marks=pytest.mark.slow),
    ],
)
def test_a_body_over_the_limit_is_not_read_to_its_end(url, header):
    """The reply comes while the client still sends, and has promised much more."""
    host, port = urllib.parse.urlsplit(url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /v1/models/vggish:predict HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n"
        )
        if b"chunked" in header:
            connection.sendall(b"%x\r\n" % (MAX_BYTES + 1) + b" " * (MAX_BYTES + 1) + b"\r\n")
        with connection.makefile("rb") as reply:
            assert reply.readline().startswith(b"HTTP/1.1 413")
            assert b"more than 100,000 bytes" in reply.read()
    assert post(url, {"inputs": {"waveform": [[1.0]]}})[0] == 200


@pytest.mark.slow
@pytest.mark.usefixtures("small_networks")
def test_the_client_of_the_docs_gets_the_embeddings_of_an_export(
    small_checkpoint, tmp_path, monkeypatch
):
    from vggish_tf import Embedder
    from vggish_tf.jobs.export import export

    exported = export(small_checkpoint, tmp_path / "vggish", format="saved_model", pca=None)
    clip = shutil.copy(ROOT / "vggish_tf" / "data" / "demo.flac", tmp_path / "clip.flac")
    client = re.search(
        r"```python\n(.*?)```",
        (ROOT / "docs" / "serving.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )[1]
    monkeypatch.chdir(tmp_path)
    with serving(exported) as address:
        names: dict = {}
        exec(client.replace("http://127.0.0.1:8501/v1/models/vggish", address), names)
    expected = Embedder(small_checkpoint).embed_file(clip)
    # JSON keeps every bit; the batches of the two are of other sizes, and the tolerance that of
    # test_embedding.
    np.testing.assert_allclose(names["row"]["embedding"], expected.embedding, rtol=0, atol=1.7e-5)
    np.testing.assert_allclose(names["row"]["timestamps"], expected.timestamps, rtol=1e-12)
