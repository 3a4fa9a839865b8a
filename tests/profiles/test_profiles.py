"""Each profile against its program's steps written down once more; and what a profile is."""

import dataclasses
import importlib.util
import pickle
import sys

import numpy as np
import pytest
import renderings
import signals
import soundfile
from cases import those

from vggish_tf import AudioError, Embedder, Params, UsageError, VGGishError
from vggish_tf.profiles import DEFAULT, PROFILES, Profile, named
from vggish_tf.reference import vggish_postprocess

ATOL = 5e-6  # of the largest: the float32 front end against the float64 one; 2.4e-6 was seen
STEPS = {  # of each: log-mel examples; the ReLU; the steps after it
    "tf-2020": (renderings.mixed, False, None),
    "tf-2017": (renderings.mixed, True, None),
    "audioset": (renderings.mixed, False, "quantized"),
    "torchvggish": (renderings.cut, True, "rounded"),
    "google-fad": (renderings.google_fad, False, None),
    "audiocraft": (renderings.audiocraft, False, None),
    "fadtk": (renderings.fadtk, False, "float16"),
    "kadtk": (renderings.kadtk, False, "float16"),
    "gudgud96": (renderings.mixed, False, None),
    "audioldm-eval": (renderings.audioldm_eval, False, None),
    "openmic": (renderings.openmic, True, "quantized"),
    "hear-baseline": (renderings.mixed, True, "rounded"),
    "video-features": (renderings.cut, True, None),
    "torchaudio": (renderings.mixed, True, None),
    "mteb": (renderings.mteb, True, None),
}
RESAMPLED = ("audiocraft", "fadtk", "kadtk", "audioldm-eval", "mteb")  # by kernels of our own
BY_RESAMPY = [name for name, profile in PROFILES.items() if profile.resampler == "resampy"]

EACH = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name in BY_RESAMPY and importlib.util.find_spec("resampy") is None,
            reason="pip install '.[profiles]'",
        ),
    )
    for name in PROFILES
]

pytestmark = [
    pytest.mark.usefixtures("small_networks"),
    pytest.mark.filterwarnings("ignore:the front end is not the published one"),
]


@pytest.fixture
def raw(small_checkpoint, pca_params, monkeypatch):
    """An Embedder of the default profile, for the network; PCA parameters are there."""
    monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
    return Embedder(small_checkpoint)


def clip(seconds=3.45, channels=1, rate=16_000, level=0.5):
    """Sound with some DC, finer than 16 bits."""
    times = np.arange(int(seconds * rate))[:, np.newaxis] / rate
    tones = np.sin(2 * np.pi * times * np.array([[300.0, 520.0]])[:, :channels] * (1 + times / 9))
    noise = np.random.default_rng(0).standard_normal(tones.shape)
    samples = level * (0.7 * tones + 0.1 * noise * (1 + np.sin(times))) + 0.02
    return samples.astype(np.float32)


def rendered(name, samples, rate, raw, pca_params):
    made = np.array(STEPS[name][0](samples.astype(np.float64), rate)).reshape(-1, 96, 64)
    return after_the_network(name, raw.embed_examples(made.astype(np.float32)), pca_params)


def after_the_network(name, rows, pca_params):
    _, relu, last = STEPS[name]
    rows = np.maximum(rows, 0.0) if relu else rows.astype(np.float64)
    if last == "quantized":
        return vggish_postprocess.Postprocessor(str(pca_params)).postprocess(rows)
    if last == "rounded":
        with np.load(pca_params) as pca:
            whitened = (rows - pca["pca_means"].ravel()) @ pca["pca_eigen_vectors"].T
        return np.round((np.clip(whitened, -2, 2) + 2) * 63.75)
    return rows.astype(np.float16) if last == "float16" else rows


def agree(found, expected, name):
    assert found.shape == expected.shape
    assert len(found)
    last = STEPS[name][2]
    if last in ("quantized", "rounded"):  # a byte more or less where the value is at an edge
        assert (found != expected).mean() < 0.01
        assert found.dtype == (np.uint8 if last == "quantized" else np.float32)
        assert abs(found.astype(float) - expected).max() <= 1
        return
    if last == "float16":
        np.testing.assert_array_equal(found, found.astype(np.float16))
    # float16: the next one, where the value is in the middle; 16 bits: a step, likewise
    flips = {"float16": 2**-10, None: 0}[last] + (1e-4 if name == "audiocraft" else 0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=(ATOL + flips) * abs(expected).max())


