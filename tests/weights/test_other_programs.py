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
from vggish_tf.weights import digests, pca, readers

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


@pytest.mark.parametrize("name", other_programs.SOME)
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


def changed_onnx(path, values, change, tmp_path):
    """A graph in which `change` has changed the nodes or tensors."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(other_programs.onnx(path, values))
    change(onnx, model.graph)
    onnx.save(model, tmp_path / "changed.onnx")
    return tmp_path / "changed.onnx"


def attribute(op, **values):
    def change(onnx, graph):
        node = next(node for node in graph.node if node.op_type == op)
        node.attribute.extend(onnx.helper.make_attribute(*one) for one in values.items())

    return change


def rank_3_transpose(onnx, graph):
    """(batch, channel, pixel) → (batch, pixel, channel): PyTorch's flatten(2).transpose(1, 2)."""
    del graph.initializer[-1]
    shapes = (np.array([-1, 4, 24], np.int64), np.array([-1, 96], np.int64))
    graph.initializer.extend(
        onnx.numpy_helper.from_array(shape, f"s{n}") for n, shape in enumerate(shapes)
    )
    place = next(n for n, node in enumerate(graph.node) if node.op_type == "Transpose")
    start, end = graph.node[place].input[0], graph.node[place + 2].output[0]
    del graph.node[place : place + 3]
    make = onnx.helper.make_node
    nodes = [
        make("Reshape", [start, "s0"], ["a"]),
        make("Transpose", ["a"], ["b"], perm=[0, 2, 1]),
        make("Reshape", ["b", "s1"], [end]),
    ]
    for node in reversed(nodes):
        graph.node.insert(place, node)


def second_bias(onnx, graph):
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32([5]), "five"))
    place = next(n for n, node in enumerate(graph.node) if node.op_type == "Relu")
    (start,) = graph.node[place].input
    graph.node[place].input[:] = ["more"]
    graph.node.insert(place, onnx.helper.make_node("Add", [start, "five"], ["more"]))


def folded_kernel(onnx, graph):
    """A kernel behind Reshape, Transpose and Reshape."""
    make = onnx.helper.make_node
    node = next(node for node in graph.node if node.op_type == "Gemm")
    kernel = node.input[1]
    node.input[1] = "k3"
    shapes = (np.array([16, 4, 24], np.int64), np.array([16, 96], np.int64))
    graph.initializer.extend(
        onnx.numpy_helper.from_array(shape, f"t{n}") for n, shape in enumerate(shapes)
    )
    for n, made in enumerate(
        (
            make("Reshape", [kernel, "t0"], ["k1"]),
            make("Transpose", ["k1"], ["k2"], perm=[0, 2, 1]),
            make("Reshape", ["k2", "t1"], ["k3"]),
        )
    ):
        graph.node.insert(n, made)


def twice(onnx, graph):
    graph.initializer.append(graph.initializer[0])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (rank_3_transpose, "its graph flattens the axes in an order that is not known."),
        (second_bias, "its graph adds several constants in one layer."),
        (folded_kernel, "its graph has 6 convolutions of 3×3 with constant kernels, and 2 pro"),
        (twice, "it holds two tensors of the name 'onnx::100'."),
        (attribute("Gemm", alpha=0.5), "and 2 products with a constant matrix"),
        (attribute("Gemm", beta=0.0), "and 2 products with a constant matrix"),
        (attribute("Conv", strides=[2, 2]), "its graph has 5 convolutions"),
        (attribute("Conv", dilations=[2, 2]), "its graph has 5 convolutions"),
        (attribute("Conv", group=2), "its graph has 5 convolutions"),
    ],
)
def test_a_graph_that_computes_something_else_is_an_error(change, reason, source, tmp_path):
    path = changed_onnx(tmp_path / "m.onnx", by_name(source), change, tmp_path)
    assert reason in check_nothing_is_loaded(path)


def test_a_transpose_whose_order_is_computed_is_no_constant(source, tmp_path):
    """Of a square matrix no shape would tell."""
    import tensorflow as tf

    path = other_programs.frozen_graph(tmp_path / "m.pb", by_name(source))
    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    node = [node for node in graph.node if node.op == "MatMul"][1]
    turned = graph.node.add(name="turned", op="Transpose", input=[node.input[1], "order"])
    turned.attr["T"].type = tf.float32.as_datatype_enum
    graph.node.add(name="order", op="Range", input=["x", "y", "z"])
    node.input[1] = "turned"
    path.write_bytes(graph.SerializeToString())
    assert "and 3 products with a constant matrix" not in (message := check_nothing_is_loaded(path))
    assert "does not match the model" in message or "its graph has" in message


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


# Two tensors of one name, and bombs


