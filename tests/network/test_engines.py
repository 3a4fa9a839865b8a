"""Engines besides Keras's backends: what holds of the Keras network holds of them."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import signals

from vggish_tf import Embedder, Params, VGGish, VGGishError
from vggish_tf.network import engines, plan
from vggish_tf.network.plan import Machine, Plan
from vggish_tf.weights import engine_files

pytest.importorskip("onnx")
pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(params=["openvino", "onnxruntime"])
def engine(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture
def clip():
    return signals.demo_clip()[: 3 * signals.RATE]


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """The folder of the engines' files, in a cache of its own."""
    monkeypatch.setenv("VGGISH_TF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / engine_files.FOLDER


def check_alike(found, expected):
    assert len(found)
    # float32 sums in another order
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    "settings",
    [{}, {"params": Params(example_hop_seconds=0.48)}, {"profile": "tf-2017"}],
    ids=["plain", "overlapping", "with a ReLU"],
)
def test_an_engine_gives_the_rows_of_keras(settings, engine, small_checkpoint, clip):
    made = (Embedder(small_checkpoint, engine=name, **settings) for name in (engine, "keras"))
    check_alike(*(each(clip, signals.RATE).embedding for each in made))


def test_it_quantizes(engine, small_checkpoint, clip, pca_params, folder):
    folder.parent.mkdir()
    (folder.parent / pca_params.name).write_bytes(pca_params.read_bytes())
    made = [
        Embedder(small_checkpoint, engine=name, postprocess="quantized")(clip, signals.RATE)
        for name in (engine, "keras")
    ]
    found, expected = (each.embedding.astype(int) for each in made)
    assert made[0].embedding.dtype == np.uint8
    assert np.abs(found - expected).max() <= 1  # where 1e-5 crosses the border of a step


@pytest.mark.filterwarnings("ignore:these weights are untrained")
def test_other_shapes_of_examples(engine, clip):
    """50 bands and 49 frames: the pools meet odd sizes, whose last row they take alone."""
    params = Params(num_mel_bins=50, example_window_seconds=0.49, example_hop_seconds=0.49)
    model = VGGish(None, params=params)
    made = (Embedder(model, engine=name) for name in (engine, "keras"))
    check_alike(*(each(clip, signals.RATE).embedding for each in made))


@pytest.fixture
def with_bfloat16(monkeypatch):
    """A processor that seems to multiply bfloat16: OpenVINO computes in float32 if it does not."""
    monkeypatch.setattr(plan, "this_machine", lambda: Machine(True, True, True))


@pytest.mark.usefixtures("with_bfloat16")
@pytest.mark.parametrize("arithmetic", ["float32", "bfloat16"])
def test_threads_share_an_embedder(arithmetic, small_checkpoint):
    pytest.importorskip("openvino")
    run = Embedder(small_checkpoint, plan=Plan("openvino", arithmetic)).embed_examples
    batches = np.random.default_rng(0).uniform(-4, 4, (40, 8, 96, 64)).astype(np.float32)
    with ThreadPoolExecutor(4) as pool:
        for found, batch in zip(pool.map(run, batches), batches, strict=True):
            np.testing.assert_array_equal(found, run(batch))


@pytest.mark.usefixtures("with_bfloat16")
@pytest.mark.parametrize("arithmetic", ["float32", "bfloat16"])
def test_an_example_that_is_not_finite_spoils_its_row_alone(arithmetic, small_checkpoint):
    pytest.importorskip("openvino")
    network = Embedder(small_checkpoint, plan=Plan("openvino", arithmetic), pad="never")._network
    examples = np.random.default_rng(0).uniform(-4, 4, (3, 96, 64)).astype(np.float32)
    expected = network(examples)
    examples[1, 5, 5] = np.inf
    rows = network(examples)
    assert np.isnan(rows[1]).all()
    np.testing.assert_array_equal(rows[[0, 2]], expected[[0, 2]])
    assert network(examples[:0]).shape == (0, 128)


def test_bfloat16_leaves_conv1_to_keras(tmp_path, small_checkpoint, with_bfloat16):
    """Oracle: the operators of the file."""
    import onnx

    pytest.importorskip("openvino")
    embedder = Embedder(small_checkpoint, plan=Plan("openvino", "bfloat16"))
    assert embedder.provenance["computed"]["arithmetic"] == "bfloat16"
    values = {
        name: (np.zeros((3, 3, 4, 4) if width == 4 else (96, width), np.float32), np.zeros(width))
        for name, width in [*engines.backbone.CONVOLUTIONS, *engines.backbone.DENSE]
        if width
    }
    counts = {}
    for arithmetic in ("float32", "bfloat16"):
        path = tmp_path / f"{arithmetic}.onnx"
        engines.write(path, Params(), values, Plan("openvino", arithmetic))
        operators = [node.op_type for node in onnx.load(path).graph.node]
        counts[arithmetic] = [operators.count(kind) for kind in ("Conv", "MaxPool", "Gemm")]
    assert counts == {"float32": [6, 4, 3], "bfloat16": [5, 3, 3]}


