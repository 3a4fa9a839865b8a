"""Damaged or foreign files of a run and its cache: a one-line error, or computed anew."""

import json
import zipfile

import labelled_clips
import numpy as np
import pytest
import small_network
from cases import first
from training import run, same

from vggish_tf.errors import VGGishError
from vggish_tf.jobs import finetune
from vggish_tf.jobs.finetune import training_checkpoint

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return labelled_clips.write_folder(tmp_path_factory.mktemp("data") / "sounds", takes=4)


def in_head(folder, output, **options):
    """With embeddings that are computed once, and kept beside the sounds."""
    kept = {"stage": "embedding", "trainable": "head", "cache": folder.parent / "cache"}
    return run(folder, output, **{**kept, **options})


def rewrite(path, change):
    """Writes a checkpoint again with other arrays or words about them."""
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)


def about(arrays, change):
    arrays["about"] = np.array(json.dumps(change(json.loads(str(arrays["about"])))))


def empty(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[:-2_000])


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def array(path):
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))


def text(path):
    path.write_text("hello")


def folder_instead(path):
    path.unlink()
    path.mkdir()


def other_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")


def bad_method(path):
    """A way of packing that Python does not know: NotImplementedError."""
    data = path.read_bytes()
    place = data.index(b"PK\x01\x02") + 10
    path.write_bytes(data[:place] + b"\x63\x00" + data[place + 2 :])


def other_npz(path):
    np.savez(path, embedding=np.zeros((3, 128)), about=np.array("no JSON"))


def objects(path):
    np.savez(path, about=np.array([{}], object))


def bare_json(path):
    rewrite(path, lambda arrays: about(arrays, lambda _: [1, 2]))


def no_progress(path):
    rewrite(path, lambda arrays: about(arrays, lambda words: {"fingerprint": words["fingerprint"]}))


UNREADABLE = [
    empty,
    cut,
    flipped,
    array,
    text,
    folder_instead,
    other_archive,
    bad_method,
    other_npz,
    objects,
    bare_json,
    no_progress,
]


def lacks_a_variable(arrays):
    del arrays["model/logits/kernel"]


def lacks_the_optimizer(arrays):
    for name in [name for name in arrays if name.startswith("optimizer/")]:
        del arrays[name]


def has_a_stranger(arrays):
    arrays["model/extra/kernel"] = np.zeros(3)


def has_another_shape(arrays):
    arrays["model/logits/bias"] = np.zeros(1, np.float32)


def has_another_kind(arrays):
    arrays["model/logits/bias"] = np.array(["a", "b", "c"])


MISFITS = [
    lacks_a_variable,
    lacks_the_optimizer,
    has_a_stranger,
    has_another_shape,
    has_another_kind,
]


@pytest.fixture(scope="module")
def stopped(folder, tmp_path_factory):
    """The files of a run that was stopped after an epoch."""
    with small_network.shrunken():
        output = tmp_path_factory.mktemp("stopped")
        in_head(folder, output, epochs=1)
    return {path.name: path.read_bytes() for path in output.iterdir()}


@pytest.fixture
def output(stopped, tmp_path):
    for name, data in stopped.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.fixture
def resumed(folder, output):
    """The message that resuming ends with, before anything is trained."""

    def resume():
        before = (output / "history.json").read_bytes()
        with pytest.raises(VGGishError) as error:
            in_head(folder, output, epochs=2, resume=True)
        assert "\n" not in str(error.value)
        assert (output / "history.json").read_bytes() == before
        return str(error.value)

    return resume


@pytest.mark.thorough
@pytest.mark.parametrize("name", first(1, ["checkpoint.npz", "best.npz"]))
@pytest.mark.parametrize("damage", UNREADABLE)
def test_a_file_that_is_no_checkpoint_is_one_line(output, resumed, damage, name):
    damage(output / name)
    message = resumed()
    assert f"cannot read the training checkpoint {output / name}" in message
    assert "--overwrite" in message


