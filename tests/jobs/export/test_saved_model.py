"""The SavedModel, in every loader.

The network is small; with -m slow it has the published size, too.

Oracles: the reference front end (NumPy, float64) and the tf-slim graph with the same checkpoint;
for the quantized embeddings, upstream's NumPy Postprocessor.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import seeded
import tensorflow as tf
from signals import uniform_noise

from vggish_tf import checkpoints
from vggish_tf.jobs.export import export
from vggish_tf.reference import vggish_input, vggish_postprocess, vggish_slim

pytestmark = pytest.mark.thorough

PUBLISHED_ORDER = [f"{layer}/{kind}" for layer in seeded.SHAPES for kind in ("weights", "biases")]
# float32 network and log-mel against float64 log-mel and the tf-slim graph; the largest seen is
# 4e-6
ATOL = 1e-5
# A process as of somebody who has TensorFlow alone: neither our package nor Keras can be imported.
ALONE = "import sys; sys.modules.update(dict.fromkeys(('vggish_tf', 'keras', 'tf_slim', 'scipy')));"


def alone(code: str, *arguments, folder) -> str:
    command = [sys.executable, "-c", ALONE + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def exported(sized_checkpoint, pca_params, tmp_path_factory):
    """The folder of a SavedModel. Do not change it."""
    path = export(sized_checkpoint, tmp_path_factory.mktemp("export") / "vggish", pca=pca_params)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(exported)


@pytest.fixture(scope="module")
def oracle(sized_checkpoint):
    """(num_samples,) → (examples, 128), as upstream computes it."""
    with tf.Graph().as_default() as graph:
        embedding = vggish_slim.define_vggish_slim()
    session = tf.compat.v1.Session(graph=graph)
    vggish_slim.load_vggish_slim_checkpoint(session, sized_checkpoint)

    def run(waveform):
        examples = vggish_input.waveform_to_examples(waveform.astype(np.float64), 16_000)
        return session.run(embedding, {"vggish/input_features:0": examples})

    yield run
    session.close()


def test_it_is_called_as_the_tensorflow_hub_module_is(loaded, oracle):
    """vggish_export_tfhub.py: a 1-D waveform in, NumPy or tensor, and (num_examples, 128) out."""
    waveform = uniform_noise(40_000)
    for given in (waveform, tf.constant(waveform)):
        embedding = loaded(given)
        assert embedding.shape == (2, 128)
        np.testing.assert_allclose(embedding, oracle(waveform), atol=ATOL)


@pytest.mark.parametrize("num_samples", [0, 1, 400, 15_599, 15_600, 30_959, 30_960])
def test_the_rows_on_both_sides_of_every_boundary(loaded, oracle, num_samples):
    num_rows = max(0, (num_samples - 400 + 160) // 160 // 96)
    waveforms = uniform_noise(2, num_samples)
    expected = np.array([oracle(row) if num_rows else np.zeros((0, 128)) for row in waveforms])
    assert expected.shape == (2, num_rows, 128)
    np.testing.assert_allclose(loaded(waveforms[0]), expected[0], atol=ATOL)
    np.testing.assert_allclose(loaded(waveforms), expected, atol=ATOL)


@pytest.mark.parametrize("shape", [(3, 40_000), (5, 7 * 15_600), (40, 15_600)])
def test_a_batch_is_its_rows(loaded, oracle, shape):
    """Also if blocks of 32 examples end inside a clip, or a clip is shorter than a block."""
    waveforms = uniform_noise(*shape)
    embedding = loaded(waveforms)
    for waveform, rows in zip(waveforms[[0, -1]], embedding.numpy()[[0, -1]], strict=True):
        np.testing.assert_allclose(rows, oracle(waveform), atol=ATOL)


def test_serving_default_has_the_start_of_every_example(loaded, oracle):
    waveforms = uniform_noise(2, 60_000)
    outputs = loaded.signatures["serving_default"](waveform=tf.constant(waveforms))
    np.testing.assert_allclose(outputs["embedding"][1], oracle(waveforms[1]), atol=ATOL)
    np.testing.assert_allclose(outputs["timestamps"], [[0.0, 0.96, 1.92]] * 2, rtol=1e-15)


def test_examples_and_log_mel_are_the_two_halves(loaded, oracle):
    waveform = uniform_noise(40_000)
    log_mel = loaded.signatures["log_mel"](waveform=tf.constant(waveform[np.newaxis]))[
        "log_mel"
    ].numpy()
    assert log_mel.shape == (1, 248, 64)
    examples = vggish_input.waveform_to_examples(waveform.astype(np.float64), 16_000)
    # as the front end's own tests
    np.testing.assert_allclose(log_mel[0, :192].reshape(2, 96, 64), examples, atol=2e-5)
    embedding = loaded.signatures["examples"](input_features=tf.constant(examples, tf.float32))[
        "embedding"
    ]
    np.testing.assert_allclose(embedding, oracle(waveform), atol=ATOL)


def test_quantized_is_upstreams_postprocessing(loaded, pca_params):
    waveform = uniform_noise(2, 110_000)
    quantized = loaded.signatures["quantized"](waveform=tf.constant(waveform))["embedding"].numpy()
    expected = vggish_postprocess.Postprocessor(str(pca_params)).postprocess(
        loaded(waveform[1]).numpy()
    )
    assert quantized.dtype == np.uint8
    assert np.count_nonzero((quantized > 0) & (quantized < 255)) > 0  # not all of them clipped
    assert np.array_equal(quantized[1], expected)


def test_weights_are_stored_once(exported, sized_checkpoint):
    contents = [file.read_bytes() for file in exported.rglob("*") if file.is_file()]
    weights = [value.tobytes() for value in checkpoints.read(sized_checkpoint).values()]
    assert [sum(content.count(value) for content in contents) for value in weights] == [1] * 18
    size, raw = sum(map(len, contents)), sum(map(len, weights))
    assert size <= 1.02 * raw or raw < 1e6  # beside a small network the graph is large


@pytest.mark.slow
def test_it_can_be_trained_after_loading(exported):
    """All 18 weights get a gradient through the loop, and a step changes the embedding."""
    loaded = tf.saved_model.load(exported)
    assert len(loaded.variables) == len(loaded.trainable_variables) == 18
    waveform = tf.constant(uniform_noise(1, 33 * 15_360 + 240))  # more than one block
    with tf.GradientTape() as tape:
        before = loaded(waveform)
        loss = tf.reduce_mean(before**2)
    gradients = tape.gradient(loss, loaded.trainable_variables)
    assert all(np.abs(gradient.numpy()).max() > 0 for gradient in gradients)
    bias = loaded.trainable_variables[-1]
    expected = 2 / 128 * tf.reduce_mean(before, (0, 1))  # d mean(e²) / d bias, by hand
    # sums of 33 rows in float32
    np.testing.assert_allclose(gradients[-1], expected, rtol=1e-4, atol=1e-7)
    bias.assign_sub(gradients[-1])
    np.testing.assert_allclose(loaded(waveform), before - gradients[-1], atol=1e-6)


CLI = "from tensorflow.python.tools.saved_model_cli import main; sys.argv[0] = 'saved_model_cli'; "


@pytest.fixture(scope="module")
def elsewhere(exported, tmp_path_factory):
    """The folder of waveforms, and of what a process without the package makes of them.

    One process, since TensorFlow takes seconds to import: first tf.saved_model.load, then
    saved_model_cli, which has a session and a loader of its own.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    np.save(folder / "w.npy", uniform_noise(2, 40_000))
    embed = "np.save('loaded.npy', tf.saved_model.load(sys.argv[3])(np.load('w.npy')[0]))"
    run = ("run", "--dir", exported, "--tag_set", "serve", "--signature_def", "serving_default")
    alone(
        f"import numpy as np, tensorflow as tf; {embed}; {CLI}sys.exit(main())",
        *(*run, "--inputs", "waveform=w.npy", "--outdir", "."),
        folder=folder,
    )
    return folder


