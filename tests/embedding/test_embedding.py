"""Embedder and EmbeddingStream against the TF1 session, and against each other; the network is
small, see test_full_size.
"""

import contextlib
import json
import logging
import os
import pickle
import subprocess
import sys
import warnings

import keras
import numpy as np
import places
import pytest
import seeded
import signals
import small_network
import soundfile

from vggish_tf import AudioError, Embedder, Embeddings, Params, VGGish, VGGishError
from vggish_tf.reference import vggish_input, vggish_postprocess

# 1e-5 of the largest value, 1.68: float32 sums in another order, which depends on the size of the
# batch too. Upstream's session is itself up to 8.5e-6 off a float64 network (test_winograd), and so
# are we. The largest difference of the two that was seen is 1.1e-5.
ATOL = 1.7e-5
pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(scope="module")
def embedder(small_checkpoint):
    with small_network.shrunken():
        return Embedder(small_checkpoint)


@pytest.fixture(scope="module")
def clip():
    return signals.demo_clip()


@pytest.fixture(scope="module")
def whole(embedder, clip):
    with small_network.shrunken():
        return embedder(clip, signals.RATE)


@pytest.fixture(scope="module")
def slim(small_checkpoint):
    def run(examples):  # opened anew each time: while a TF1 graph is open, nothing runs eagerly
        with seeded.slim_session(small_checkpoint) as session:
            return session(examples)

    return run


def joined(parts):
    return Embeddings(*map(np.concatenate, zip(*parts, strict=True)))


def test_an_array_is_what_the_tf1_session_makes_of_the_reference_examples(whole, clip, slim):
    expected = slim(vggish_input.waveform_to_examples(clip, signals.RATE))
    assert whole.embedding.shape == expected.shape
    assert whole.embedding.dtype == np.float32
    np.testing.assert_allclose(whole.embedding, expected, rtol=0, atol=ATOL)
    np.testing.assert_allclose(whole.timestamps, 0.96 * np.arange(20), rtol=1e-12)


def test_a_stereo_file_at_44_1_khz(embedder, shared_data, slim):
    path = shared_data / "audio" / "bus_chatter.wav"
    embedding, timestamps = embedder.embed_file(path)
    waveform, sample_rate = soundfile.read(path)
    assert (sample_rate, waveform.shape[1]) == (44_100, 2)
    expected = slim(vggish_input.waveform_to_examples(waveform, sample_rate))
    assert embedding.shape == expected.shape == (19, 128)
    np.testing.assert_allclose(embedding, expected, rtol=0, atol=ATOL)
    assert timestamps.tolist() == pytest.approx(np.arange(19) * 0.96)


@pytest.mark.parametrize("block", [441, 4_410, 44_100])
def test_a_stream_of_any_block_size_is_the_whole_clip(embedder, block):
    waveform = np.stack([signals.noise(150_000), signals.noise(150_000, 1)], axis=1)
    expected = embedder(waveform, 44_100)
    stream = embedder.stream(44_100)
    parts = [
        stream.push(waveform[start : start + block]) for start in range(0, len(waveform), block)
    ]
    result = joined([*parts, stream.finish()])
    np.testing.assert_allclose(result.embedding, expected.embedding, rtol=0, atol=ATOL)
    np.testing.assert_array_equal(result.timestamps, expected.timestamps)


def test_a_finished_stream_says_so_each_time(embedder):
    stream = embedder.stream(signals.RATE)
    stream.finish()
    for act in (lambda: stream.push(signals.noise(100)), stream.finish, stream.finish):
        with pytest.raises(AudioError, match=r"^this stream is finished\. Make a new one"):
            act()


def test_a_stream_that_failed_midway_says_so_from_then_on(embedder):
    stream = embedder.stream(signals.RATE)
    stream.push(signals.noise(20_000))
    with pytest.raises(AudioError, match="floating point"):  # found before anything was taken in
        stream.push(np.zeros(100, np.int16))
    spoilt = signals.noise(400_000)
    spoilt[390_000] = np.nan
    with pytest.raises(AudioError, match="at sample 410,000"):
        stream.push(spoilt)
    for call in (lambda: stream.push(signals.noise(20_000)), stream.finish):
        with pytest.raises(AudioError, match="failed midway"):
            call()


