"""embed_bytes(): a function for any engine: datasets, Arrow batches, a pool of processes."""

import os
import pickle
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import places
import pyarrow as pa
import pytest
import small_network
import soundfile

from vggish_tf import Embedder, inference
from vggish_tf.errors import CheckpointError
from vggish_tf.jobs.embed import Failure, embed_bytes, embed_many
from vggish_tf.rows import ClipRows

# Clips that share batches are summed in float32 in another order.
ATOL = 1e-5


@pytest.fixture(scope="module")
def embed(embedder):
    return partial(embed_bytes, embedder=embedder)


def check_rows(result, embedder, path, offset=0.0):
    """Asserts that a result holds the rows of the file by itself."""
    alone = embedder.embed_file(path)
    np.testing.assert_allclose(result.embedding, alone.embedding, rtol=0, atol=ATOL)
    np.testing.assert_allclose(result.start, alone.timestamps + offset)
    np.testing.assert_allclose(result.end, alone.end_timestamps + offset)


def test_bytes_are_embedded_as_their_file_is(sounds, embed, embedder):
    path = sounds / "odd" / "05.wav"
    result = embed(path.read_bytes(), "a/b.wav")
    assert (type(result), result.path) == (ClipRows, "a/b.wav")
    check_rows(result, embedder, path)


def test_a_stretch_of_bytes_is_the_cut_sound(sounds, embed, embedder):
    whole = sounds / "odd" / "05.wav"
    samples, rate = soundfile.read(whole, dtype="float32")
    soundfile.write("cut.wav", samples[rate // 2 : 2 * rate], rate, subtype="FLOAT")
    check_rows(embed(whole.read_bytes(), "x", 0.5, 2.0), embedder, "cut.wav", 0.5)


@pytest.mark.parametrize("data", [b"", b"no audio", b"RIFF\x24\0\0\0WAVEfmt "])
def test_bad_bytes_are_a_failure_in_the_words_of_the_user(data, embed):
    failure = embed(data, "a/b.wav")
    assert isinstance(failure, Failure)
    assert (failure.path, failure.kind) == ("a/b.wav", "AudioError")
    assert failure.message.startswith("a/b.wav ")
    assert "tmp" not in failure.message


def test_a_mistake_that_is_no_bad_audio_is_raised(sounds, embed):
    with pytest.raises(TypeError):
        embed("a path, not bytes")
    with pytest.raises(TypeError):
        embed((sounds / "odd" / "05.wav").read_bytes(), "x", "0.5")


def test_many_are_in_order_and_a_bad_one_stops_none(sounds, embedder):
    paths = sorted(sounds.rglob("*.wav"))
    clips = [(path.read_bytes(), str(path)) for path in paths]
    clips.insert(3, (b"no audio", "bad"))
    results = list(embed_many(iter(clips), embedder=embedder))
    assert [result.path for result in results] == [name for _, name in clips]
    assert isinstance(results.pop(3), Failure)
    for path, result in zip(paths, results, strict=True):
        check_rows(result, embedder, path)


def from_the_page() -> dict:
    """The names that the first block of code in docs/archives.md defines."""
    page = (places.ROOT / "docs" / "archives.md").read_text(encoding="utf-8")
    names: dict = {}
    exec(re.search(r"```py\n(def .*?)```", page, re.DOTALL)[1], names)
    return names


def test_arrow_batches_go_in_and_out(sounds, embedder):
    """As Spark's mapInArrow and Ray's map_batches hand them over."""
    paths = [*sorted(sounds.rglob("*.wav")), sounds / "bad.wav"]
    paths[-1].write_bytes(b"no audio")
    table = pa.table(
        {"bytes": [path.read_bytes() for path in paths], "path": list(map(str, paths))}
    )
    copied = pickle.loads(pickle.dumps(embedder))
    function = partial(from_the_page()["embed_batches"], embedder=copied)
    made = pa.Table.from_batches(function(table.to_batches(max_chunksize=5))).to_pandas()
    assert made.path.unique().tolist() == list(map(str, paths[:-1]))
    for path, rows in made.groupby("path"):
        alone = embedder.embed_file(path)
        np.testing.assert_allclose(np.stack(rows.embedding), alone.embedding, rtol=0, atol=ATOL)
        np.testing.assert_array_equal(rows.start, alone.timestamps)
        np.testing.assert_array_equal(rows.end, alone.end_timestamps)


def test_datasets_map_embeds_its_audio_column(sounds, embedder):
    datasets = pytest.importorskip("datasets")
    paths = [str(path) for path in sorted(sounds.rglob("*.wav"))]
    column = datasets.Audio(decode=False)
    clips = datasets.Dataset.from_dict({"audio": paths}).cast_column("audio", column)

    def embed(row):
        data = row["audio"]["bytes"] or Path(row["audio"]["path"]).read_bytes()
        result = embed_bytes(data, row["audio"]["path"], embedder=embedder)
        return {"path": result.path, "embedding": result.embedding}

    made = clips.map(embed, remove_columns="audio", new_fingerprint="rows")
    assert made["path"][:] == paths
    for row in made.with_format("numpy"):
        alone = embedder.embed_file(str(row["path"]))
        np.testing.assert_allclose(row["embedding"], alone.embedding, rtol=0, atol=ATOL)


POOL = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
import numpy as np
import small_network
from vggish_tf import Embedder, inference
from vggish_tf.jobs.embed import embed_bytes

small_network.shrink()  # in spawned processes too
loads = []
load = inference.Network._load
inference.Network._load = lambda network: (loads.append(1), load(network))[1]

def work(embed, path):
    result = embed(Path(path).read_bytes(), path)
    return result.path, result.embedding, len(loads)

if __name__ == "__main__":
    embed = partial(embed_bytes, embedder=Embedder("small.keras"))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        for path, rows, num_loads in pool.map(partial(work, embed), sys.argv[1:]):
            print(path, num_loads, np.array_equal(rows, embed(Path(path).read_bytes()).embedding))
"""


@pytest.mark.slow
def test_a_process_of_a_pool_loads_the_weights_once(sounds):
    small_network.vggish().save("small.keras")
    Path("pool.py").write_text(POOL)
    paths = [str(path) for path in sorted(sounds.rglob("*.wav"))]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "pool.py", *paths],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(places.HELPERS), *sys.path])},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.stdout.splitlines() == [f"{path} 1 True" for path in paths], ran.stderr[-2000:]


@pytest.fixture
def on_file(tmp_path, small_networks):
    """An embedder of which the weights are in a file, and the file."""
    path = tmp_path / "small.keras"
    small_network.randomize(small_network.vggish()).save(path)
    return Embedder(path), path


def test_copies_in_one_process_share_the_weights(on_file, monkeypatch):
    embedder, _ = on_file
    pickled, loads = pickle.dumps(embedder), []
    load = inference.Network._load
    monkeypatch.setattr(
        inference.Network, "_load", lambda network: (loads.append(network), load(network))[1]
    )
    examples = np.ones((1, 96, 64), np.float32)
    expected = embedder.embed_examples(examples)
    for _ in range(3):
        np.testing.assert_array_equal(pickle.loads(pickled).embed_examples(examples), expected)
    assert len(loads) == 1


def test_a_copy_refuses_a_file_that_holds_other_weights(on_file, small_networks):
    embedder, path = on_file
    pickled = pickle.dumps(embedder)
    small_network.randomize(small_network.vggish(), seed=7).save(path)
    with pytest.raises(CheckpointError, match=r"holds other weights here .* than where the"):
        pickle.loads(pickled).embed_examples(np.ones((1, 96, 64), np.float32))
