"""The folder that `--format web` writes. The network is small, and the runtime a few bytes.

Oracles: NumPy, which takes the kernels out of the ONNX file and runs the network in float64; the
reference front end; ONNX Runtime.
"""

import hashlib
import json
from importlib import resources

import keras
import numpy as np
import pytest
import small_network
import web_runtime
from cases import first, those
from numpy_network import numpy_layers
from signals import uniform_noise

from vggish_tf import Params, VGGish, VGGishError, cli
from vggish_tf.errors import UsageError
from vggish_tf.jobs import finetune
from vggish_tf.jobs.export import export
from vggish_tf.jobs.export.writers.web import front_end, graph, rounding, site, sounds
from vggish_tf.reference import mel_features, vggish_input

onnx = pytest.importorskip("onnx", reason="pip install '.[onnx]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("small_networks", "pretended_runtime")]
PRECISIONS = ("int8", "int4", "float16", "float32")
DENSE = ("fc1_1", "fc1_2", "fc2")


def kernels_of(path) -> dict[str, np.ndarray]:
    """Layer → the kernel (inputs, outputs) that its dense node has, read by NumPy alone."""
    made = onnx.load(path).graph
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in made.initializer}
    makers = {node.output[0]: node for node in made.node}
    dense = [node for node in made.node if node.op_type in ("Gemm", "MatMulNBits")]
    return {
        name: _kernel_of(node, arrays, makers).T for name, node in zip(DENSE, dense, strict=True)
    }


