"""Statistics are an accumulator of Apache Beam: the rows of many machines make one Gaussian."""

import numpy as np
import pytest

from vggish_tf.jobs.fad import Statistics

beam = pytest.importorskip("apache_beam", reason="Apache Beam is absent: the extra `beam`")

from apache_beam.testing.test_pipeline import TestPipeline  # noqa: E402
from apache_beam.testing.util import assert_that  # noqa: E402

pytestmark = pytest.mark.thorough


class Gather(beam.CombineFn):
    """As docs/fad.md has it."""

    def create_accumulator(self):
        return Statistics()

    def add_input(self, total, rows):
        total.add(Statistics.of(rows))
        return total

    def merge_accumulators(self, parts):
        return Statistics.merged(parts)

    def extract_output(self, total):
        return total.gaussian


def test_they_are_gathered_as_in_one_pass():
    files = [np.random.default_rng(seed).standard_normal((1 + seed % 5, 8)) for seed in range(40)]
    rows = np.concatenate(files)

    def check(found):
        (gaussian,) = found
        np.testing.assert_allclose(gaussian.mean, rows.mean(axis=0), rtol=0, atol=1e-14)
        np.testing.assert_allclose(gaussian.covariance, np.cov(rows.T), rtol=0, atol=1e-13)
        assert (gaussian.num_rows, gaussian.num_files) == (len(rows), 40)

    with TestPipeline() as pipeline:
        found = pipeline | beam.Create(files) | beam.CombineGlobally(Gather())
        assert_that(found, check)
