"""Embedder at the network's full size, whose wide convolutions are computed in another way
(test_winograd): against the TF1 session, and in half precision.
"""

import subprocess
import sys

import numpy as np
import processor
import pytest
import seeded
import signals
import soundfile

from vggish_tf import Embedder
from vggish_tf.network.plan import Plan
from vggish_tf.reference import vggish_input

ATOL = 1.7e-5  # as in test_embedding


@pytest.fixture(scope="module")
def embedder(seeded_checkpoint):
    return Embedder(seeded_checkpoint)


@pytest.fixture(scope="module")
def clip():
    return signals.demo_clip()


@pytest.fixture(scope="module")
def whole(embedder, clip):
    return embedder(clip, signals.RATE)


def test_a_clip_is_what_the_tf1_session_makes_of_it(whole, clip, seeded_checkpoint):
    with seeded.slim_session(seeded_checkpoint) as session:
        expected = session(vggish_input.waveform_to_examples(clip, signals.RATE))
    np.testing.assert_allclose(whole.embedding, expected, rtol=0, atol=ATOL)
    assert whole.embedding.shape == (20, 128)


def test_a_stream_is_the_whole_clip(embedder, whole, clip):
    """In batches of other sizes."""
    stream = embedder.stream(signals.RATE)
    parts = [stream.push(clip[start : start + 50_000]) for start in range(0, len(clip), 50_000)]
    rows = np.concatenate([part.embedding for part in [*parts, stream.finish()]])
    np.testing.assert_allclose(rows, whole.embedding, rtol=0, atol=ATOL)


@pytest.mark.slow
def test_bfloat16_stays_near_float32(seeded_checkpoint, whole, clip):
    plan = Plan("keras", "bfloat16")
    embedding = Embedder(seeded_checkpoint, plan=plan)(clip, signals.RATE).embedding
    assert embedding.dtype == np.float32
    norms = np.linalg.norm(embedding, axis=1) * np.linalg.norm(whole.embedding, axis=1)
    cosine = (embedding * whole.embedding).sum(axis=1) / norms
    assert cosine.min() > processor.BFLOAT16_COSINE
    assert np.any(embedding != whole.embedding)


HOUR = """
import resource
import numpy as np
from vggish_tf import Embedder
embedder = Embedder({checkpoint!r})
# all but the network, which has no memory
embedder._run = lambda batch: np.zeros((len(batch), 128), np.float32)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
embedder.embed_file({minute!r})
before = peak()
rows = len(embedder.embed_file({hour!r}).embedding)
print(rows, peak() - before)
"""


@pytest.mark.slow
def test_an_hour_costs_no_more_memory_than_a_minute(seeded_checkpoint, tmp_path):
    files = {}
    for name, minutes in (("minute", 1), ("hour", 60)):
        files[name] = str(tmp_path / f"{name}.wav")
        with soundfile.SoundFile(files[name], "w", 44_100, 2) as sound:
            for _ in range(minutes):
                sound.write(np.stack([signals.noise(44_100 * 60)] * 2, axis=1))
    code = HOUR.format(checkpoint=str(seeded_checkpoint), **files)
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    rows, growth = map(int, result.stdout.split())
    assert rows == 3_749
    assert growth < 30  # MB; the rows themselves are 2 MB, the sound would be 1.3 GB