def _kernel_of(node, arrays, makers):
    first = arrays.get(node.input[1])
    if node.op_type == "MatMulNBits":
        numbers = np.stack([first % 16, first // 16], axis=-1).astype(float) - 8
        blocks = numbers.reshape(*first.shape[:2], -1) * arrays[node.input[2]][..., np.newaxis]
        attributes = {each.name: each.i for each in node.attribute}
        return blocks.reshape(len(blocks), -1)[:, : attributes["K"]]
    if first is not None:
        return first.astype(float)
    maker = makers[node.input[1]]
    stored, *scales = (arrays[name].astype(float) for name in maker.input)
    return stored * scales[0][:, np.newaxis] if scales else stored


def run(path, examples):
    return onnxruntime.InferenceSession(path).run(None, {"input_features": examples})[0]


@pytest.mark.parametrize("precision", those({"float32", "int8"}.__contains__, PRECISIONS))
def test_the_file_is_the_network_with_the_kernels_that_it_stores(precision, small, tmp_path):
    folder = export(small, tmp_path / "site", format="web", precision=precision)
    kernels = kernels_of(folder / "vggish.onnx")
    weights = small_network.by_name(small)
    for name, kernel in kernels.items():
        scope = name if name == "fc2" else f"fc1/{name}"
        exact = weights[f"vggish/{scope}/weights"]
        steps = {"int8": 1.01 / 127, "int4": 1.5 / 7.6, "float16": 2**-11, "float32": 1e-9}
        limit = steps[precision] * np.abs(exact).max(axis=0)
        assert (np.abs(kernel - exact) <= limit).all()
        weights[f"vggish/{scope}/weights"] = kernel
    examples = uniform_noise(3, 96, 64) * 8
    *_, (_, expected) = numpy_layers(examples, weights)
    found = run(folder / "vggish.onnx", examples)
    # convolutions of float16 are not in the oracle: 2^-11 a weight
    tolerance = 2e-3 if precision == "float16" else 1e-5
    np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("outputs", [1, 300])  # beyond one part
def test_rounding_errors_cancel(outputs):
    kernel = np.random.default_rng(0).standard_normal((outputs, 1000)).astype(np.float32)
    integers, scales = rounding.eight_bits(kernel)
    errors = kernel / scales[:, np.newaxis] - integers
    assert np.abs(integers).max() == 127
    assert np.abs(errors).max() < 1
    assert (np.abs(errors) > 0.5).mean() < 0.05  # few of them go the other way
    assert np.abs(errors.sum(axis=1)).max() < 0.51
    nearest = kernel / scales[:, np.newaxis] - np.rint(kernel / scales[:, np.newaxis])
    assert outputs == 1 or np.abs(nearest.sum(axis=1)).max() > 2


@pytest.mark.parametrize("inputs", [1, 63, 64, 65, 200])
def test_four_bits_of_any_width_by_onnx_runtime(inputs):
    """Its own dequantization against NumPy's; and zeros, which have no scale."""
    kernel = np.random.default_rng(1).standard_normal((5, inputs)).astype(np.float32)
    kernel[2] = 0
    packed, scales = rounding.four_bits(kernel)
    blocks = -(-inputs // 64)
    assert (packed.shape, scales.shape) == ((5, blocks, 32), (5, blocks))
    step = graph.Step("Gemm", (kernel, np.zeros(5, np.float32)), {}, "fc1_1")
    multiply, _ = graph.STORED["int4"](step, *step.constants)
    node = onnx.helper.make_node(
        "MatMulNBits", ["a", "b", "c"], ["d"], domain="com.microsoft", **multiply.attributes
    )
    ends = [onnx.helper.make_tensor_value_info(name, 1, (None, None)) for name in "ad"]
    constants = [
        onnx.numpy_helper.from_array(array, name) for array, name in ((packed, "b"), (scales, "c"))
    ]
    made = onnx.helper.make_graph([node], "g", ends[:1], ends[1:], constants)
    versions = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.microsoft", 1)]
    model = onnx.helper.make_model(made, opset_imports=versions, ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found = session.run(None, {"a": np.eye(inputs, dtype=np.float32)})[0].T
    largest = np.abs(
        np.pad(kernel, ((0, 0), (0, 64 * blocks - inputs))).reshape(5, blocks, 64)
    ).max(-1)
    limit = np.repeat(largest, 64, axis=1)[:, :inputs] * 1.5 / 7.6
    assert (np.abs(found - kernel) <= limit + 1e-7).all()
    assert not found[2].any()
    place = np.abs(kernel).argmax(axis=1)[:, np.newaxis]  # 8 steps from zero, whatever its sign
    kept = np.take_along_axis(kernel, place, 1) * rounding.KEPT
    np.testing.assert_allclose(np.take_along_axis(found, place, 1), kept, rtol=1e-6)


def test_the_folder_and_its_manifest(small, tmp_path, capsys):
    folder = export(small, tmp_path / "site", format="web")
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}
    pages = {path.name: path.read_bytes() for path in site._page()}
    assert pages.items() <= files.items()
    own = {"manifest.json", "front_end.json", "vggish.onnx", "demo.flac", "demo.json"}
    runtime = {f"runtime/{name}" for name in (*web_runtime.CONTENTS, "ThirdPartyNotices.txt")}
    assert set(files) - set(pages) == own | runtime
    assert "Microsoft" in (folder / "runtime" / "LICENSE").read_text()
    about = json.loads(files["manifest.json"])
    assert (about["format"], about["precision"]) == ("web", "int8")
    network = files["vggish.onnx"]
    digest = hashlib.sha256(network).hexdigest()
    assert about["network"] == {"file": "vggish.onnx", "bytes": len(network), "sha256": digest}
    digests = {
        name: hashlib.sha256(each).hexdigest() for name, each in web_runtime.CONTENTS.items()
    }
    assert about["runtime"]["files"] == digests
    assert (about["runtime"]["version"], about["runtime"]["licence"]) == ("1.30.0", "MIT")
    assert Params(**about["params"]) == Params()
    printed = capsys.readouterr().out
    assert f"{folder}: web, int8; largest difference" in printed
    for name, cosine in about["cosines"].items():
        assert f"  {name:<8} {cosine:.6f}" in printed


def test_cosines_are_the_lowest_of_a_row(small, tmp_path):
    """Oracle: the reference front end, the Keras network, and cosines written out."""
    folder = export(small, tmp_path / "site", format="web", precision="int4")
    found = json.loads((folder / "manifest.json").read_text())["cosines"]
    assert list(found) == ["speech", "music", "street", "noise", "silence"]
    names = [layer.name for layer in small.layers]
    network = keras.Model(small.layers[names.index("examples")].output, small.output)
    for name, waveform in sounds.sounds(Params()).items():
        examples = vggish_input.waveform_to_examples(waveform.astype(float), 16_000)
        expected = np.asarray(network(examples[np.newaxis].astype(np.float32)))[0]
        rows = zip(run(folder / "vggish.onnx", examples.astype(np.float32)), expected, strict=True)
        cosines = [a @ b / np.sqrt((a @ a) * (b @ b)) for a, b in rows]
        assert len(cosines) == {"speech": 2, "music": 8, "silence": 1}.get(name, 4)
        assert found[name] == pytest.approx(min(cosines), abs=1e-6)
        assert found[name] < 1


def test_rows_of_zeros_have_a_cosine():
    zeros, ones = np.zeros((1, 2, 3)), np.ones((1, 2, 3))
    assert site._lowest_cosine(zeros, zeros) == 1
    assert site._lowest_cosine(zeros, ones) == 0


def test_sounds_are_long_enough_for_any_front_end():
    params = Params(sample_rate=8000, mel_max_hz=3999, example_window_seconds=7.0)
    for name, waveform in sounds.sounds(params).items():
        assert waveform.dtype == np.float32
        assert len(waveform) >= params.min_samples, name
        assert np.abs(waveform).max() <= 1.5
        assert waveform.any() == (name != "silence")


MORE_PARAMS = [
    Params(),
    Params(example_hop_seconds=0.48),
    Params(sample_rate=8000, mel_max_hz=3800),
    Params(num_mel_bins=32, stft_hop_seconds=0.02, log_offset=0.1),
    Params(sample_rate=44_100, mel_max_hz=20_000, num_mel_bins=80),
]


@pytest.mark.parametrize("params", MORE_PARAMS)
def test_the_front_end_as_data_makes_the_reference_s_log_mel(params):
    """By what the page is told alone, in float64."""
    about = json.loads(json.dumps(front_end.describe(params)))
    clip = uniform_noise(about["min_samples"] + 5 * about["hop_length"]).astype(float)
    expected = mel_features.log_mel_spectrogram(
        clip,
        audio_sample_rate=about["sample_rate"],
        log_offset=about["log_offset"],
        window_length_secs=params.stft_window_seconds,
        hop_length_secs=params.stft_hop_seconds,
        num_mel_bins=about["num_mel_bins"],
        lower_edge_hertz=params.mel_min_hz,
        upper_edge_hertz=params.mel_max_hz,
    )
    length, hop = about["window_length"], about["hop_length"]
    frames = np.stack([clip[s : s + length] for s in range(0, len(clip) - length + 1, hop)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    magnitudes = np.abs(np.fft.rfft(frames * window, about["fft_length"]))
    mel = np.stack(
        [
            magnitudes[:, each["first"] : each["first"] + len(each["weights"])] @ each["weights"]
            for each in about["mel_matrix"]
        ],
        axis=1,
    )
    np.testing.assert_allclose(np.log(mel + about["log_offset"]), expected, atol=1e-12)
    assert len(about["peak_hertz"]) == about["num_mel_bins"]
    assert params.mel_min_hz < about["peak_hertz"][0] < about["peak_hertz"][-1] < params.mel_max_hz


def test_the_published_front_end():
    """DESIGN's figures of the mel matrix, and lengths."""
    about = front_end.describe(Params())
    weights = [weight for each in about["mel_matrix"] for weight in each["weights"]]
    assert np.sum(weights) == pytest.approx(230.9135991608477, abs=1e-12)
    assert np.count_nonzero(weights) == len(weights) == 461
    row = {
        number: each["weights"][32 - each["first"]]
        for number, each in enumerate(about["mel_matrix"])
        if 0 <= 32 - each["first"] < len(each["weights"])
    }
    # the last digits are those of NumPy's logarithm, by its version and the processor
    assert row == pytest.approx({19: 0.5363006319091846, 20: 0.4636993680908154}, abs=1e-12)
    lengths = ("window_length", "hop_length", "fft_length", "num_frames", "example_hop_frames")
    assert [about[name] for name in lengths] == [400, 160, 512, 96, 96]
    assert about["min_samples"] == 15_600
    assert mel_features.hertz_to_mel(about["peak_hertz"][0]) == pytest.approx(Params().mel_edges[1])


@pytest.mark.filterwarnings("ignore:mel bins:UserWarning")
def test_a_mel_bin_without_an_fft_bin_has_no_weights():
    bins = front_end.describe(Params(mel_min_hz=20, num_mel_bins=128))["mel_matrix"]
    assert any(not each["weights"] for each in bins)


@pytest.mark.filterwarnings("ignore:the front end is not")
@pytest.mark.parametrize("params", first(1, MORE_PARAMS[1:4]))
def test_other_params_make_other_pages(params, tmp_path):
    model = small_network.randomize(small_network.vggish("waveform", params=params))
    folder = export(model, tmp_path / "site", format="web", precision="float32")
    shape = (2, params.num_frames, params.num_mel_bins)
    assert run(folder / "vggish.onnx", np.zeros(shape, np.float32)).shape == (2, 128)
    about = json.loads((folder / "front_end.json").read_text())
    assert about["sample_rate"] == params.sample_rate
    assert about["example_hop_frames"] == params.example_hop_frames
    manifest = json.loads((folder / "manifest.json").read_text())
    assert Params(**manifest["params"]) == params
    assert min(manifest["cosines"].values()) > 0.999999


def test_untrained_weights_are_called_so_and_no_folder_of_this_machine_is(tmp_path, capsys):
    folder = export(VGGish(None), tmp_path / "site", format="web")
    assert "UNTRAINED" in capsys.readouterr().out
    assert json.loads((folder / "manifest.json").read_text())["weights"]["untrained"] is True
    model = tmp_path / "my weights.keras"
    small_network.vggish().save(model)
    folder = export(model, tmp_path / "other", format="web")
    text = (folder / "manifest.json").read_text()
    weights = json.loads(text)["weights"]
    assert (weights["asked"], weights["path"]) == ("my weights.keras", None)
    assert len(weights["values_sha256"]) == 64
    assert str(tmp_path) not in text


def refused(*args, **options) -> str:
    with pytest.raises(VGGishError) as caught:
        export(*args, format="web", **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_has_no_place_in_it_is_refused(small, tmp_path):
    path = tmp_path / "site"
    for option, value in (("postprocess", "pca"), ("input_rate", 44_100)):
        assert f"{option}={value!r} does not apply to it" in refused(small, path, **{option: value})
    assert "fixed_shape=1.0 does not apply to it" in refused(small, path, fixed_shape=1.0)
    assert "precision must be 'int8', 'int4', 'float16' or 'float32'" in refused(
        small, path, precision="int2"
    )
    with pytest.raises(UsageError, match=r"finetune\.network\(model\), path, format='web'"):
        export(finetune.classifier(3, weights=None), path, format="web")
    assert not list(tmp_path.iterdir())


def test_only_an_earlier_page_is_replaced(small, tmp_path):
    path = export(small, tmp_path / "site", format="web", precision="float32")
    assert "already exists. Choose another name, or pass overwrite=True" in refused(small, path)
    (path / "old.js").touch()
    export(small, path, format="web", overwrite=True)
    assert not (path / "old.js").exists()
    assert json.loads((path / "manifest.json").read_text())["precision"] == "int8"
    app = tmp_path / "app"  # somebody's page, with the manifest of a web app
    app.mkdir()
    for name in ("index.html", "manifest.json"):
        (app / name).write_text("mine")
    assert "is a folder" in refused(small, app, overwrite=True)
    file = tmp_path / "file"
    file.write_text("mine")
    assert "already exists" in refused(small, file)
    assert "it is a file. Give the name of a folder" in refused(small, file, overwrite=True)
    assert {name.read_text() for name in app.iterdir()} == {"mine"}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["app", "file", "site"]


@pytest.mark.parametrize("format", ["web", "saved_model", "onnx"])
@pytest.mark.parametrize("path", [".", ".."])
def test_folders_without_a_name_are_refused(format, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "front_end.json").touch()
    with pytest.raises(VGGishError, match="it has no name"):
        export(object(), path, format=format, overwrite=True)


@pytest.mark.parametrize(
    "error", first(1, [OSError(28, "No space left on device"), KeyboardInterrupt])
)
def test_an_export_that_breaks_off_leaves_what_was_there(error, small, tmp_path, monkeypatch):
    path = export(small, tmp_path / "site", format="web", precision="float32")
    before = {each: each.read_bytes() for each in path.rglob("*.*")}
    write = graph.write

    def broken(target, *args):
        write(target, *args)
        raise error

    monkeypatch.setattr(graph, "write", broken)
    with pytest.raises((KeyboardInterrupt, OSError)) as caught:
        export(small, path, format="web", overwrite=True)
    assert isinstance(error, type) or str(caught.value) == (
        f"[Errno 28] No space left on device: '{path}'"
    )
    assert {each: each.read_bytes() for each in path.rglob("*.*")} == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_that_differs_is_refused(small, tmp_path, monkeypatch):
    """Oracle: four bits under the tolerance of eight."""
    monkeypatch.setitem(graph.STORED, "int8", graph.STORED["int4"])
    monkeypatch.setattr(rounding, "KEPT", np.float32(0.4))
    assert "does not agree with the live model" in refused(small, tmp_path / "site")
    assert not list(tmp_path.iterdir())


def test_the_runtime_is_looked_for_before_tensorflow_is_imported(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cli.process, "import_tensorflow", lambda: pytest.fail("imported"))
    monkeypatch.setenv("VGGISH_TF_CACHE", str(tmp_path / "none"))
    command = ["export", "--format", "web", "-o", str(tmp_path / "site"), "--weights", "no.ckpt"]
    assert cli.main(command) == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot fetch ort.wasm.bundle.min.mjs, " in line
    assert "VGGISH_TF_OFFLINE is set. Put the files from https://" in line
    assert str(tmp_path / "none" / "onnxruntime-web-1.30.0") in line


def test_the_clip_s_parts_are_where_its_table_says():
    table = json.loads((resources.files("vggish_tf") / "data" / "demo.json").read_text())
    starts = {each["label"]: (each["start"], each["end"]) for each in table["segments"]}
    assert starts["speech"] == (0, 2.88)
    lengths = {name: len(each) for name, each in sounds.sounds(Params()).items()}
    assert lengths["speech"] == int(2.88 * 16_000)
    assert lengths["music"] == 3 * int(2.88 * 16_000)
