"""Classifiers that were fine-tuned, exported in every format.

Oracle: the classifier before the export, each clip alone. The exported files get the clips in one
batch, filled up with zeros. The network is small.
"""

import csv
import hashlib
import json
from functools import cache

import keras
import labelled_clips
import numpy as np
import pytest
import small_network
import soundfile
import tensorflow as tf
from cases import slow
from runtimes import RUNTIMES, needs

from vggish_tf import Params, Resample, checkpoints, cli, load_model
from vggish_tf.errors import CheckpointError, VGGishError
from vggish_tf.jobs import finetune
from vggish_tf.jobs.export import export

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("small_networks")]
# Scores are in [0, 1]; float32 on both sides, in a portable file the front end too. The largest
# seen is 2e-6.
ATOL = 1e-5
# less than one example, and both sides of one and of two
LENGTHS = [8_000, 15_600, 30_959, 30_960, 60_000]
HEADS = {
    "mean": {},
    "max, multi": {"pool": "max", "multi_label": True},
    "attention": {"pool": "attention", "dropout": 0.3},
    "none": {"pool": None},
    "none, multi": {"pool": None, "multi_label": True},
}
NAMES = {
    "saved_model": "m",
    "onnx": "m.onnx",
    "tflite": "m.tflite",
    "openvino": "m.xml",
    "keras": "m.keras",
}


def make(**options) -> keras.Model:
    """A classifier whose scores are far apart, and whose attention attends."""
    model = small_network.classifier(**options)
    generator = np.random.default_rng(5)
    for layer in model.layers:
        if layer.name in ("logits", "pool"):
            layer.set_weights(
                [generator.normal(0, 0.3, values.shape) for values in layer.get_weights()]
            )
    return model


def clips(lengths=LENGTHS) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    levels = np.geomspace(0.5, 0.003, len(lengths))
    return [
        generator.uniform(-level, level, length).astype(np.float32)
        for level, length in zip(levels, lengths, strict=True)
    ]


def together(clips) -> np.ndarray:
    """One batch, filled up with zeros."""
    batch = np.zeros((len(clips), max(map(len, clips))), np.float32)
    for row, clip in enumerate(clips):
        batch[row, : len(clip)] = clip
    return batch


def check_scores(scores, alone, atol=ATOL):
    """Each clip of a batch has the same scores as alone, and so has each of its own examples."""
    assert len(scores) == len(alone)
    for rows, expected in zip(scores, alone, strict=True):
        np.testing.assert_allclose(rows[: len(expected)], expected, atol=atol)
    assert np.ptp([expected.reshape(-1, 3)[0] for expected in alone], axis=0).max() > 1000 * atol, (
        "nothing is shown"
    )


