"""Weights of every program that writes them: the same values to the last bit, found by content."""

import json
import os
import subprocess
import sys

import numpy as np
import other_programs
import pytest
from refusals import message_of
from small_network import arrays, by_name, check_nothing_is_loaded, vggish, write_with_tf1

from vggish_tf import checkpoints
from vggish_tf.errors import VGGishError
from vggish_tf.weights import pca, readers

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(scope="module")
def files(source, tmp_path_factory):
    """A function: the name of a file of the source's weights → its path. Do not change it."""
    import small_network

    folder, made = tmp_path_factory.mktemp("others"), {}

    def path_of(name):
        if name not in made:
            with small_network.shrunken():
                made[name] = other_programs.WRITERS[name](folder / name, by_name(source))
        return made[name]

    return path_of


@pytest.mark.parametrize("name", other_programs.WRITERS)
def test_a_file_of_each_program_loads(name, source, files):
    model = vggish()
    checkpoints.load_weights(model, files(name))
    for found, expected in zip(arrays(model), arrays(source), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", other_programs.WRITERS)
def test_the_name_of_a_file_says_nothing(name, source, files, tmp_path):
    path = tmp_path / "weights"
    path.symlink_to(files(name))
    found = checkpoints.read(path)
    assert list(found) == list(by_name(source))
    assert all(np.array_equal(found[n], value) for n, value in by_name(source).items())


def test_what_else_a_file_holds_is_named(files, tmp_path, source):
    for name, expected in {
        "w-hc.pth": ("classifier.0.weight", "classifier.2.weight"),
        "torchvggish_with_pca.pth": ("pproc.pca_eigen_vectors", "pproc.pca_means"),
        "tf_hub": ("step",),
    }.items():
        with readers.opened(registry_path(files(name))) as opened:
            assert opened.extras == expected


def registry_path(path):
    from vggish_tf.weights import registry

    return registry.resolve(path)


@pytest.mark.parametrize("stranger", ["features.16.weight", "embeddings.6.bias"])
def test_a_layer_more_in_a_torch_network_is_an_error(stranger, source, tmp_path):
    torch = pytest.importorskip("torch")
    state = other_programs.state_dict(by_name(source))
    torch.save({**state, stranger: torch.zeros(3)}, tmp_path / "more.pth")
    message = check_nothing_is_loaded(tmp_path / "more.pth")
    assert message == (
        f"checkpoint does not match the model: unused '{stranger}'. Nothing was loaded."
    )


def test_a_network_without_its_top_is_an_error_that_says_what_is_missing(source, tmp_path):
    values = by_name(source)
    path = other_programs.keras_2(tmp_path / "top.h5", values, other_programs.DTAOO)
    import h5py

    with h5py.File(path, "a") as file:
        kept = [name for name in file.attrs["layer_names"] if "fc" not in str(name)]
        file.attrs["layer_names"] = kept
    message = check_nothing_is_loaded(path)
    assert "missing 'vggish/fc1/fc1_1/weights' (96, 16)" in message


def test_two_networks_in_one_file_are_an_error(source, tmp_path):
    values = by_name(source)
    both = {f"{scope}/{name}": value for scope in "ab" for name, value in values.items()}
    path = write_with_tf1(tmp_path / "both.ckpt", both)
    assert "it holds more than one VGGish, under the names 'a/', 'b/'." in (
        check_nothing_is_loaded(path)
    )
    path = write_with_tf1(tmp_path / "one.ckpt", {**values, **both})  # the published names win
    checkpoints.load_weights(vggish(), path)


def test_names_of_two_layouts_are_not_put_together(source, tmp_path):
    """Of half the layers by one program's names and half by another's, nothing is loaded."""
    values = by_name(source)
    names = list(values)
    mixed = {name: values[name] for name in names[:10]}
    turned = map(other_programs.as_torch, values.values())
    other = dict(zip(other_programs.torch_names(), turned, strict=True))
    mixed |= {name: other[name] for name in list(other)[10:]}
    from safetensors.numpy import save_file

    save_file(mixed, tmp_path / "mixed.safetensors")
    message = check_nothing_is_loaded(tmp_path / "mixed.safetensors")
    assert "missing 'vggish/conv4/conv4_2/weights'" in message


def test_a_larger_torch_model_has_embeddings_of_its_own(source, tmp_path):
    """BERT's tensors have `embeddings` in their names, too."""
    torch = pytest.importorskip("torch")
    state = other_programs.state_dict(by_name(source))
    state = {f"audio.{name}": value for name, value in state.items()}
    more = {"text.embeddings.word_embeddings.weight": torch.ones(3, 2)}
    torch.save({**state, **more}, tmp_path / "larger.pth")
    model = vggish()
    checkpoints.load_weights(model, tmp_path / "larger.pth")
    assert all(np.array_equal(a, b) for a, b in zip(arrays(model), arrays(source), strict=True))


def test_a_graph_is_read_by_its_flow_and_not_by_names(source, tmp_path):
    """The constants have the names of other layers."""
    values = by_name(source)
    path = other_programs.frozen_graph(
        tmp_path / "turned.pb", values, names=list(reversed([*values]))
    )
    found = checkpoints.read(path)
    assert all(np.array_equal(found[name], value) for name, value in values.items())


def test_a_graph_with_other_layers_is_an_error(tmp_path):
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, 8, 8, 1))
        tf.nn.conv2d(x, tf.constant(np.ones((3, 3, 1, 2), np.float32)), 1, "SAME")
        (tmp_path / "other.pb").write_bytes(graph.as_graph_def().SerializeToString())
    assert "its graph has 1 convolutions of 3×3 with constant kernels, and 0 products" in (
        check_nothing_is_loaded(tmp_path / "other.pb")
    )