@pytest.mark.parametrize("name", EACH)
def test_a_profile_is_its_program_at_16_kHz(name, raw, small_checkpoint, pca_params):
    samples = clip()
    found = Embedder(small_checkpoint, profile=name)(samples, 16_000).embedding
    agree(found, rendered(name, samples, 16_000, raw, pca_params), name)


@pytest.mark.parametrize("name", those({"fadtk", "mteb"}.__contains__, RESAMPLED))
def test_a_profile_is_its_program_with_channels_at_another_rate(
    name, raw, small_checkpoint, pca_params
):
    samples = clip(1.3, 2, 22_050, 0.9)
    found = Embedder(small_checkpoint, profile=name)(samples, 22_050).embedding
    agree(found, rendered(name, samples, 22_050, raw, pca_params), name)


@pytest.mark.parametrize("name", BY_RESAMPY)
def test_a_profile_with_resampy_is_its_program_at_another_rate(
    name, raw, small_checkpoint, pca_params
):
    resampy = pytest.importorskip("resampy", reason="pip install '.[profiles]'")
    samples = clip(2.3, 2, 22_050, 0.9)
    found = Embedder(small_checkpoint, profile=name)(samples, 22_050).embedding
    mono = samples.astype(np.float64)
    if STEPS[name][0] is renderings.cut:
        mono = renderings.int16_of_libsndfile(mono)
    mono = mono.mean(axis=1)
    mono = mono / abs(mono).max() if name == "openmic" else mono
    at_16k = resampy.resample(mono, 22_050, 16_000)
    examples = np.array(renderings.examples(at_16k)).astype(np.float32)
    agree(found, after_the_network(name, raw.embed_examples(examples), pca_params), name)


def test_mteb_s_loud_and_long_clips(raw, small_checkpoint, pca_params):
    """Its peak is 1 at most, and it hears 30 seconds."""
    samples = clip(31.5, level=1.5)
    assert abs(samples).max() > 1.2
    found = Embedder(small_checkpoint, profile="mteb")(samples, 16_000).embedding
    assert len(found) == 31
    agree(found, rendered("mteb", samples, 16_000, raw, pca_params), "mteb")


@pytest.mark.parametrize(("name", "rows"), [("fadtk", 1), ("audioldm-eval", 2), ("mteb", 1)])
def test_short_clips_are_filled_as_their_programs_fill_them(
    name, rows, raw, small_checkpoint, pca_params
):
    samples = clip(0.4)
    found = Embedder(small_checkpoint, profile=name)(samples, 16_000).embedding
    assert len(found) == rows
    agree(found, rendered(name, samples, 16_000, raw, pca_params), name)


@pytest.mark.parametrize("name", ["kadtk", "hear-baseline", "google-fad", "torchaudio"])
def test_short_clips_have_no_rows_where_their_programs_give_none(name, raw, small_checkpoint):
    assert len(Embedder(small_checkpoint, profile=name)(clip(0.9), 16_000).embedding) == 0


def test_every_profile_is_rendered_here():
    assert {*STEPS} == {*PROFILES}
    assert all(name == profile.name for name, profile in PROFILES.items())
    programs = [profile.program for profile in PROFILES.values()]
    assert all(programs)
    assert len({*programs}) == len(programs)


def test_the_default_is_what_an_embedder_does_without_a_profile(small_checkpoint):
    assert named(DEFAULT).changes() == {}
    sound = signals.noise(40_000)
    plain, asked = (Embedder(small_checkpoint, **more) for more in ({}, {"profile": DEFAULT}))
    np.testing.assert_array_equal(plain(sound, 16_000).embedding, asked(sound, 16_000).embedding)
    assert plain.provenance == asked.provenance
    assert plain.provenance["profile"]["name"] == "tf-2020"


def test_no_code_names_a_profile():
    import places

    names = [f'"{name}"' for name in PROFILES if name not in ("torchaudio", DEFAULT, "audioset")]
    sources = (places.ROOT / "vggish_tf").rglob("*.py")
    named_in = [path for path in sources if any(name in path.read_text() for name in names)]
    kept = {"profiles.py", "fad.py", "frechet.py", "kernel.py", "sources.py", "mteb.py", "known.py"}
    # FAD's own words kadtk and fadtk; torchvggish, who publishes weights
    assert {path.name for path in named_in} <= kept