# Each in one of the ways of pooling, and in none.
EXPORTS = [
    ("onnx", "mean"),
    slow("tflite", "none"),
    ("keras", "max, multi"),
    slow("onnx", "none"),
    slow("tflite", "max, multi"),
    slow("keras", "none"),
    *[slow("saved_model", head) for head in HEADS],
    *[slow("onnx", head) for head in ("attention", "max, multi", "none, multi")],
    *[slow("openvino", head) for head in ("attention", "max, multi", "none")],
    slow("keras", "mean"),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(format, head) → the classifier and its file; each is exported once. Do not change them."""
    folder = tmp_path_factory.mktemp("exported")

    @cache
    def exported(format, head):
        needs(format)
        model = make(**HEADS[head])
        (folder / head).mkdir(exist_ok=True)
        return model, export(model, folder / head / NAMES[format], format=format)

    return exported


@pytest.mark.parametrize(("format", "head"), EXPORTS)
def test_each_clip_of_a_zero_filled_batch_scores_as_in_the_classifier_alone(format, head, exported):
    model, path = exported(format, head)
    scores = RUNTIMES[format](path, "scores")(together(clips()))
    check_scores(scores, [model.predict_on_batch(clip[np.newaxis])[0] for clip in clips()])
    manifest = json.loads(path.with_name(f"{path.name}.json").read_text())
    assert (manifest["labels"], manifest["multi_label"]) == (labelled_clips.LABELS, "multi" in head)
    assert manifest["weights"]["untrained"] is False
    outputs = manifest["signatures"].get(
        "serving_default", next(iter(manifest["signatures"].values()))
    )["outputs"]
    assert set(outputs) == (
        {"scores", "timestamps"} if (format, scores.ndim) == ("saved_model", 3) else {"scores"}
    )


@pytest.mark.slow
@pytest.mark.parametrize("format", ["keras", "saved_model", "onnx"])
def test_a_resampled_clip_ends_where_it_ends_alone(format, tmp_path):
    """The filter rings after the end of a clip, one too short for two examples and one padded."""
    needs(format)
    model = make()
    at_44100 = [
        np.repeat(clip, 3)[: round(len(clip) * 2.75625)]
        for clip in clips([7_999, 15_590, 30_950, 60_000])
    ]
    path = export(model, tmp_path / NAMES[format], format=format, input_rate=44_100)
    scores = RUNTIMES[format](path, "scores")(together(at_44100))
    resample = Resample(44_100)
    check_scores(
        scores,
        [model.predict_on_batch(np.asarray(resample(clip[np.newaxis])))[0] for clip in at_44100],
    )


@pytest.mark.parametrize(("format", "head"), EXPORTS)
def test_a_clip_that_is_not_finite_has_no_scores(format, head, exported):
    """NaN for one example if every example has scores, for the clip if its examples are pooled."""
    _, path = exported(format, head)
    run, batch = RUNTIMES[format](path, "scores"), together(clips())
    expected = run(batch).copy()
    expected[(4, 1) if "none" in head else 4] = np.nan
    for bad in (np.nan, np.inf, -np.inf):
        batch[4, 20_000] = bad
        np.testing.assert_array_equal(run(batch), expected)


@pytest.mark.slow
def test_a_saved_model_has_the_parts_too_and_can_be_trained(tmp_path):
    model = make()
    loaded = tf.saved_model.load(export(model, tmp_path / "m"))
    assert set(loaded.signatures) == {"serving_default", "examples", "log_mel"}
    (clip,) = clips([60_000])
    np.testing.assert_allclose(loaded(clip), model.predict_on_batch(clip[np.newaxis])[0], atol=ATOL)
    examples, _ = finetune.front(model, "examples")(clip[np.newaxis])
    expected, _ = finetune.front(model, "embedding")(clip[np.newaxis])
    embedding = loaded.signatures["examples"](input_features=examples[0])["embedding"]
    np.testing.assert_allclose(embedding, expected[0], atol=5e-5)  # embeddings of about 1
    assert len(loaded.variables) == len(loaded.trainable_variables) == 18 + 4
    with tf.GradientTape() as tape:
        score = loaded(clip)[0]
    gradients = tape.gradient(score, loaded.trainable_variables)
    assert all(np.abs(gradient.numpy()).max() > 0 for gradient in gradients)


@pytest.mark.slow
@pytest.mark.parametrize("format", [slow("saved_model"), "tflite"])
def test_the_pca_goes_along(format, tmp_path, pca_params, monkeypatch):
    needs(format)
    with monkeypatch.context() as patch:
        patch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
        model = make(postprocess="pca")
    path = export(model, tmp_path / NAMES[format], format=format)
    scores = RUNTIMES[format](path, "scores")(together(clips()))
    check_scores(scores, [model.predict_on_batch(clip[np.newaxis])[0] for clip in clips()])
    if format == "saved_model":
        loaded = tf.saved_model.load(path)
        # its parameters are not to be trained
        assert len(loaded.variables) == len(loaded.trainable_variables) + 2


@pytest.mark.slow
def test_a_classifier_of_mixed_precision_is_exported_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make()
    finally:
        keras.config.set_dtype_policy("float32")
    reference = make()
    assert all(map(np.array_equal, model.get_weights(), reference.get_weights()))
    loaded = load_model(export(model, tmp_path / "m.keras", format="keras"))
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}
    np.testing.assert_allclose(loaded(together(clips())), reference(together(clips())), atol=ATOL)
    assert not np.allclose(model(together(clips())), reference(together(clips())), atol=ATOL)


@pytest.mark.slow
def test_half_precision_is_for_the_network_and_not_for_the_head(tmp_path):
    model = make()
    loaded = tf.saved_model.load(export(model, tmp_path / "m", precision="bfloat16"))
    *network, kernel, _ = loaded.variables
    assert {variable.dtype.name for variable in network[:-2]} == {"float32", "bfloat16"}
    assert np.array_equal(kernel, model.get_layer("logits").kernel)


@pytest.mark.slow
def test_from_the_command_line_and_into_classify_again(tmp_path):
    """The exported `.keras` file is a classifier too, in one level and without an optimizer."""
    model = make(pool="attention")
    model.save(tmp_path / "trained.keras")
    files = []
    for number, clip in enumerate(clips()):
        soundfile.write(tmp_path / f"{number}.wav", clip, 16_000, subtype="FLOAT")
        files.append(str(tmp_path / f"{number}.wav"))
    command = [
        "export",
        "--model",
        str(tmp_path / "trained.keras"),
        "--format",
        "keras",
        "--input-rate",
        "44100",
    ]
    assert cli.main([*command, "-o", str(tmp_path / "exported.keras")]) == 0
    exported = load_model(tmp_path / "exported.keras")
    assert {"examples", "sounding", "embedding", "pool", "scores"} <= {
        layer.name for layer in exported.layers
    }
    assert (exported.compiled, finetune.labels_of(exported)) == (False, labelled_clips.LABELS)
    tables = []
    for name in ("trained", "exported"):
        path = tmp_path / f"{name}.csv"
        assert cli.main(["classify", str(tmp_path / f"{name}.keras"), *files, "-o", str(path)]) == 0
        tables.append(
            [[float(cell) for cell in row[2:]] for row in list(csv.reader(path.open()))[1:]]
        )
    np.testing.assert_allclose(tables[1], tables[0], atol=ATOL)


@pytest.mark.slow
def test_an_exported_file_is_exported_again_with_its_resampler(tmp_path):
    model = make()
    first = export(model, tmp_path / "first.keras", format="keras", input_rate=44_100)
    second = export(load_model(first), tmp_path / "second.keras", format="keras")
    waveform = together(clips())
    np.testing.assert_array_equal(load_model(second)(waveform), load_model(first)(waveform))
    assert load_model(second).get_layer("resample").zero_filled


def test_network_and_head_have_a_digest_each(tmp_path):
    model = make()
    manifests = []
    for name in ("a.keras", "b.keras"):
        export(model, tmp_path / name, format="keras")
        manifests.append(json.loads((tmp_path / f"{name}.json").read_text()))
        model.get_layer("logits").bias.assign_add([1.0, 0.0, 0.0])
    assert manifests[0]["weights"] == manifests[1]["weights"]
    assert manifests[0]["head_sha256"] != manifests[1]["head_sha256"]
    model.get_layer("logits").bias.assign_sub([1.0, 0.0, 0.0])
    assert manifests[1]["weights"]["values_sha256"] == sha256_of(checkpoints_of(model).values())
    assert manifests[1]["head_sha256"] == sha256_of(map(np.asarray, model.weights[18:]))


def sha256_of(arrays):
    return hashlib.sha256(b"".join(np.float32(array).tobytes() for array in arrays)).hexdigest()


def checkpoints_of(
    model, layers=("conv1", "conv2", "conv3_1", "conv3_2", "conv4_1", "conv4_2", "fc1_1", "fc1_2")
):
    """The network's values in the published order."""
    names = (*layers, "embedding")
    return {
        (name, kind): value
        for name in names
        for kind, value in enumerate(model.get_layer(name).get_weights())
    }


def test_an_untrained_network_under_a_head_is_called_so(tmp_path, capsys):
    path = export(finetune.classifier(3, weights=None), tmp_path / "m.keras", format="keras")
    assert "UNTRAINED" in capsys.readouterr().out
    assert json.loads(path.with_name("m.keras.json").read_text())["weights"]["untrained"] is True


@pytest.mark.parametrize("format", ["frozen_graph", "weights", "tf1_checkpoint"])
def test_formats_of_the_network_alone_say_what_to_export(format, tmp_path):
    with pytest.raises(
        VGGishError, match=rf"export\(finetune.network\(model\), path, format='{format}'\)"
    ):
        export(make(), tmp_path / "m.weights.h5", format=format)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("format", "name"), [("weights", "m.weights.h5"), ("tf1_checkpoint", "m.ckpt")]
)
def test_the_network_under_a_head_can_be_exported(format, name, tmp_path):
    model = make(trainable="all")
    path = export(finetune.network(model), tmp_path / name, format=format)
    values = checkpoints.read(path)
    assert np.array_equal(values["vggish/fc1/fc1_2/weights"], model.get_layer("fc1_2").kernel)
    assert np.array_equal(values["vggish/fc2/biases"], model.get_layer("embedding").bias)


@pytest.mark.parametrize(
    "option",
    [
        {"pad": "always"},
        {"postprocess": "quantized"},
        {"params": Params(example_hop_seconds=0.48)},
        {"pca": "my.npz"},
    ],
)
def test_options_that_make_another_classifier_are_refused(option, tmp_path):
    (name,) = option
    with pytest.raises(VGGishError, match=f"received {name}=.*train another"):
        export(make(), tmp_path / "m.keras", format="keras", **option)
    assert not list(tmp_path.iterdir())


def test_options_that_are_its_own_already_change_nothing(tmp_path):
    model = make()
    path = export(model, tmp_path / "m.keras", format="keras", pad="short", params=Params())
    batch = together(clips())
    np.testing.assert_allclose(load_model(path)(batch), model(batch), atol=ATOL)


def test_somebody_elses_head_is_refused(tmp_path):
    model = make()
    head = keras.layers.Dense(3, name="mine")(model.get_layer("embedding").output)
    with pytest.raises(
        CheckpointError, match=r"mine/kernel.*Load, save or export the VGGish inside it"
    ):
        export(keras.Model(model.input, head), tmp_path / "m.keras", format="keras")