def test_one_path_is_not_a_list_of_letters(embedder):
    with pytest.raises(TypeError, match="Use embed_file"):
        next(embedder.embed_files("clip.wav"))


def test_a_clip_that_resamples_to_nothing_says_so(embedder):
    with pytest.warns(UserWarning, match="the clip has 0 samples at 16000 Hz"):
        assert embedder(np.zeros(1), 1_000_000).embedding.shape == (0, 128)


def test_a_stream_gives_a_row_as_soon_as_it_can(embedder):
    stream = embedder.stream(signals.RATE)
    assert [len(stream.push(signals.noise(1_600)).embedding) for _ in range(10)] == [0] * 9 + [1]


@pytest.mark.parametrize("hop", [0.16, 0.48, 1.5])
def test_at_any_example_hop_a_row_is_that_of_the_clip_from_its_timestamp(
    small_checkpoint, embedder, clip, hop
):
    params = Params(example_hop_seconds=hop)
    embedding, timestamps = Embedder(small_checkpoint, params=params)(clip[:80_000], signals.RATE)
    assert len(embedding) == 1 + (80_000 - 15_600) // params.example_hop_samples
    np.testing.assert_allclose(timestamps, hop * np.arange(len(embedding)), rtol=1e-12)
    for row in (0, len(embedding) - 1):  # each row is the clip that starts at its timestamp
        start = round(timestamps[row] * signals.RATE)
        alone = embedder(clip[start : start + 15_600], signals.RATE).embedding
        np.testing.assert_allclose(embedding[row], alone[0], rtol=0, atol=ATOL)


def test_many_files_share_batches_and_keep_their_order(embedder, tmp_path):
    lengths = [20_000, 100_000, 15_599, 700_000, 16_000]
    paths = [tmp_path / f"{length}.wav" for length in lengths]
    for path, length in zip(paths, lengths, strict=True):
        soundfile.write(path, signals.noise(length, length), signals.RATE, subtype="FLOAT")
    with pytest.warns(UserWarning, match=r"15599\.wav has 15,599 samples"):
        results = list(embedder.embed_files(paths))
    for length, result in zip(lengths, results, strict=True):
        with (
            pytest.warns(UserWarning, match="the clip has")
            if length == 15_599
            else contextlib.nullcontext()
        ):
            expected = embedder(signals.noise(length, length), signals.RATE)
        np.testing.assert_allclose(result.embedding, expected.embedding, rtol=0, atol=ATOL)
        np.testing.assert_array_equal(result.timestamps, expected.timestamps)


def test_a_bad_file_among_many(embedder, tmp_path):
    good, bad = tmp_path / "good.wav", tmp_path / "bad.wav"
    soundfile.write(good, signals.noise(40_000), signals.RATE)
    bad.write_bytes(good.read_bytes()[:30_000])  # cut short: fails after rows of it have been made
    first, error, last = embedder.embed_files([good, bad, good], return_errors=True)
    assert isinstance(error, AudioError)
    assert "bad.wav" in str(error)
    np.testing.assert_allclose(first.embedding, last.embedding, rtol=0, atol=ATOL)
    results = embedder.embed_files([good, bad])
    assert len(next(results).embedding) == 2
    with pytest.raises(AudioError, match=r"bad\.wav"):
        next(results)


@pytest.mark.parametrize(("pad", "rows"), [("never", 0), ("short", 1), ("always", 1)])
@pytest.mark.filterwarnings("ignore:the clip has")
def test_the_pad_rule_for_a_short_clip(small_checkpoint, pad, rows):
    embedding, timestamps = Embedder(small_checkpoint, pad=pad)(signals.noise(8_000), signals.RATE)
    assert (embedding.shape, timestamps.shape) == ((rows, 128), (rows,))
    assert (embedding.dtype, timestamps.dtype) == (np.float32, np.float64)


