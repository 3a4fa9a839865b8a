"""Models that must not load, in Python and on the command line: one line, and nothing is run."""

import io
import json
import os
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest
import soundfile

import vggish_tf
from vggish_tf import CheckpointError, cli, load_model

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def small_model() -> keras.Model:
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, kernel_initializer="ones", name="dense")]
    )


def changed(path, **parts):
    """Writes parts of a `.keras` file anew: `config` maps its config, others are bytes by name."""
    with zipfile.ZipFile(path) as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    if config := parts.pop("config", None):
        whole[CONFIG] = json.dumps(config(json.loads(whole[CONFIG]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (whole | parts).items():
            archive.writestr(name, content)


def with_layer(config: dict, layer: dict) -> dict:
    config["config"]["layers"].append(layer)
    return config


def write_missing(path):
    pass


def write_folder(path):
    path.mkdir()


def write_pipe(path):
    os.mkfifo(path)  # whoever opens it would wait for ever


def write_png(path):
    path.write_bytes(PNG)


def write_text(path):
    path.write_text("this is not a model\n" * 100)


def write_empty(path):
    path.touch()


def write_npz(path):
    with open(path, "wb") as file:
        np.savez(file, embedding=np.zeros(3))


def write_cut(path):
    small_model().save(path)
    path.write_bytes(path.read_bytes()[:-200])


def write_flipped(path):
    """One bit of a weight: Keras would take it as it is."""
    small_model().save(path)
    content = bytearray(path.read_bytes())
    content[content.index(np.ones(12, np.float32).tobytes()) + 3] ^= 0x40
    path.write_bytes(content)


def write_without_a_layer_s_weights(path):
    small_model().save(path)
    empty = io.BytesIO()
    h5py.File(empty, "w").close()
    changed(path, **{WEIGHTS: empty.getvalue()})


def write_json_that_is_none(path):
    small_model().save(path)
    changed(path, **{CONFIG: b"{'config': "})


def write_lambda(path):
    """A Lambda layer that leaves a file behind when it runs, or is only made."""
    target = str(path.with_name("ran"))
    keras.Sequential(
        [keras.Input((4,)), keras.layers.Lambda(lambda x: (open(target, "w").close(), x)[1])]
    ).save(path)
    path.with_name("ran").unlink(missing_ok=True)


def write_os_system(path):
    small_model().save(path)
    call = {
        "module": "os",
        "class_name": "system",
        "registered_name": None,
        "config": f"touch {path.with_name('ran')}",
    }
    layer = {"module": "keras.layers", "class_name": "Activation", "registered_name": None}
    layer["config"] = {"name": "a", "activation": call}
    changed(path, config=lambda config: with_layer(config, layer))


def write_function_of_a_module(path):
    """A function by its module and name, as Keras saves functions, to be called on the input."""
    small_model().save(path)
    function = {
        "module": "os",
        "class_name": "function",
        "config": "remove",
        "registered_name": "remove",
    }
    layer = {"module": "keras.layers", "class_name": "Activation", "registered_name": None}
    layer["config"] = {"name": "a", "activation": function}
    changed(path, config=lambda config: with_layer(config, layer))


def write_constructor(path):
    small_model().save(path)
    changed(
        path,
        config=lambda _: {
            "module": "subprocess",
            "class_name": "Popen",
            "config": {"args": "true"},
        },
    )


def write_external_weights(path):
    """Weights that HDF5 would read from another file."""
    small_model().save(path)
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.create_dataset("0", (4, 3), "f4", external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)])
        group["1"] = np.zeros(3, np.float32)
    changed(path, **{WEIGHTS: content.getvalue()})


def write_bomb(path, method=zipfile.ZIP_DEFLATED):
    """A few kilobytes that unpack to hundreds of megabytes."""
    small_model().save(path)
    with zipfile.ZipFile(path) as archive:
        config = archive.read(CONFIG)
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(CONFIG, config)
        with archive.open(WEIGHTS, "w") as part:
            for _ in range(200):
                part.write(bytes(1 << 20))


def write_lzma(path):
    """A method that Python unpacks without a limit."""
    write_bomb(path, zipfile.ZIP_LZMA)


def write_layer(path):
    """A file that Keras can load, and that is no model."""
    small_model().save(path)
    dense = keras.saving.serialize_keras_object(keras.layers.Dense(3))
    changed(path, config=lambda _: dense)


REFUSED = {  # words of ours, or else of Python's or Keras's, the same in Keras 3.12 and 3.15
    write_missing: "does not exist",
    write_folder: "is a folder",
    write_pipe: "is not a file",
    write_png: "is not a .keras file",
    write_text: "is not a .keras file",
    write_empty: "is not a .keras file",
    write_npz: "is not a .keras file",
    write_cut: "is not a .keras file, or is cut short",
    write_flipped: "is damaged",
    write_without_a_layer_s_weights: "expected 2 variables, but received 0",  # Keras's
    write_json_that_is_none: "Expecting property name",  # Python's
    write_lambda: "arbitrary code execution",  # Keras's, and so the next four
    write_os_system: "could not be deserialized",
    write_function_of_a_module: "could not be deserialized",
    write_constructor: "Could not locate class 'Popen'",
    write_external_weights: "Not allowed: H5 file",
    write_bomb: "unpacks to far more",
    write_lzma: "unpacks to far more",
    write_layer: "it holds a Dense.",
}


@pytest.fixture(
    params=[
        pytest.param(write, marks=pytest.mark.slow if write is write_lzma else [])
        for write in REFUSED
    ],
    ids=lambda write: write.__name__,
)
def refused(request, tmp_path):
    """A path that no model can be loaded from, and words of the reason."""
    path = tmp_path / "model.keras"
    request.param(path)
    return path, REFUSED[request.param]


def test_what_is_no_model_is_one_line_of_ours(refused, tmp_path):
    path, words = refused
    with pytest.raises(CheckpointError) as error:
        load_model(path)
    assert words in str(error.value)
    assert str(error.value).startswith(f"cannot load a model from {path}: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300 + len(str(path))
    assert not (tmp_path / "ran").exists()


def test_another_version_of_keras_is_named(tmp_path):
    """Keras tells a later one's options only as unknown ones."""
    small_model().save(path := tmp_path / "model.keras")
    changed(path, **{"metadata.json": b'{"keras_version": "3.99.0"}'})
    assert load_model(path).output_shape == (None, 3)
    changed(path, config=lambda config: {**config, "class_name": "Unknown"})
    with pytest.raises(CheckpointError, match=f"Keras 3.99.0 wrote it, and {keras.__version__} is"):
        load_model(path)
    changed(path, **{"metadata.json": b'{"keras_version": "3.99.0\\n"}'})
    with pytest.raises(CheckpointError) as error:
        load_model(path)
    assert "wrote it" not in str(error.value)


@pytest.mark.parametrize("command", ["classify", "export"])
def test_the_command_line_says_so_in_one_line(command, refused, tmp_path, capsys):
    path, _ = refused
    soundfile.write(tmp_path / "clip.wav", np.zeros(16_000), 16_000)
    before = sorted(os.listdir(tmp_path))
    arguments = {
        "classify": [str(path), str(tmp_path / "clip.wav")],
        "export": ["--model", str(path), "--format", "keras", "-o", str(tmp_path / "out.keras")],
    }[command]
    assert cli.main([command, *arguments]) == 4
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith(f"vggish-tf: cannot load a model from {path}: ")
    assert sorted(os.listdir(tmp_path)) == before


def test_a_path_that_leads_out_of_the_file_writes_nothing(tmp_path):
    """The model loads or not; in no case is a part of it written beside it."""
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "model.keras"
    small_model().save(path)
    changed(
        path,
        **{"../escaped": b"out", "assets/../../escaped": b"out", str(tmp_path / "escaped"): b"out"},
    )
    try:
        load_model(path)
    except CheckpointError as error:
        assert "cannot load a model" in str(error)  # noqa: PT017
    assert os.listdir(tmp_path) == ["models"]
    assert os.listdir(folder) == ["model.keras"]


def test_a_keras_file_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    small_model().save(path)
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40, dtype=int):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="cut short"):
            load_model(path)