def test_two_tensors_of_one_name_are_an_error(source, tmp_path):
    torch = pytest.importorskip("torch")
    state = other_programs.state_dict(by_name(source))
    nested = {"features": {"0.weight": torch.ones(4, 1, 3, 3)}}
    torch.save({**state, **nested}, tmp_path / "twice.pth")
    assert "it holds two tensors of the name 'features.0.weight'." in (
        check_nothing_is_loaded(tmp_path / "twice.pth")
    )
    path = other_programs.safetensors(tmp_path / "m.safetensors", by_name(source))
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].decode().rstrip()
    first = header[1 : header.index("}") + 1]
    text = f"{{{first},{header[1:]}".encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    message = check_nothing_is_loaded(path)
    assert (
        "it holds two tensors of the name" in message or "table of contents is damaged" in message
    )


@pytest.mark.parametrize("shape", [(3, 3, 1, -4), (-1,), (1 << 40, 1 << 40), (1,) * 300])
def test_an_impossible_shape_in_a_v2_index_does_not_end_the_process(shape, source, tmp_path):
    """The index is written anew, with the right checksums; TensorFlow itself would abort."""
    from tensorflow.core.protobuf import tensor_bundle_pb2

    from vggish_tf.weights.readers import bundle_index

    path = write_with_tf1(tmp_path / "m.ckpt", by_name(source), "V2")
    entries = dict(bundle_index._entries(path.with_name("m.ckpt.index").read_bytes()))
    assert set(entries) == {b"", *(name.encode() for name in by_name(source))}
    entry = tensor_bundle_pb2.BundleEntryProto.FromString(entries[b"vggish/conv1/weights"])
    assert [axis.size for axis in entry.shape.dim] == [3, 3, 1, 4]  # what TensorFlow wrote
    del entry.shape.dim[:]
    for size in shape:
        entry.shape.dim.add(size=size)
    entries[b"vggish/conv1/weights"] = entry.SerializeToString()
    path.with_name("m.ckpt.index").write_bytes(table_of(entries))
    assert "it holds a tensor of an impossible shape." in check_nothing_is_loaded(path)


def table_of(entries: dict[bytes, bytes]) -> bytes:
    """A table of one block, as leveldb's table_format.md has it; checksums are zero."""

    def varint(number):
        out = b""
        while number > 127:
            out, number = out + bytes([number & 127 | 128]), number >> 7
        return out + bytes([number])

    def block(pairs):
        rows = [b"\0" + varint(len(k)) + varint(len(v)) + k + v for k, v in pairs]
        return b"".join(rows) + bytes(4) + (1).to_bytes(4, "little")

    data = block(sorted(entries.items()))
    handle = varint(0) + varint(len(data))
    index = block([(b"~", handle)])
    place = varint(len(data) + 5) + varint(len(index))
    footer = (varint(0) + varint(0) + place).ljust(40, b"\0")
    magic = (0xDB4775248B80FB57).to_bytes(8, "little")
    return data + bytes(5) + index + bytes(5) + footer + magic


def test_deep_and_long_hdf5_files_are_refused_at_once(tmp_path):
    import h5py

    with h5py.File(tmp_path / "deep.h5", "w") as file:
        file.create_group("/".join("a" * 2000))
    assert "it has more groups than a model." in check_nothing_is_loaded(tmp_path / "deep.h5")
    with h5py.File(tmp_path / "long.h5", "w") as file:
        file.attrs["layer_names"] = ["x" * 1000] * 200
    assert "its list layer_names is longer than that of a model." in (
        check_nothing_is_loaded(tmp_path / "long.h5")
    )


@pytest.mark.parametrize("start", [b"\x08\x08", b"\x0a\x08"])
def test_a_file_larger_than_any_weights_is_not_read(start, tmp_path, monkeypatch):
    """Nor by a thread, for its digest, on which the next load would wait."""
    monkeypatch.setattr(digests, "compute_ahead", lambda _: pytest.fail("its digest is computed"))
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.write(start)
        file.truncate(3 << 30)
    assert " bytes. Give the weights alone." in check_nothing_is_loaded(path)


@pytest.mark.slow
def test_many_names_take_no_time(source, tmp_path):
    """40,000 names took 16 s when each was looked for in a list."""
    import time

    from safetensors.numpy import save_file

    more = {f"{n}": np.zeros(0, np.float32) for n in range(20_000)}
    save_file({**by_name(source), **more}, tmp_path / "many.safetensors")
    began = time.monotonic()
    checkpoints.load_weights(vggish(), tmp_path / "many.safetensors")
    assert time.monotonic() - began < 60  # hangs are what is meant, not speed


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
    assert "its parts are packed; PyTorch packs none." in (
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
    assert "it is damaged: its values do not have the digest in its header." in (
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