@pytest.mark.parametrize("postprocess", ["pca", "quantized"])
def test_post_processing(small_checkpoint, whole, clip, pca_params, monkeypatch, postprocess):
    monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
    embedding = Embedder(small_checkpoint, postprocess=postprocess)(clip, signals.RATE).embedding
    expected = vggish_postprocess.Postprocessor(str(pca_params)).postprocess(whole.embedding)
    if postprocess == "quantized":
        np.testing.assert_array_equal(embedding, expected)
    else:
        np.testing.assert_array_equal(
            ((np.clip(embedding, -2, 2) + 2) * 63.75).astype(int), expected
        )


def test_a_model_is_taken_as_it_is(small_checkpoint, whole, clip):
    params = Params(example_hop_seconds=0.48)
    embedder = Embedder(VGGish(small_checkpoint, params=params))
    assert embedder.params == params
    embedding = embedder(clip, signals.RATE).embedding
    np.testing.assert_allclose(embedding[::2], whole.embedding, rtol=0, atol=ATOL)
    assert embedder.identity.path == str(small_checkpoint)


def test_a_model_that_post_processes_is_refused():
    from vggish_tf import Postprocessor
    from vggish_tf.network import backbone

    core = backbone.network()
    with pytest.raises(ValueError, match="has a post-processing layer"):
        Embedder(keras.Model(core.input, Postprocessor(weights=None)(core.output)))


def test_weights_in_the_home_folder(small_checkpoint, monkeypatch):
    monkeypatch.setenv("HOME", str(small_checkpoint.parent))
    assert Embedder("~/vggish_model.ckpt").identity.path == str(small_checkpoint)


@pytest.mark.parametrize(
    "params", [Params(mel_max_hz=8000), Params(log_offset=0.001, example_hop_seconds=0.48)]
)
def test_another_front_end_than_the_weights_know_is_said(small_checkpoint, params):
    with pytest.warns(
        UserWarning,
        match=r"the front end is not the published one \((mel_max_hz=8000|log_offset=0.001)\)",
    ):
        Embedder(small_checkpoint, params=params)
    with pytest.warns(UserWarning, match="the front end is not the published one"):
        model = VGGish(small_checkpoint, params=params)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Embedder(model).params == params  # its own front end, so what its weights know
        Embedder(VGGish(small_checkpoint, inputs="examples"), params=params)  # nobody knows
        Embedder(small_checkpoint, params=Params(example_hop_seconds=0.48))
    with pytest.warns(UserWarning, match=r"not the one of the model \(.*mel_max_hz=7000"):
        Embedder(model, params=Params(mel_max_hz=7000))


def test_a_silent_clip_is_said_once_by_name(embedder, tmp_path):
    silence, path = np.zeros((50_000, 2), np.float32), tmp_path / "quiet.wav"
    soundfile.write(path, silence, 44_100)
    soundfile.write(tmp_path / "click.wav", np.append(silence[:, 0], 0.1), 44_100)
    stream = embedder.stream(44_100)
    for act, name in {
        lambda: embedder(silence, 44_100): "the clip",
        lambda: embedder.embed_batch([np.ones(20_000), silence], 44_100): "clip 1",
        lambda: embedder.embed_file(path): str(path),
        lambda: list(embedder.embed_files([tmp_path / "click.wav", path])): str(path),
        lambda: (stream.push(silence), stream.push(silence), stream.finish()): "the clip",
    }.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            act()
        said = [str(warning.message) for warning in caught if "throughout" in str(warning.message)]
        assert said == [f"{name} is silent throughout: its embeddings are those of silence."]


def test_many_arrays_share_batches_and_keep_their_order(embedder):
    lengths = [20_000, 100_000, 16_000, 700_000]
    waveforms = [signals.noise(length, length) for length in lengths]
    waveforms[1] = np.stack([waveforms[1]] * 2, axis=1)
    sizes = []
    run, embedder._run = embedder._run, lambda batch: (sizes.append(len(batch)), run(batch))[1]
    results = embedder.embed_batch(iter(waveforms), signals.RATE)
    embedder._run = run
    assert sizes == [53]  # 1 + 6 + 1 + 45
    for waveform, result in zip(waveforms, results, strict=True):
        expected = embedder(waveform, signals.RATE)
        np.testing.assert_allclose(result.embedding, expected.embedding, rtol=0, atol=ATOL)
        np.testing.assert_array_equal(result.timestamps, expected.timestamps)
    assert embedder.embed_batch([], signals.RATE) == []