def test_it_loads_where_the_package_is_not_installed(elsewhere, oracle):
    expected = oracle(np.load(elsewhere / "w.npy")[0])
    np.testing.assert_allclose(np.load(elsewhere / "loaded.npy"), expected, atol=ATOL)


def test_saved_model_cli_runs_it(elsewhere, oracle):
    expected = oracle(np.load(elsewhere / "w.npy")[1])
    np.testing.assert_allclose(np.load(elsewhere / "embedding.npy")[1], expected, atol=ATOL)


@pytest.mark.slow
def test_saved_model_cli_shows_the_signatures(exported, tmp_path):
    text = alone(
        f"{CLI}sys.exit(main())",
        *("show", "--dir", exported, "--tag_set", "serve"),
        folder=tmp_path,
    )
    assert set(re.findall(r'SignatureDef key: "(\w+)"', text)) >= {
        "serving_default",
        "examples",
        "log_mel",
        "quantized",
    }


@pytest.mark.slow
def test_a_c_program_runs_it(exported, oracle, tmp_path):
    """The session loader of C and C++, without Python, on which TF Serving is built."""
    compiler = shutil.which("gcc")
    if not compiler:
        pytest.skip("there is no gcc")
    folder = Path(tf.__file__).parent
    program, source = tmp_path / "embed", Path(__file__).with_name("embed_with_c.c")
    libraries = [
        folder / name for name in ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
    ]
    command = [
        compiler,
        source,
        "-o",
        program,
        f"-I{folder / 'include'}",
        *libraries,
        f"-Wl,-rpath,{folder}",
    ]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    signature = json.loads(exported.with_name("vggish.json").read_text())["signatures"][
        "serving_default"
    ]
    waveform = uniform_noise(40_000)
    waveform.tofile(tmp_path / "w.f32")
    names = (signature["inputs"]["waveform"]["tensor"], signature["outputs"]["embedding"]["tensor"])
    subprocess.run(
        [program, exported, tmp_path / "w.f32", tmp_path / "e.f32", *names],
        check=True,
        capture_output=True,
    )
    embedding = np.fromfile(tmp_path / "e.f32", np.float32).reshape(-1, 128)
    np.testing.assert_allclose(embedding, oracle(waveform), atol=ATOL)


