"""Clips of classifiers: the times of their examples."""

import numpy as np
import pytest
from sound_files import write_noise

from vggish_tf import Embedder, Params
from vggish_tf.jobs.classify.clips import embedded

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.mark.filterwarnings("ignore:the front end is not the published one")
def test_examples_start_and_end_with_their_frames(tmp_path):
    """96.4 frames are 96, and 5.4 are 5."""
    params = Params(example_window_seconds=0.964, example_hop_seconds=0.054)
    found = embedded(Embedder(None, params=params), write_noise(tmp_path / "a.wav", 1.1))
    np.testing.assert_allclose(found.times, [[0, 0.96], [0.05, 1.01], [0.1, 1.06]], rtol=1e-12)
