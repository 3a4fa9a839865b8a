"""The network at full size: seeded checkpoint, TF1 session, and the official smoke test."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from refusals import message_of
from seeded import SHAPES, seeded_weights, slim_session

from vggish_tf import VGGish, checkpoints
from vggish_tf.files import DATA
from vggish_tf.jobs.verify import smoke_test
from vggish_tf.jobs.verify.smoke_test import CURRENT, NO_GENERATION, Figures
from vggish_tf.network import backbone
from vggish_tf.weights import registry

# Both run the same kernels here and are equal bit for bit; other kernels sum float32 in another
# order.
EMBEDDING_RTOL = 1e-5
# The official numbers came from another TensorFlow and processor; they are printed to 8 digits.
PUBLISHED_ATOL = 1e-5


@pytest.fixture(scope="module")
def published():
    """Example 0 of the official smoke test: embedding and postprocessed, (128,) each."""
    with np.load(DATA / "smoke_test_output.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def network(seeded_checkpoint):
    model = backbone.network()
    assert checkpoints.is_untrained(model)
    checkpoints.load_weights(model, seeded_checkpoint)
    assert not checkpoints.is_untrained(model)
    return model


def test_the_seeded_checkpoint_gives_what_the_tf1_session_gives(network, seeded_checkpoint):
    examples = smoke_test.examples().astype(np.float32)
    with slim_session(seeded_checkpoint) as session:
        expected = session(examples)
    found = keras.ops.convert_to_numpy(network(examples))
    assert expected.std() > 0.2
    assert np.abs(found - expected).max() <= EMBEDDING_RTOL * np.abs(expected).max()


@pytest.mark.thorough
@pytest.mark.parametrize("version", ["V1", pytest.param("V2", marks=pytest.mark.slow)])
def test_weights_go_back_to_tf1(network, tmp_path, version):
    """Names and shapes are the published ones; the reference restores them bit for bit."""
    path = checkpoints.save_tf1_checkpoint(network, tmp_path / "model.ckpt", version=version)
    expected = {f"{layer}/weights": list(shape) for layer, shape in SHAPES.items()}
    expected |= {f"{layer}/biases": [shape[-1]] for layer, shape in SHAPES.items()}
    assert dict(tf.train.list_variables(str(path))) == expected
    weights = seeded_weights()
    with slim_session(path) as session:
        for variable in tf.compat.v1.global_variables():
            assert np.array_equal(session.session.run(variable), weights[variable.op.name]), (
                variable.op.name
            )
    for part in tmp_path.iterdir():
        part.unlink()


@pytest.mark.slow
def test_a_waveform_models_file_is_an_examples_models(
    network, seeded_checkpoint, pca_params, tmp_path
):
    """And back; the front end has no weights, and those of the postprocessor are left alone."""
    (registry.cache_folder() / "vggish_pca_params.npz").symlink_to(pca_params)
    model = VGGish(weights=seeded_checkpoint, postprocess="pca")
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    core = backbone.network()
    checkpoints.load_weights(core, path)
    for found, expected in zip(core.weights, network.weights, strict=True):
        assert np.array_equal(found.numpy(), expected.numpy()), expected.path
    network.save_weights(path)
    checkpoints.load_weights(model, path)
    path.unlink()


def test_verify_does_not_take_seeded_weights_for_the_published_ones(seeded_checkpoint, pca_params):
    report = checkpoints.verify(seeded_checkpoint, pca=pca_params)
    assert (report.published, report.untrained, report.generation) == (False, False, NO_GENERATION)
    assert report.verdict == "NOT the published weights."
    assert report.max_difference > 0.1
    lines = dict(
        line.split(maxsplit=1) for line in str(report).replace("with a ReLU", "ReLU").splitlines()
    )
    assert lines["checkpoint"] == str(seeded_checkpoint)
    assert lines["MD5"] == f"{registry.md5_of(seeded_checkpoint)} (not that of the published file)"
    assert (
        lines["SHA-256"]
        == f"{registry.sha256_of(seeded_checkpoint)} (not that of the published file)"
    )
    assert lines["quantized"].startswith("mean 1")
    assert lines["verdict"] == report.verdict


@pytest.mark.checkpoint
def test_verify_the_published_checkpoint(published_checkpoint, pca_params):
    report = checkpoints.verify(published_checkpoint, pca=pca_params)
    assert report.published
    assert report.generation == CURRENT
    assert report.verdict == "the published weights."
    assert report.max_difference < PUBLISHED_ATOL
    assert round(report.figures.quantized_mean) == 126
    assert round(report.figures.quantized_std, 1) == 89.3


# The smoke test without a network


def test_the_official_signal():
    """DESIGN section 3, upstream's NumPy code."""
    examples = smoke_test.examples()
    assert examples.shape == (3, 96, 64)
    assert examples.mean() == pytest.approx(-3.4296186961398245, rel=1e-12)
    assert examples.std() == pytest.approx(2.126577335759408, rel=1e-12)


