"""The network of a page in onnxruntime-web itself, which node runs. Its files are in the user's
cache, or npm brings them there.
"""

import json

import numpy as np
import pytest
import web_runtime
from cases import first

from vggish_tf import Params, VGGish
from vggish_tf.jobs.export import export
from vggish_tf.jobs.export.writers.web import sounds
from vggish_tf.reference import vggish_input

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("pretended_runtime")]

pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
PRECISIONS = ("int8", "int4", "float16", "float32")
SIZES = {"float32": 288.6, "float16": 144.3, "int8": 85.6, "int4": 57.8}  # MB
# Lowest of a sound, of weights that sum to zero into each unit, which magnify every rounding error;
# measured: 1 - 2e-12, 0.999983, 0.99979, 0.9818.
LOWEST = {"float32": 0.9999999, "float16": 0.99995, "int8": 0.9997, "int4": 0.975}


def check_cosines(files, folder, network):
    """Those in node against those in the manifest; the Keras network and the reference front end
    are the oracle of both.
    """
    printed = json.loads((folder / "manifest.json").read_text())["cosines"]
    examples = {
        name: vggish_input.waveform_to_examples(waveform.astype(float), 16_000).astype(np.float32)
        for name, waveform in sounds.sounds(Params()).items()
    }
    whole = np.concatenate(list(examples.values()))
    found, about = web_runtime.run_in_node(files, folder / "vggish.onnx", whole)
    print(
        folder.name, {name: round(value) for name, value in about.items()}, len(whole), "examples"
    )
    found, expected = found.astype(float), np.asarray(network(whole)).astype(float)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    rows = np.split(
        (found * expected).sum(axis=1) / lengths, np.cumsum([*map(len, examples.values())])[:-1]
    )
    for (name, cosine), each in zip(printed.items(), rows, strict=True):
        # the sums of float32 have another order
        assert each.min() == pytest.approx(cosine, abs=1e-6), name
    return printed


# the others' numbers are compared in Python and, with -m slow, at full size
@pytest.mark.parametrize("precision", first(1, PRECISIONS))
@pytest.mark.usefixtures("small_networks")
def test_the_cosines_are_those_that_were_printed(
    precision, onnxruntime_web, small_checkpoint, tmp_path
):
    network = VGGish(small_checkpoint, inputs="examples")
    folder = export(network, tmp_path / precision, format="web", precision=precision)
    check_cosines(onnxruntime_web, folder, network)


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_whole_network(precision, onnxruntime_web, seeded_checkpoint, tmp_path):
    network = VGGish(seeded_checkpoint, inputs="examples")
    folder = export(network, tmp_path / precision, format="web", precision=precision)
    megabytes = (folder / "vggish.onnx").stat().st_size / 1e6
    assert megabytes == pytest.approx(SIZES[precision], rel=0.01)
    assert min(check_cosines(onnxruntime_web, folder, network).values()) > LOWEST[precision]