def test_a_bit_flipped_anywhere_in_a_keras_file_is_refused_or_changes_nothing(tmp_path):
    """Where no checksum covers a bit (the time of a part, say) the model is as it was."""
    path = tmp_path / "model.keras"
    model = small_model()
    model.save(path)
    whole, refused = path.read_bytes(), 0
    for place in np.linspace(0, len(whole) - 1, 100, dtype=int):
        content = bytearray(whole)
        content[place] ^= 1 << int(place) % 8
        path.write_bytes(content)
        try:
            loaded = load_model(path).get_weights()
        except CheckpointError:
            refused += 1
            continue
        assert all(map(np.array_equal, loaded, model.get_weights()))
    assert refused > 80


def test_an_old_h5_file_is_refused_whatever_its_name(tmp_path):
    """Keras reads it by another road, with other rules."""
    small_model().save(tmp_path / "model.h5")
    with pytest.raises(CheckpointError, match=r"is not a .keras file"):
        load_model(tmp_path / "model.h5")


def test_a_name_that_keras_does_not_take_is_said(tmp_path):
    small_model().save(tmp_path / "model.keras")
    (tmp_path / "model.keras").rename(tmp_path / "model.zip")
    with pytest.raises(CheckpointError, match=r"its name must end in .keras. Rename it."):
        load_model(tmp_path / "model.zip")


def test_what_is_whole_loads(tmp_path):
    path = tmp_path / "model.keras"
    model = small_model()
    model.save(path)
    assert all(map(np.array_equal, vggish_tf.load_model(path).get_weights(), model.get_weights()))


@pytest.mark.parametrize("name", ["missing.keras", "picture.keras"])
def test_it_is_said_before_tensorflow_is_imported(name, tmp_path):
    (tmp_path / "picture.keras").write_bytes(PNG)
    code = (
        "import sys; from vggish_tf.cli import main\n"
        "status = main(sys.argv[1:]); print(status, {'tensorflow', 'keras'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, "classify", str(tmp_path / name), "a.wav"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "4 set()\n"
