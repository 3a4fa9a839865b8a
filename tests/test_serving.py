"""The serving recipe, examples/serve.py, in a process of its own: health, batches, signatures, bad requests.

The format is that of https://www.tensorflow.org/tfx/serving/api_rest; what is served is a small model with signatures
like those of an export, whose answers are known by hand.
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
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("starlette", reason="pip install '.[serve]'")
pytest.importorskip("uvicorn", reason="pip install '.[serve]'")
ROOT = Path(__file__).resolve().parents[1]
SERVE = ROOT / "examples" / "serve.py"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "model"
    module = tf.train.Checkpoint()
    module.double = tf.function(
        lambda waveform: {"embedding": 2 * waveform, "timestamps": tf.cast(waveform[:, :1], tf.float64)},
        [tf.TensorSpec((None, None), tf.float32, name="waveform")],
    )
    module.half = tf.function(lambda x: {"y": x / 2}, [tf.TensorSpec((None, 3), tf.float32, name="x")])
    tf.saved_model.save(module, str(folder), {"serving_default": module.double, "examples": module.half})
    with serving(folder) as address:
        yield address


@contextlib.contextmanager
def serving(folder):
    """The address of examples/serve.py over a SavedModel, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, SERVE, folder, "--port", str(port)])
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
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{address}:predict", json.dumps(body).encode())) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_health(url):
    (state,) = json.load(urllib.request.urlopen(url))["model_version_status"]
    assert state["state"] == "AVAILABLE"
    assert state["status"]["error_code"] == "OK"
    metadata = json.load(urllib.request.urlopen(f"{url}/metadata"))["metadata"]
    assert metadata["serving_default"]["inputs"] == {"waveform": "(None, None)"}


def test_rows(url):
    status, reply = post(url, {"instances": [{"waveform": [1.0, 2.0]}, {"waveform": [3.0, 4.0]}]})
    rows = [{"embedding": [2.0, 4.0], "timestamps": [1.0]}, {"embedding": [6.0, 8.0], "timestamps": [3.0]}]
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
    ],
)
def test_bad_requests_are_answered(url, body, says):
    status, reply = post(url, body)
    assert status == 400
    assert says in reply["error"]
    assert post(url, {"inputs": {"waveform": [[1.0]]}})[0] == 200  # and the server goes on


def test_the_client_of_the_docs_gets_the_embeddings_of_an_export(seeded_checkpoint, tmp_path, monkeypatch):
    from vggish_tf import Embedder
    from vggish_tf.jobs.export import export

    exported = export(seeded_checkpoint, tmp_path / "vggish", format="saved_model", pca=None)
    clip = shutil.copy(ROOT / "vggish_tf" / "data" / "demo.flac", tmp_path / "clip.flac")
    client = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "serving.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    with serving(exported) as address:
        names: dict = {}
        exec(client.replace("http://127.0.0.1:8501/v1/models/vggish", address), names)
    expected = Embedder(seeded_checkpoint).embed_file(clip)
    # JSON keeps every bit; the batches of the two are of other sizes, and the tolerance that of test_embedding.
    np.testing.assert_allclose(names["row"]["embedding"], expected.embedding, rtol=0, atol=1.7e-5)
    np.testing.assert_allclose(names["row"]["timestamps"], expected.timestamps, rtol=1e-12)
