"""Very many files: the cost beside the network grows linearly with their number."""

from pathlib import Path, PurePath

import numpy as np
import pytest
import small_network

import vggish_tf.embedding
from vggish_tf.errors import AudioError, UsageError
from vggish_tf.jobs import embed
from vggish_tf.network.batching import batches

MANY = 20_000


@pytest.fixture
def copied(monkeypatch):
    """The rows that np.concatenate has copied."""
    concatenate, rows = np.concatenate, []

    def counting(arrays, *args, **kwargs):
        joined = concatenate(arrays, *args, **kwargs)
        rows.append(len(joined))
        return joined

    monkeypatch.setattr(np, "concatenate", counting)
    return rows


def test_planning_many_files_is_linear(tmp_path, monkeypatch):
    """Paths were compared each with each, which took over a minute."""
    compared = []
    monkeypatch.setattr(PurePath, "__eq__", lambda a, b: compared.append(1) or str(a) == str(b))
    names = [f"{number}.wav" for number in range(MANY)]
    embed.plan(names, tmp_path / "out")
    with pytest.raises(UsageError, match=r"two files would be written to .*/19999\.npz"):
        embed.plan([*names, "other/19999.wav"], tmp_path / "out")
    assert len(compared) < 20 * MANY


@pytest.fixture(scope="module")
def embedder():
    with small_network.shrunken():
        return vggish_tf.Embedder(None)


@pytest.mark.slow
def test_many_results_are_handed_out_in_linear_time(embedder, monkeypatch, copied):
    """Stubs decode and embed: one row for most files, none or an error for others."""
    row = np.zeros((1, 96, 64), np.float32)

    class Examples:
        def __init__(self, log_mel, pad, name):
            self.number = int(name)

        def push_all(self, blocks):
            if self.number % 3:
                yield row
            if not self.number % 7:
                raise AudioError("bad")

    monkeypatch.setattr(vggish_tf.embedding, "ExampleStream", Examples)
    monkeypatch.setattr(embedder, "_run", lambda batch: np.zeros((len(batch), 128), np.float32))
    results = []
    results.extend(embedder.embed_files(map(Path, map(str, range(MANY))), return_errors=True))
    assert len(results) == MANY
    assert [len(result.embedding) for result in results[1:6]] == [1, 1, 0, 1, 1]
    assert [number for number in range(30) if isinstance(results[number], AudioError)] == [
        0,
        7,
        14,
        21,
        28,
    ]
    assert sum(copied) < 200 * MANY  # a few batches of 64 for each file


def test_a_long_array_is_cut_into_batches_in_linear_time(copied):
    """Each batch used to copy all that was left: 400 MB, 100,000 times 4 kB, took minutes."""
    array = np.zeros((100_000, 4), np.float32)
    cut = [len(batch) for batch in batches([array], 64)]
    assert sum(copied) < 3 * len(array)
    assert cut == [64] * 1562 + [32]
    parts = list(batches([np.arange(5), np.arange(5, 6), np.arange(6, 20)], 4))
    assert [part.tolist() for part in parts] == [
        list(range(start, start + 4)) for start in range(0, 20, 4)
    ]
