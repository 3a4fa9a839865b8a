"""Queries of every kind: embedded, pooled and compared as the archive's provenance says."""

import subprocess
import sys

import archives
import numpy as np
import pytest
import small_network
from sound_files import write_noise

import vggish_tf
from vggish_tf import Params, formats
from vggish_tf.errors import AudioError, UsageError, VGGishError
from vggish_tf.formats import npz, parquet
from vggish_tf.jobs.embed import embed_archive
from vggish_tf.jobs.search import embedder_for, nearest
from vggish_tf.rows import Archive

SAME = pytest.approx(1, abs=1e-6)  # batches of other clips beside: other last bits of float32
PROVENANCE = {
    "weights": {"values_sha256": "a" * 64, "asked": "audioset", "untrained": False},
    "params": {"example_hop_seconds": 0.96},
    "postprocess": None,
    "pool": None,
}


def with_(**changes):
    return {**PROVENANCE, **changes}


def test_audio_finds_its_own_segments(readers_folder, rows, small_networks):
    """The embedder is made from the archive's provenance, weights and all."""
    query = readers_folder / "sounds" / "2.wav"
    hits = nearest(rows, query, top=4)
    assert sorted(hit.example for hit in hits) == [0, 1, 2, 3]
    for hit in hits:
        assert (hit.path, hit.start) == (str(query), pytest.approx(0.96 * hit.example))
        assert (hit.end - hit.start, hit.cosine) == (pytest.approx(0.96), SAME)


def test_audio_is_embedded_with_the_settings_of_the_archive(readers_folder, embedder, tmp_path):
    """Only so are the pooled rows of the same sound the same: hop, pad and pooling."""
    params, model = Params(example_hop_seconds=0.32), str(readers_folder / "small.keras")
    with small_network.shrunken():
        own = vggish_tf.Embedder(model, params=params, pad="always", batch_size=8)
        embed_archive([readers_folder / "sounds"], tmp_path / "rows", own, pool="mean+std")
        query = readers_folder / "sounds" / "1.wav"
        hits = nearest(tmp_path / "rows", query)
        made = embedder_for(parquet.read(tmp_path / "rows").provenance)
    assert (made.params, made.pad, made.postprocess) == (params, "always", None)
    assert [hits[0].path, hits[0].cosine, len(hits)] == [str(query), SAME, 4]
    assert hits[0].cosine - hits[1].cosine > 1e-5  # so that other settings would show


def test_other_weights_are_refused_by_the_digests_of_both(readers_folder, rows, embedder):
    with small_network.shrunken():
        model = small_network.randomize(small_network.vggish(), seed=5)
        other = vggish_tf.Embedder(model)
    for given in (other, lambda _: other):
        with pytest.raises(VGGishError) as caught:
            nearest(rows, readers_folder / "sounds" / "1.wav", embedder=given)
        assert embedder.identity.values_sha256 in str(caught.value)
        assert other.identity.values_sha256 in str(caught.value)
        assert "--weights" in str(caught.value)
    assert nearest(rows, readers_folder / "sounds" / "1.wav", embedder=embedder)


def test_too_short_a_query_is_refused(readers_folder, tmp_path):
    with small_network.shrunken():
        own = vggish_tf.Embedder(str(readers_folder / "small.keras"), pad="never")
    archive = archives.written(tmp_path / "a.parquet", [], own.provenance)
    write_noise(tmp_path / "short.wav", 0.5, 1)
    with pytest.raises(AudioError, match=r"short\.wav is shorter than an example, 0\.975 s"):
        nearest(archive, tmp_path / "short.wav", embedder=own)


def test_an_archive_of_unknown_origin_takes_rows_and_no_audio(tmp_path):
    archive = archives.written(tmp_path / "a.parquet", [archives.clip("a.wav", np.eye(3, 128))])
    assert nearest(archive, np.eye(1, 128))[0].start == 0
    with pytest.raises(VGGishError, match="lacks the weights and settings of its rows"):
        nearest(archive, tmp_path / "query.wav")


def stored(folder, kind, rows, provenance):
    """The path of rows in an npz, or of two clips in an archive."""
    if kind == "npz":
        return npz.write(folder / "query.npz", (rows, np.arange(len(rows))), provenance)
    half = len(rows) // 2
    parts = [archives.clip("q.wav", rows[:half]), archives.clip("r.wav", rows[half:])]
    return archives.written(folder / "query.parquet", parts, provenance)


@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_rows_that_are_read_are_the_query(kind, tmp_path):
    clips = [archives.clip(f"{k}.wav", archives.normal(9, 128, seed=k)) for k in range(5)]
    rows, negatives = archives.normal(4, 128, seed=8), archives.normal(2, 128, seed=9)
    query = stored(tmp_path, kind, rows, PROVENANCE)
    hits = nearest(Archive(clips, PROVENANCE), query, unlike=[negatives, query])
    expected = archives.oracle(clips, rows, 20, False, np.concatenate([negatives, rows]))
    assert [(hit.path, hit.start, hit.example) for hit in hits] == [
        (path, start, example) for path, start, _, example in expected
    ]


