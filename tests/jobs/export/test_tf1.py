"""The frozen graph in a TF1 script without the package. Oracle: the tf-slim graph.

The network is small; with -m slow it has the published size, too.
"""

import numpy as np
import pytest
import seeded
import tensorflow as tf

from vggish_tf.errors import VGGishError
from vggish_tf.jobs.export import export
from vggish_tf.params import Params

tf1 = tf.compat.v1


def test_a_tf1_script_finds_the_published_tensors(sized_checkpoint, tmp_path):
    path = export(sized_checkpoint, tmp_path / "vggish.pb", format="frozen_graph")
    examples = np.random.default_rng(0).uniform(-4, 2, (3, 96, 64)).astype(np.float32)
    definition = tf1.GraphDef()
    definition.ParseFromString(path.read_bytes())
    assert not [node.name for node in definition.node if "Variable" in node.op]
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.import_graph_def(definition, name="")
        source = session.graph.get_tensor_by_name("vggish/input_features:0")
        names = ["vggish/embedding:0", "vggish/conv1/Relu:0"]
        embedding, conv1 = session.run(
            [session.graph.get_tensor_by_name(name) for name in names], {source: examples}
        )
    with seeded.slim_session(sized_checkpoint) as run:
        expected, expected_conv1 = run(examples, "embedding", "conv1")
    # the same operations, on constants: other kernels
    np.testing.assert_allclose(embedding, expected, atol=1e-5)
    np.testing.assert_allclose(conv1, expected_conv1, atol=1e-5)


def test_an_example_that_is_not_finite_is_nan_and_no_other_row_changes(sized_checkpoint, tmp_path):
    """Untrained weights: large numbers that ReLUs and max-pools make of NaN do not overflow."""
    path = export(None, tmp_path / "vggish.pb", format="frozen_graph")
    examples = np.random.default_rng(0).uniform(-4, 2, (3, 96, 64)).astype(np.float32)
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.import_graph_def(tf1.GraphDef.FromString(path.read_bytes()), name="")
        expected = session.run("vggish/embedding:0", {"vggish/input_features:0": examples})
        expected[1] = np.nan
        for bad, place in ((np.nan, (1, 0, 0)), (np.inf, (1, 40, 30)), (-np.inf, (1, 95, 63))):
            spoilt = examples.copy()
            spoilt[place] = bad
            embedding = session.run("vggish/embedding:0", {"vggish/input_features:0": spoilt})
            np.testing.assert_array_equal(embedding, expected)


def test_it_holds_the_published_shape_alone(tmp_path):
    params = Params(example_window_seconds=0.48)
    with pytest.raises(VGGishError, match="takes examples of 96 frames and 64 mel bins"):
        export(None, tmp_path / "vggish.pb", format="frozen_graph", params=params)
    assert not list(tmp_path.iterdir())