def test_a_manifest_tells_what_it_is(exported, sized_checkpoint):
    manifest = json.loads(exported.with_name("vggish.json").read_text())
    weights = manifest["weights"]
    assert (weights["path"], weights["untrained"]) == (str(sized_checkpoint), False)
    assert manifest["pad"] == "never"
    assert manifest["versions"]["tensorflow"] == tf.__version__
    assert manifest["params"]["sample_rate"] == manifest["input_rate"] == 16_000
    assert set(manifest["signatures"]) == {"serving_default", "examples", "log_mel", "quantized"}
    assert manifest["check"]["largest_difference"] <= manifest["check"]["allowed_difference"] < 1e-3
    values = checkpoints.read(sized_checkpoint)
    digest = hashlib.sha256(b"".join(values[name].tobytes() for name in PUBLISHED_ORDER))
    assert weights["values_sha256"] == digest.hexdigest()


PEAK = """
import numpy as np, tensorflow as tf
def kilobytes(field):
    lines = open("/proc/self/status")
    return int(next(line for line in lines if line.startswith(field)).split()[1])
loaded = tf.saved_model.load(sys.argv[1])
loaded(np.zeros(33 * 15_360, np.float32))
waveform = np.random.default_rng(0).standard_normal(int(sys.argv[2]) * 16_000, np.float32)
open("/proc/self/clear_refs", "w").write("5")  # the peak of loading does not count
before = kilobytes("VmRSS")
rows = loaded(waveform).shape[0]
print(rows, kilobytes("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is reset through /proc")
@pytest.mark.parametrize("seconds", [600, 3600])
def test_memory_does_not_grow_with_the_waveform(exported, tmp_path, seconds):
    """Beyond the waveform and a copy of it.

    At once, the front end and the layers of even a small network would take 0.5 GB for ten minutes.
    """
    rows, kilobytes = map(int, alone(PEAK, exported, seconds, folder=tmp_path).split()[-2:])
    assert rows == (seconds * 16_000 - 240) // 15_360
    # what the allocator keeps of blocks of 32 examples
    assert kilobytes * 1024 < 3 * 4 * 16_000 * seconds + 150e6