def test_the_file_is_made_once_and_again_if_it_is_damaged(engine, small_checkpoint, clip, folder):
    made = Embedder(small_checkpoint, engine=engine)(clip, signals.RATE).embedding
    (path,) = folder.glob("*.onnx")
    before = path.stat().st_ino
    Embedder(small_checkpoint, engine=engine)
    assert path.stat().st_ino == before
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    again = Embedder(small_checkpoint, engine=engine)(clip, signals.RATE).embedding
    assert path.stat().st_ino != before
    np.testing.assert_array_equal(again, made)
    path.with_name(f"{path.name}.sha256").write_bytes(b"\xff damaged")
    Embedder(small_checkpoint, engine=engine)
    assert len(path.with_name(f"{path.name}.sha256").read_bytes()) == 64


def test_a_cache_that_cannot_be_written_to_is_no_error(engine, small_checkpoint, clip, folder):
    folder.parent.write_text("no folder", encoding="utf-8")
    assert len(Embedder(small_checkpoint, engine=engine)(clip, signals.RATE).embedding) == 3


def test_a_cache_that_may_only_be_read_is_used(folder, monkeypatch):
    made = []
    with engine_files.kept("a.onnx", lambda path: path.write_text("a")):
        pass

    def refuse(*args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    with engine_files.kept("a.onnx", made.append) as path:
        assert path.read_text() == "a"
    assert not made


def test_no_room_anywhere_is_said(folder, monkeypatch):
    def write(path):
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(
            VGGishError, match=r"No space left on device\. Set VGGISH_TF_CACHE or TMPDIR"
        ),
        engine_files.kept("a.onnx", write),
    ):
        pass
    assert not any(folder.iterdir())


def test_what_killed_processes_left_goes(folder):
    left, fresh, foreign = folder / ".a.onnx.1", folder / ".b.onnx.2", folder / "old.onnx"
    for each in (left, fresh, foreign):
        each.mkdir(parents=True)
        (each / "part").write_text("0")
    for each in (left, foreign):
        os.utime(each, (1, 1))
    for number in range(6):
        with engine_files.kept(f"{number}.onnx", lambda path: path.write_text("a")):
            pass
    assert not left.exists()
    assert fresh.exists()
    assert foreign.exists()
    assert len([path for path in folder.glob("[!.]*.onnx") if path.is_file()]) == 4


def test_a_network_too_large_for_a_file_is_said(tmp_path, monkeypatch):
    values = {"conv1": (np.zeros((3, 3, 1, 4), np.float32), np.zeros(4, np.float32))}
    monkeypatch.setattr(engines, "MOST_BYTES", 159)
    with pytest.raises(VGGishError, match=r"has 160 bytes.*Use engine='keras'"):
        engines.write(tmp_path / "a.onnx", Params(), values, Plan("openvino"))


def test_openvino_says_that_it_computes_in_float32(small_checkpoint, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setattr(plan, "this_machine", lambda: Machine(True, True, False))
    made = Embedder(small_checkpoint, plan=Plan("openvino", "bfloat16"))
    assert made.provenance["computed"]["arithmetic"] == "float32"


def test_only_the_last_few_files_are_kept(folder):
    for number in range(6):
        with engine_files.kept(f"{number}.onnx", lambda path: path.write_text(path.name)) as path:
            assert path.read_text() == path.name
        os.utime(path, (number, number))  # a file system may count in seconds
    kept = {f"{number}.onnx" for number in range(2, 6)}
    assert {path.name for path in folder.iterdir()} == kept | {f"{name}.sha256" for name in kept}


def test_a_pickled_copy_takes_the_plan_of_its_own_machine(small_checkpoint, monkeypatch, clip):
    embedder = Embedder(small_checkpoint, precision="bfloat16")
    assert embedder.provenance  # which must not go along
    pickled = pickle.dumps(embedder)
    for has_bfloat16 in (False, True):
        machine = Machine(True, True, has_bfloat16)
        monkeypatch.setattr(plan, "this_machine", lambda machine=machine: machine)
        copy = pickle.loads(pickled)
        assert copy.provenance["computed"]["arithmetic"] == copy.plan.arithmetic
        assert copy.plan.arithmetic == ("bfloat16" if has_bfloat16 else "float32")
        assert len(copy(clip, signals.RATE).embedding) == 3
        assert f"arithmetic='{copy.plan.arithmetic}'" in repr(copy)
    given = pickle.loads(pickle.dumps(Embedder(small_checkpoint, plan=Plan())))
    assert given.plan == Plan()  # as it was asked for
