"""Very many files: what is done beside the network grows with their number, and not with its square."""

import time
from pathlib import Path

import numpy as np
import pytest

import vggish_tf
from vggish_tf.errors import AudioError, UsageError
from vggish_tf.jobs import bulk
from vggish_tf.streaming import batches

MANY = 20_000


def seconds(act) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def test_planning_many_files_is_linear(tmp_path):
    """The square of 20,000 took over a minute; each of them once is half a second."""
    names = [f"{number}.wav" for number in range(MANY)]
    assert seconds(lambda: bulk.plan(names, tmp_path / "out")) < 15
    with pytest.raises(UsageError, match=r"two files would be written to .*/19999\.npz"):
        bulk.plan([*names, "other/19999.wav"], tmp_path / "out")


@pytest.fixture(scope="module")
def embedder():
    with pytest.MonkeyPatch.context() as patch:
        import tiny

        tiny.shrink(patch.setattr)
        return vggish_tf.Embedder(None)


def test_many_results_are_handed_out_in_linear_time(embedder, monkeypatch):
    """With a stub for decoding, front end and network: a row for most files, none or an error for others."""
    row = np.zeros((1, 96, 64), np.float32)

    def examples_of(paths, ends):
        count = 0
        for number, _ in enumerate(paths):
            if number % 3:
                count += 1
                yield row
            ends.append((int(number % 3 > 0), None if number % 7 else AudioError("bad")))

    monkeypatch.setattr(embedder, "_examples_of", examples_of)
    monkeypatch.setattr(embedder, "_run", lambda batch: np.zeros((len(batch), 128), np.float32))
    results = []
    took = seconds(lambda: results.extend(embedder.embed_files(map(Path, map(str, range(MANY))), return_errors=True)))
    assert len(results) == MANY
    assert [len(result.embedding) for result in results[1:6]] == [1, 1, 0, 1, 1]
    assert [number for number in range(30) if isinstance(results[number], AudioError)] == [0, 7, 14, 21, 28]
    assert took < 15


def test_a_long_array_is_cut_into_batches_in_linear_time():
    """Each batch used to copy all that was left: 400 MB, 100,000 times 4 kB, took minutes."""
    array = np.zeros((100_000, 1000), np.float32)
    cut = []
    assert seconds(lambda: cut.extend(map(len, batches([array], 64)))) < 15
    assert cut == [64] * 1562 + [32]
    parts = list(batches([np.arange(5), np.arange(5, 6), np.arange(6, 20)], 4))
    assert [part.tolist() for part in parts] == [list(range(start, start + 4)) for start in range(0, 20, 4)]
