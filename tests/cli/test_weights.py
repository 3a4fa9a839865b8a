"""Options for weights: untrained ones on request, with a warning; the output of fetch."""

import os
import subprocess
import sys

import numpy as np
import pytest

from vggish_tf import cli
from vggish_tf.formats import npz
from vggish_tf.weights import registry

pytestmark = pytest.mark.usefixtures("small_networks")


def test_untrained_weights_are_marked_everywhere(wav, tmp_path, capsys):
    assert cli.main(["embed", str(wav), "-o", str(tmp_path / "out.npz"), "--untrained"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "UNTRAINED WEIGHTS (random): the pipeline is real, the embeddings mean nothing.",
        f"{wav} → {tmp_path / 'out.npz'}: 2 rows",
    ]
    assert "these weights are untrained" in err
    embedding, _, provenance = npz.read(tmp_path / "out.npz")
    assert embedding.shape == (2, 128)
    weights = provenance["weights"]
    assert (weights["untrained"], weights["asked"], weights["published"]) == (
        True,
        "untrained",
        False,
    )
    assert weights["md5"] is None


def test_untrained_weights_are_the_same_each_time(wav, tmp_path, capsys):
    rows = []
    for name in ("a.npz", "b.npz"):
        assert cli.main(["embed", str(wav), "-o", str(tmp_path / name), "--untrained"]) == 0
        rows.append(npz.read(tmp_path / name)[0])
    np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize("weights", ["audioset", "my.ckpt"])
def test_weights_and_untrained_contradict_each_other(weights, wav, tmp_path, capsys):
    weights = "".join(list(weights))  # as from a shell; argparse asks if it is the very default
    arguments = [
        "embed",
        str(wav),
        "-o",
        str(tmp_path / "out.npz"),
        "--weights",
        weights,
        "--untrained",
    ]
    assert _status(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("not allowed with argument --weights")
    assert not (tmp_path / "out.npz").exists()


def _status(arguments):
    try:
        return cli.main(arguments)
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize("weights", ["", ".", "/", "~nobodyofthisname/x"])
def test_weights_that_are_no_file_are_one_line(weights, wav, tmp_path, capsys):
    assert cli.main(["embed", str(wav), "-o", str(tmp_path / "out.npz"), "--weights", weights]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "is a folder" in line or "there is no checkpoint at" in line


def test_a_pipe_as_weights_is_one_line(tmp_path, wav):
    """In a process of its own, since the digest is taken ahead in a thread that would hang."""
    os.mkfifo(tmp_path / "fifo.ckpt")
    code = "import sys; from vggish_tf import cli; sys.exit(cli.main())"
    options = ["-o", tmp_path / "out.npz", "--weights", tmp_path / "fifo.ckpt"]
    command = [sys.executable, "-c", code, "embed", wav, *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 4, result.stderr
    assert "is a pipe or a device." in result.stderr


def test_fetch_prints_both_digests(capsys, monkeypatch, tmp_path):
    """Oracle: coreutils."""
    path = tmp_path / "some.ckpt"
    path.write_bytes(b"weights")
    monkeypatch.setattr(registry, "fetch", lambda name: path)
    assert cli.main(["fetch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    sums = [
        subprocess.run([tool, path], capture_output=True, text=True, check=True).stdout.split()[0]
        for tool in ("md5sum", "sha256sum")
    ]
    assert lines == [str(path), f"  MD5      {sums[0]}", f"  SHA-256  {sums[1]}"] * 2


def test_absent_weights_say_how_to_go_on_without(wav, tmp_path, capsys):
    assert cli.main(["embed", str(wav), "-o", str(tmp_path / "out.npz")]) == 4
    line = capsys.readouterr().err
    for word in ("vggish-tf demo", "Embedder(None)", "embed --untrained"):
        assert word in line