def test_arrays_files_stretches_and_streams_are_alike(tmp_path, small_checkpoint):
    samples = clip(4.2, 2, 22_050)
    soundfile.write(tmp_path / "a.wav", samples, 22_050, subtype="FLOAT")
    embedder = Embedder(small_checkpoint, profile="audiocraft")
    whole = embedder(samples, 22_050)
    np.testing.assert_allclose(np.diff(whole.timestamps), 0.5)
    stream = embedder.stream(22_050)
    parts = [stream.push(samples[start : start + 7_000]) for start in range(0, len(samples), 7_000)]
    parts.append(stream.finish())
    assert [len(part.embedding) for part in parts[:-1]] == [0] * (len(parts) - 1)
    found = {
        "file": embedder.embed_file(tmp_path / "a.wav"),
        "files": next(iter(embedder.embed_files([tmp_path / "a.wav"]))),
        "batch": embedder.embed_batch([samples, samples], 22_050)[1],
        "stream": parts[-1],
        "pickled": pickle.loads(pickle.dumps(embedder))(samples, 22_050),
    }
    largest = abs(whole.embedding).max()
    for name, rows in found.items():  # in batches of other sizes, which sum in another order
        np.testing.assert_allclose(rows.embedding, whole.embedding, 0, 1e-6 * largest, err_msg=name)


def test_what_is_given_comes_before_the_profile(small_checkpoint, raw):
    params = Params(example_hop_seconds=0.24)
    embedder = Embedder(
        small_checkpoint, profile="fadtk", params=params, pad="always", postprocess="pca"
    )
    assert (embedder.params, embedder.pad, embedder.postprocess) == (params, "always", "pca")
    assert Embedder(small_checkpoint, profile="google-fad").params.example_hop_seconds == 0.5
    assert Embedder(small_checkpoint, profile="audioset").postprocess == "quantized"


def test_a_profile_of_one_s_own(small_checkpoint):
    mine = Profile("mine", decoded=("first channel",), activation="relu", rounding="float16")
    samples = clip(channels=2)
    embedder = Embedder(small_checkpoint, profile=mine)
    expected = Embedder(small_checkpoint)(samples[:, 0], 16_000).embedding
    expected = np.maximum(expected, 0).astype(np.float16)
    np.testing.assert_array_equal(embedder(samples, 16_000).embedding, expected)
    assert "profile='mine'" in repr(embedder)
    told = embedder.provenance["profile"]
    assert told == mine.as_json()
    assert (told["name"], told["decoded"]) == ("mine", ["first channel"])
    assert (told["activation"], told["rounding"]) == ("relu", "float16")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("decoded", ("loud",)), ("resampler", "sox"), ("resampled", ("peak 2",))),
        *(("triangles", "bark"), ("pad", "long"), ("activation", "gelu")),
        *(("postprocess", "zca"), ("rounding", "int8"), ("pool", "median")),
        *(("name", ""), ("params", None), ("decoded", None), ("resampled", 5)),
    ],
)
def test_unknown_words(field, value):
    subject = "step" if value in (("loud",), ("peak 2",)) else field
    with pytest.raises(UsageError, match=f"^{subject} must be"):
        Profile(**{"name": "mine", field: value})


@pytest.mark.parametrize(
    ("rounding", "postprocess"),
    [("bytes", None), ("bytes", "quantized"), ("float16", "quantized")],
)
def test_a_rounding_goes_with_its_post_processing(rounding, postprocess):
    with pytest.raises(UsageError, match=f"rounding='{rounding}' does not go with postprocess="):
        Profile("mine", rounding=rounding, postprocess=postprocess)


def test_a_post_processing_that_is_given_is_checked_too():
    with pytest.raises(UsageError, match="rounding='float16' does not go with postprocess='quant"):
        Embedder(None, profile="fadtk", postprocess="quantized")


def test_steps_may_be_a_list_and_are_no_single_word():
    assert Profile("mine", decoded=["first channel"]) == Profile("mine", decoded=("first channel",))
    with pytest.raises(UsageError, match="decoded must be a list of steps; received 'first chan"):
        Profile("mine", decoded="first channel")


def test_an_unknown_profile_is_told_the_known_ones():
    with pytest.raises(UsageError, match=r"profile must be .*tf-2020.*; received 'fadkt'"):
        Embedder(None, profile="fadkt")


def test_without_resampy_a_profile_says_so_before_any_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "resampy", None)
    with pytest.raises(VGGishError, match=r"needs resampy\. .*pip install '\.\[profiles\]'"):
        Embedder(None, profile="gudgud96")


def test_a_refusal_is_an_audio_error(small_checkpoint):
    with pytest.raises(AudioError, match="takes one channel; the clip has 2"):
        Embedder(small_checkpoint, profile="google-fad")(clip(channels=2), 16_000)


def test_records_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROFILES["fadtk"].pad = "short"