def test_a_bad_array_among_many_is_named(embedder):
    good = signals.noise(20_000)
    for bad, words in {
        "integers": (np.zeros(9, np.int16), "clip 1: waveform must be floating point"),
        "empty": (np.zeros(0), "clip 1: waveform has no samples"),
        "nan": (np.append(good, np.nan), "clip 1: waveform: 1 value is NaN"),
    }.values():
        with pytest.raises(AudioError, match=words):
            embedder.embed_batch([good, bad, good], signals.RATE)
    with pytest.raises(AudioError, match="clip 0: waveform must be floating point"):
        embedder.embed_batch(good, signals.RATE)  # one clip is not a list of numbers


def test_rows_end_where_their_examples_do(embedder, clip):
    rows = embedder(clip, signals.RATE)
    np.testing.assert_allclose(rows.end_timestamps, rows.timestamps + 0.96, rtol=1e-12)
    assert repr(rows) == "Embeddings((20, 128) float32, 0 to 19.2 s, one every 0.96 s)"
    embedding, timestamps = rows
    assert len(rows) == 2
    assert Embeddings._fields == ("embedding", "timestamps")
    copy = pickle.loads(pickle.dumps(rows))
    np.testing.assert_array_equal(copy.end_timestamps, rows.end_timestamps)
    with pytest.raises(VGGishError, match="length of an example is not known"):
        _ = Embeddings(embedding, timestamps).end_timestamps
    assert repr(Embeddings(embedding[:0], timestamps[:0])) == "Embeddings((0, 128) float32)"


@pytest.fixture
def changed(small_checkpoint, monkeypatch):
    """An embedder of which every setting is another than the default, made by a relative path."""
    monkeypatch.chdir(small_checkpoint.parent)
    return Embedder(
        small_checkpoint.name,
        params=Params(example_hop_seconds=0.48),
        pad="always",
        batch_size=3,
        precision="bfloat16",
    )


def test_it_pickles_by_its_settings(changed, clip, tmp_path, monkeypatch):
    pickled = pickle.dumps(changed)
    assert len(pickled) < 5_000
    monkeypatch.chdir(tmp_path)
    copy = pickle.loads(pickled)
    assert copy.provenance == changed.provenance  # and so its weights are read
    assert repr(copy) == repr(changed).replace(
        "'vggish_model.ckpt'", repr(str(copy._network._source))
    )
    expected = changed(clip, signals.RATE)
    for before, after in zip(expected, copy(clip, signals.RATE), strict=True):
        np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "make", [lambda: None, lambda: VGGish(None, name="mine")], ids=["none", "model"]
)
@pytest.mark.filterwarnings("ignore:these weights are untrained")
def test_weights_that_no_file_holds_are_pickled_with_it(make, precision, clip):
    embedder = Embedder(make(), precision=precision)
    copy = pickle.loads(pickle.dumps(embedder))
    np.testing.assert_array_equal(
        copy(clip, signals.RATE).embedding, embedder(clip, signals.RATE).embedding
    )
    assert copy.provenance == embedder.provenance
    assert copy.untrained


POOL = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
import numpy as np
import small_network
from vggish_tf import Embedder, VGGishError

small_network.shrink()  # in spawned processes too

def use(embedder, seconds):
    return embedder(np.full(seconds * 16_000, 0.1), 16_000).embedding

def make(embedder, seconds):
    return use(Embedder(None), seconds)

if __name__ == "__main__":
    embedder = Embedder(None)
    for start in ("spawn", "fork"):
        with ProcessPoolExecutor(1, multiprocessing.get_context(start)) as pool:
            for work in (use, make):
                try:
                    rows = pool.submit(work, embedder, 3).result(timeout=240)
                    print(start, work.__name__, rows.shape, np.array_equal(rows, use(embedder, 3)))
                except VGGishError as error:
                    print(start, work.__name__, error)