@pytest.mark.parametrize("change", MISFITS)
def test_a_checkpoint_must_have_every_variable_and_no_other(output, resumed, change):
    rewrite(output / "checkpoint.npz", change)
    message = resumed()
    assert f"{output / 'checkpoint.npz'} does not fit" in message
    assert "--overwrite" in message
    assert any(name in message for name in ("model/logits", "model/extra", "optimizer/0"))


@pytest.mark.parametrize(
    "change", [change for change in MISFITS if change is not lacks_the_optimizer]
)
def test_the_best_weights_must_have_every_variable_and_no_other(output, resumed, change):
    rewrite(output / "best.npz", change)
    assert f"{output / 'best.npz'} does not fit" in resumed()


def test_best_weights_that_are_missing_or_of_another_run(output, resumed):
    words = {"fingerprint": {"the clips": "1"}, "progress": {}}
    rewrite(output / "best.npz", lambda arrays: about(arrays, lambda _: words))
    assert "best.npz is of another run" in resumed()
    (output / "best.npz").unlink()
    assert f"cannot read the training checkpoint {output / 'best.npz'}" in resumed()


def test_restore_changes_nothing_if_it_refuses(output):
    model = small_network.classifier()
    before = model.get_weights()
    variables = {
        "model/a": model.get_layer("logits").kernel,
        "model/b": model.get_layer("logits").bias,
    }
    arrays = {"model/a": np.ones((100, 3), np.float32), "model/b": np.ones(4, np.float32)}
    with pytest.raises(VGGishError, match=r"model/b float32 \(4,\) instead of \(3,\)"):
        training_checkpoint.restore(output, arrays, variables)
    assert same(model.get_weights(), before)


# The cache: what is in it can be computed again.


def truncated(path):
    path.write_bytes(path.read_bytes()[:-4])


def longer(path):
    path.write_bytes(path.read_bytes() + b"\0\0\0\0")


def other_shape(path):
    np.save(path, np.zeros((2, 7), np.float32))


def other_dtype(path):
    np.save(path, np.zeros((2, 128), np.float64))


def pickled(path):
    np.save(path, np.array([{}], object), allow_pickle=True)


def archive(path):
    with open(path, "wb") as file:
        np.savez(file, a=np.zeros(3))


@pytest.mark.parametrize(
    "damage",
    first(1, [truncated, other_dtype, pickled, empty, text, longer, other_shape, archive]),
)
def test_cached_values_that_are_damaged_are_computed_anew_and_that_is_said(
    folder, tmp_path, damage, capsys
):
    data, model = finetune.dataset(folder), small_network.classifier()
    values = finetune.cached(data, model, "embedding", tmp_path)
    clip = data.clips[3]
    expected = {clip: values.features(clip) for clip in data.clips}
    assert "anew" not in capsys.readouterr().out
    damage(tmp_path / f"{values.features.keys[clip]}.npy")
    again = finetune.cached(data, model, "embedding", tmp_path)
    assert f"1 damaged value in {tmp_path} is computed again" in capsys.readouterr().out
    # float32 sums in batches of another size, for the one that is anew
    for each, rows in expected.items():
        np.testing.assert_allclose(
            again.features(each), rows, rtol=0, atol=2e-6 if each == clip else 0
        )


def test_a_cached_value_that_is_damaged_in_training_is_one_line(folder, tmp_path):
    data, model = finetune.dataset(folder), small_network.classifier()
    values = finetune.cached(data, model, "embedding", tmp_path / "cache")
    path = tmp_path / "cache" / f"{values.features.keys[data.of('train')[0]]}.npy"
    empty(path)
    with pytest.raises(VGGishError, match=f"{path.name} is damaged.*--resume") as error:
        finetune.train(model, values, tmp_path / "run", stage="embedding", epochs=1)
    assert "\n" not in str(error.value)


def test_a_cache_that_is_a_file_is_one_line(folder, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(VGGishError, match="cannot make the folder"):
        finetune.cached(
            finetune.dataset(folder), small_network.classifier(), "embedding", tmp_path / "cache"
        )