@pytest.mark.parametrize("name", ["rows.csv", "rows.wav", "rows"])
@pytest.mark.parametrize("format", ["npz", "parquet", "csv", "memmap"])
def test_rows_are_known_by_their_content(format, name, tmp_path):
    rows = archives.normal(2, 128, seed=8)
    made = formats.write(
        tmp_path / ("one" if format in ("csv", "memmap") else f"one.{format}"),
        Archive([archives.clip("q.wav", rows)], PROVENANCE),
        format,
    )
    for path in tmp_path.iterdir():  # the provenance beside it too
        path.rename(tmp_path / path.name.replace(made.name, name))
    clips = [archives.clip(f"{k}.wav", archives.normal(9, 128, seed=k)) for k in range(5)]
    hits = nearest(Archive(clips, PROVENANCE), tmp_path / name, top=4)
    assert [(hit.path, hit.start) for hit in hits] == [
        (path, start) for path, start, *_ in archives.oracle(clips, rows, 4)
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": {"values_sha256": "b" * 64}}, ["a" * 64, "b" * 64]),
        ({"postprocess": "pca"}, ["None in the archive, pca in the query"]),
        ({"params": {"mel_max_hz": 7000.0}}, ["params: ", "mel_max_hz=7500", "mel_max_hz=7000"]),
        ({"pool": "mean"}, ["pool: None in the archive, mean in the query"]),
    ],
)
def test_rows_of_other_settings_are_refused_by_both(change, words, tmp_path):
    query = stored(tmp_path, "npz", archives.normal(2, 128), with_(**change))
    with pytest.raises(VGGishError) as caught:
        nearest(Archive([], PROVENANCE), query)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_another_hop_makes_rows_that_can_be_compared(tmp_path):
    provenance = with_(params={"example_hop_seconds": 0.48})
    query = stored(tmp_path, "npz", archives.normal(2, 128), provenance)
    assert nearest(Archive([], PROVENANCE), query) == []


@pytest.mark.parametrize("pool", ["mean", "max", "mean+std"])
@pytest.mark.parametrize("pooled_before", [False, True])
def test_rows_are_pooled_as_the_archive_is(pool, pooled_before, tmp_path):
    """Clip by clip: the query's two clips are two examples."""
    clips = [archives.clip(f"{k}.wav", archives.normal(6, 128, seed=k)) for k in range(4)]
    query = [clips[2]._replace(path="q.wav"), clips[0]._replace(path="r.wav")]
    if pooled_before:
        query = [clip.pooled(pool) for clip in query]
    provenance = with_(pool=pool)
    path = archives.written(
        tmp_path / "query.parquet", query, provenance if pooled_before else PROVENANCE
    )
    hits = nearest(Archive([clip.pooled(pool) for clip in clips], provenance), path, top=2)
    assert [(hit.path, hit.example, hit.cosine) for hit in hits] == [
        ("0.wav", 1, pytest.approx(1)), ("2.wav", 0, pytest.approx(1)),
    ]  # fmt: skip


def test_bytes_and_numbers_in_one_query(tmp_path):
    """Each is dequantized, or not, by its own kind."""
    quantized = np.random.default_rng(0).integers(0, 256, (3, 128), np.uint8)
    numbers = vggish_tf.dequantize(quantized)
    clips = [archives.clip("a.wav", archives.normal(30, 128))]
    hits = nearest(Archive(clips, {}), np.ones(128), unlike=[quantized, numbers])
    assert hits == nearest(Archive(clips, {}), np.ones(128), unlike=[numbers])


def test_an_empty_archive_is_no_query(tmp_path):
    path = archives.written(tmp_path / "none.parquet", [])
    with pytest.raises(UsageError, match=r"none\.parquet holds no rows"):
        nearest(Archive([], {}), path)


def test_hits_of_untrained_weights_are_said_to_mean_nothing(tmp_path):
    provenance = with_(weights={"values_sha256": "a", "untrained": True})
    path = stored(tmp_path, "npz", archives.normal(1, 128), provenance)
    with pytest.warns(UserWarning, match="untrained: its hits mean nothing"):
        nearest(Archive([], provenance), path)


def test_rows_need_neither_keras_nor_tensorflow(tmp_path):
    clips = [archives.clip("a.wav", np.zeros((2, 128), np.uint8))]
    archive = archives.written(tmp_path / "rows.parquet", clips)
    code = (
        "import sys; from vggish_tf import cli\n"
        f"assert cli.main(['search', {str(archive)!r}, {str(archive)!r}]) == 0\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("a.wav") == 2