def test_onnx_with_its_weights_in_another_file_is_an_error(files, tmp_path):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(files("torch.onnx"))
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0)
    assert " is in another file. " in check_nothing_is_loaded(tmp_path / "m.onnx")


def test_a_pickled_module_is_not_executed(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(Trap(str(tmp_path / "trapped")), tmp_path / "module.pth")
    message = check_nothing_is_loaded(tmp_path / "module.pth")
    assert "it is damaged, or holds more than tensors" in message
    assert not (tmp_path / "trapped").exists()
    torch.load(tmp_path / "module.pth", weights_only=False)  # the trap works
    assert (tmp_path / "trapped").exists()


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(("library", "name"), [("torch", "torchaudio.pt"), ("onnx", "torch.onnx")])
def test_a_library_that_is_missing_is_named(library, name, files, monkeypatch):
    path = files(name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(VGGishError, match=rf"is not installed\. .*pip install '\.\[{library}\]'"):
        checkpoints.load_weights(vggish(), path)


def test_no_reader_is_imported_before_it_is_needed():
    code = "import sys, vggish_tf.weights.readers; print({'torch', 'onnx', 'tensorflow', 'h5py'}"
    code += " & set(sys.modules))"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True).stdout.strip() == "set()"


# Numbers of other dtypes, and axes in another order


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("library", ["torch", "safetensors", "tf1", "onnx"])
def test_other_floating_point_numbers_become_float32(library, dtype, source, tmp_path):
    values = {name: value.astype(dtype) for name, value in by_name(source).items()}
    if library == "torch":
        torch = pytest.importorskip("torch")
        state = other_programs.state_dict(by_name(source))
        kind = getattr(torch, dtype)
        torch.save({name: tensor.to(kind) for name, tensor in state.items()}, tmp_path / "file")
    elif library == "safetensors":
        write_safetensors_of(tmp_path / "file", values)
    elif library == "tf1":
        write_with_tf1(tmp_path / "file", values, "V2")  # V1 has no bfloat16
    elif dtype != "float64":  # ONNX's convolutions take no others
        pytest.skip("Conv and Gemm of one dtype need the input of the same")
    else:
        other_programs.onnx(tmp_path / "file", values)
    model = vggish()
    checkpoints.load_weights(model, tmp_path / "file")
    for name, value in by_name(model).items():
        np.testing.assert_array_equal(value, values[name].astype(np.float32))


def write_safetensors_of(path, values):
    """By hand: the package's writer for NumPy has no bfloat16."""
    header, end, body = {}, 0, b""
    kinds = {"float16": "F16", "bfloat16": "BF16", "float64": "F64", "int32": "I32"}
    for name, value in values.items():
        start, end = end, end + value.nbytes
        kind = kinds[value.dtype.name]
        header[name] = {"dtype": kind, "shape": value.shape, "data_offsets": [start, end]}
        body += value.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def test_integers_in_safetensors_are_not_weights(source, tmp_path):
    values = {name: value.astype(np.int32) for name, value in by_name(source).items()}
    write_safetensors_of(tmp_path / "file", values)
    message = check_nothing_is_loaded(tmp_path / "file")
    assert "'vggish/conv1/weights' in the checkpoint is I32, not floating point." in message


def test_axes_in_another_order_are_an_error(source, tmp_path):
    """PyTorch's axes under the published names, and TensorFlow's under torchvggish's."""
    from safetensors.numpy import save_file

    values = by_name(source)
    turned = {name: other_programs.as_torch(value) for name, value in values.items()}
    save_file(turned, tmp_path / "turned.safetensors")
    assert "'vggish/conv1/weights' is (4, 1, 3, 3), the model has (3, 3, 1, 4)" in (
        check_nothing_is_loaded(tmp_path / "turned.safetensors")
    )
    names = other_programs.torch_names()
    plain = dict(zip(names, map(np.ascontiguousarray, values.values()), strict=True))
    save_file(plain, tmp_path / "plain.safetensors")
    assert "wrong shape: " in check_nothing_is_loaded(tmp_path / "plain.safetensors")


def test_a_packed_torch_file_is_not_unpacked(files, tmp_path):
    import zipfile

    with (
        zipfile.ZipFile(files("torchaudio.pt")) as plain,
        zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    assert "its parts are packed, as PyTorch's are not." in (
        check_nothing_is_loaded(tmp_path / "packed.pt")
    )


def test_a_loop_of_links_is_no_file(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert "there is no checkpoint at" in check_nothing_is_loaded(tmp_path / "a")


# safetensors


def test_values_that_are_not_those_of_the_header_are_an_error(source, tmp_path):
    values = by_name(source)
    path = tmp_path / "model.safetensors"
    from vggish_tf.weights import identity, writers

    digest = identity.of_values("", values).values_sha256
    writers.write_safetensors(path, values, {"values_sha256": digest})
    checkpoints.load_weights(vggish(), path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert "it is damaged: its values have not the digest in its header." in (
        check_nothing_is_loaded(path)
    )


def test_what_is_written_is_safetensors(source, tmp_path):
    """Oracle: the safetensors package reads it."""
    from safetensors import safe_open

    from vggish_tf.weights import writers

    values = by_name(source)
    path = writers.write_safetensors(tmp_path / "m.safetensors", values, {"a": "ü"})
    with safe_open(path, framework="numpy") as file:
        assert file.metadata() == {"a": "ü"}
        assert set(file.keys()) == set(values)
        assert all(np.array_equal(file.get_tensor(n), value) for n, value in values.items())


# Packed, and one file of several


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"\x1f\x8b\x08\x00" + bytes(60), "it is packed with gzip. Unpack it first"),
        (b"\x08\x01\x12\x04" + bytes(60), "it is one file of a SavedModel. Give the folder"),
    ],
)
def test_what_can_be_unpacked_or_is_a_part_is_told(content, advice, tmp_path):
    (tmp_path / "file").write_bytes(content)
    assert advice in check_nothing_is_loaded(tmp_path / "file")


# PCA parameters


def test_pca_parameters_of_each_program(files, tmp_path):
    matrix = np.arange(128 * 128, dtype=np.float64).reshape(128, 128) / 7
    means = np.arange(128, dtype=np.float64) / 3
    torch = pytest.importorskip("torch")
    pickled = {"pca_eigen_vectors": matrix, "pca_means": means.reshape(-1, 1)}
    torch.save(pickled, tmp_path / "pca.pth", _use_new_zipfile_serialization=False)
    for found, expected in zip(pca.read(tmp_path / "pca.pth"), (matrix, means), strict=True):
        np.testing.assert_array_equal(found, expected)
    for found in pca.read(files("vggish_keras.h5")):
        assert np.unique(found).tolist() == [2.5]
    for found, expected in zip(
        pca.read(files("torchvggish_with_pca.pth")), (np.eye(128), np.ones(128)), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_pca_parameters_of_a_model_of_this_package(pca_params, tmp_path):
    from vggish_tf.weights import registry

    (registry.cache_folder() / "vggish_pca_params.npz").symlink_to(pca_params)
    model = vggish("waveform", postprocess="pca")
    expected = pca.read(pca_params)
    for name, save in (("m.keras", model.save), ("m.weights.h5", model.save_weights)):
        save(tmp_path / name)
        for found, value in zip(pca.read(tmp_path / name), expected, strict=True):
            np.testing.assert_array_equal(found, value)


def test_a_file_without_pca_parameters_is_told(files):
    message = message_of(pca.read, files("dtaoo.h5"))
    assert message.endswith("; it holds {}.")