"""


@pytest.mark.slow
def test_spawned_processes_embed_and_forked_ones_refuse_at_once(tmp_path):
    (tmp_path / "pool.py").write_text(POOL)
    paths = [str(places.HELPERS), *sys.path]
    ran = subprocess.run(
        [sys.executable, tmp_path / "pool.py"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    refused = "this process was forked from one that had made an Embedder, which tensorflow "
    said, starts = ran.stdout.splitlines(), [f"fork use {refused}", f"fork make {refused}"]
    assert said[:2] == ["spawn use (3, 128) True", "spawn make (3, 128) True"], ran.stderr[-2000:]
    assert [line[: len(start)] for line, start in zip(said[2:], starts, strict=True)] == starts


def test_examples_made_elsewhere_are_embedded_and_checked(embedder, whole, clip):
    examples = vggish_input.waveform_to_examples(clip, signals.RATE).astype(np.float32)
    np.testing.assert_allclose(
        embedder.embed_examples(examples), whole.embedding, rtol=0, atol=ATOL
    )
    with pytest.raises(ValueError, match=r"must be \(n, 96, 64\); received \(96, 64\)"):
        embedder.embed_examples(examples[0])
    for bad, words in (
        (np.ma.masked_array(examples), "examples is a masked array"),
        (examples.astype(complex), "must be real numbers; received complex128"),
        (examples.astype(object), "must be real numbers; received object"),
        (examples.astype(np.float64) + 1e300, "must be finite"),
        ([[1.0], [1.0, 2.0]], "examples must be an array of numbers; received list"),
    ):
        with pytest.raises(AudioError, match=words):
            embedder.embed_examples(bad)


def test_untrained_weights_are_said_to_be(caplog):
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "vggish_tf"):
        warnings.simplefilter("error")  # None was asked for: it is said, and stops nothing
        embedder = Embedder(None)
    assert [record.getMessage()[:27] for record in caplog.records] == [
        "these weights are untrained"
    ]
    assert embedder.untrained
    assert embedder.provenance["weights"]["untrained"] is True
    assert repr(embedder).startswith("Embedder('untrained', UNTRAINED, values ")
    with pytest.warns(UserWarning, match="untrained"):
        assert Embedder(VGGish(None)).untrained


def test_the_provenance_says_what_it_was(embedder, small_checkpoint):
    provenance = json.loads(json.dumps(embedder.provenance))
    md5 = subprocess.run(
        ["md5sum", small_checkpoint], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    weights = provenance["weights"]
    assert (weights["md5"], weights["untrained"]) == (md5, False)
    assert weights["asked"] == weights["path"] == str(small_checkpoint)
    assert provenance["params"]["sample_rate"] == 16_000


@pytest.mark.parametrize(
    ("waveform", "words"),
    [
        (np.zeros((48_000, 2), np.int16), r"received int16 \(48000, 2\). Divide by 32768"),
        (np.zeros((2, 48_000)), "channels come last"),
        (np.full(16_000, np.nan), "NaN"),
        (np.zeros(0), "no samples"),
        (np.zeros((2, 3, 4)), r"\(2, 3, 4\)"),
        ([[0.0], [0.0, 1.0]], "an array of numbers"),
        (0.5, r"received float64 \(\)"),
        (None, "received object"),
        (np.ma.masked_array(np.zeros(9)), "masked array"),
    ],
    ids=str,
)
def test_arrays_that_cannot_be_embedded(embedder, waveform, words):
    with pytest.raises(AudioError, match=words):
        embedder(waveform, signals.RATE)


@pytest.mark.parametrize("sample_rate", [1, 1e8, 0, -16_000, float("nan"), "16000"])
def test_rates_that_cannot_be(embedder, sample_rate):
    with pytest.raises(AudioError, match="sample_rate"):
        embedder(np.zeros(16_000), sample_rate)


@pytest.mark.parametrize(
    "word", [{"pad": "maybe"}, {"postprocess": "int8"}, {"precision": "float16"}]
)
def test_an_unknown_word_is_named_before_work_starts(word):
    with pytest.raises(ValueError, match=repr(next(iter(word.values())))):
        Embedder("there is no such file", **word)