def test_the_official_numbers_are_of_the_current_generation(published, pca_params):
    """Example 0 alone has the printed figures, since the three examples are nearly the same."""
    figures, note = smoke_test.figures_of(published["embedding"][None], pca_params)
    with_relu, _ = smoke_test.figures_of(np.maximum(published["embedding"][None], 0), pca_params)
    assert smoke_test.generation_of(figures, with_relu) == CURRENT
    assert (f"{figures.mean:.3g}", f"{figures.std:.3g}") == ("0.000657", "0.343")
    assert (round(figures.quantized_mean), round(figures.quantized_std, 1)) == (126, 89.3)
    assert figures.quantized_mean == published["postprocessed"].mean()  # to the byte
    assert smoke_test.difference_of_example_0(
        np.stack([published["embedding"] + 0.5] * 3)
    ) == pytest.approx(0.5)
    assert note == ""


def test_the_generations_by_their_printed_figures():
    nothing = Figures(9.0, 9.0)
    for generation, printed in smoke_test.GENERATIONS.items():
        pair = (nothing, printed) if "ReLU" in generation else (printed, nothing)
        assert smoke_test.generation_of(*pair) == generation
        assert smoke_test.generation_of(*pair[::-1]) == NO_GENERATION
    near = [
        (0.000657 + 2e-5, 0.343),
        (0.000657, 0.3436),
        (0.000657, 0.3424),
        (-0.0333, 0.379),
        (-0.0334, 0.38),
    ]
    assert [smoke_test.generation_of(Figures(*figures), nothing) for figures in near] == [
        NO_GENERATION
    ] * len(near)
    rounded = [(0.0006574, 0.3434), (0.0006566, 0.3426)]
    assert [smoke_test.generation_of(Figures(*figures), nothing) for figures in rounded] == [
        CURRENT
    ] * len(rounded)


def test_without_pca_parameters_the_report_says_why(published):
    figures, note = smoke_test.figures_of(published["embedding"][None])
    assert (figures.quantized_mean, figures.quantized_std) == (None, None)
    assert note.startswith("cannot download 'vggish_pca_params.npz': VGGISH_TF_OFFLINE is set.")


def test_what_verdict_follows_from_what(tmp_path):
    base = checkpoints.Verification(
        asked="audioset",
        values_sha256="e3b0",
        path=str(tmp_path / "model.ckpt"),
        md5="d1c7011e6366aa34176bb05c705e31a8",
        sha256="0962",
        published=True,
        untrained=False,
        figures=Figures(0.000657, 0.343),
        with_relu=Figures(0.137, 0.219),
        generation=CURRENT,
        max_difference=1.25e-7,
        note="no file",
    )
    assert str(base) == "\n".join(
        [
            f"checkpoint   {tmp_path / 'model.ckpt'}",
            "MD5          d1c7011e6366aa34176bb05c705e31a8 (as published)",
            "SHA-256      0962 (not that of the published file)",
            "values       SHA-256 e3b0",
            "embedding    mean 0.000657, std 0.343",
            "with a ReLU  mean 0.137, std 0.219",
            "quantized    not known: no file",
            "example 0    1.2e-07 from the official numbers, at most",
            "figures      since July 2023 (no activation, no resampling)",
            "verdict      the published weights.",
        ]
    )
    verdicts = {
        "the published weights, in another file than the published one.": {"published": False},
        "NOT the published weights.": {"published": False, "generation": NO_GENERATION},
        "UNTRAINED weights: every bias is zero, as the initializer leaves them.": {
            "untrained": True
        },
        (
            "a published file, but this installation does not compute the published figures: "
            "that is a bug."
        ): {"generation": NO_GENERATION},
    }
    for verdict, changes in verdicts.items():
        assert dataclasses.replace(base, **changes).verdict == verdict
    # The same 128 numbers in another order have the published mean and deviation.
    shuffled = dataclasses.replace(base, published=False, max_difference=1.42)
    assert shuffled.verdict == "NOT the published weights."


def test_verify_refuses_what_does_not_fit(tmp_path):
    (tmp_path / "model.ckpt").write_bytes(b"")
    message = message_of(checkpoints.verify, tmp_path / "model.ckpt")
    assert message.endswith("it is empty, cut short, or not a checkpoint.")


def test_the_table_of_layers_is_the_backbones():
    assert tuple(checkpoints.LAYERS) == backbone.LAYER_NAMES
