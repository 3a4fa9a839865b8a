"""Distances that fadtk published of three of its clips, from FMA-Pop; they need its weights."""

import pytest

from vggish_tf import Embedder
from vggish_tf.jobs import fad
from vggish_tf.jobs.fad import Statistics, frechet

PUBLISHED = {"mg-1634": 21.1937, "mg-1648": 13.2565, "mubert-806": 15.7088}


@pytest.mark.checkpoint
@pytest.mark.filterwarnings("ignore:.*the Fréchet distance depends on the number of rows")
@pytest.mark.parametrize("profile", ["tf-2020", "fadtk"])
def test_three_clips_have_their_published_distance(profile, shared_data, published_checkpoint):
    """Within 5 %, fadtk's own mark: it has changed its resampler since."""
    reference = fad.read(shared_data / "fma_pop_vggish_stats.npz").gaussian
    embedder = Embedder(published_checkpoint, profile=profile)
    for name, expected in PUBLISHED.items():
        rows = embedder.embed_file(shared_data / "audio" / f"{name}.opus").embedding
        found = frechet.distance(reference, Statistics.of(rows).gaussian)
        assert found == pytest.approx(expected, rel=0.05), name
