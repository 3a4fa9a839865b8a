"""Numbers of docs/migrating.md, measured again: other programs beside ours, on real sound."""

import re
from functools import cache, partial
from pathlib import Path
from unittest import mock

import measures
import migration
import numpy as np
import pages
import pytest
import seeded
import soundfile

import vggish_tf
from vggish_tf import Embedder
from vggish_tf.files import DATA
from vggish_tf.profiles import Profile
from vggish_tf.reference import vggish_input

pytestmark = pytest.mark.thorough

PAGE = "migrating.md"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-\d+)?%?")


def stated(heading: str, label: str) -> str:
    """The second cell of a row of a table."""
    row = re.search(rf"^\| {re.escape(label)} \| (.*?) \|", pages.text_of(PAGE, heading), re.M)
    assert row, f"{PAGE} says nothing of {label!r}"
    return row[1]


def check(heading: str, label: str, measured: float):
    """The statement of the page holds, and is not far from the measured number."""
    said = stated(heading, label)
    (text,) = NUMBER.findall(said)
    number = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    if said.startswith("at most"):
        assert number / 10 <= measured <= number, f"{label}: {measured}"
    elif said.startswith("at least"):  # a cosine
        assert number <= measured <= 1 - (1 - number) / 10, f"{label}: {measured}"
    else:
        assert measured == pytest.approx(number, rel=0.1), f"{label}: {measured}"


@pytest.fixture(scope="module")
def real_sound(shared_data, pca_params):
    if not (shared_data / "audio").is_dir():
        pytest.skip("the recordings are not in shared/data")


@migration.needs_resampy
def test_log_mel_by_resampy(real_sound):
    difference = abs(migration.by_resampy() - migration.by_soxr())
    assert len(difference) == 49
    upstream = partial(check, "tensorflow/models")
    upstream("log-mel, resampy against soxr, mean", difference.mean())
    upstream("log-mel, resampy against soxr, largest", difference.max())
    mended = difference[..., :62].mean()
    upstream("the same without the two highest mel bins, mean", mended)


@migration.needs_resampy
def test_the_profile_for_upstream_s_numbers(real_sound):
    prepare = Profile("upstream", resampler="resampy", pad="never").prepare
    same = [
        migration.front_end(vggish_tf.audio.to_mono(*vggish_tf.load_audio(path), 16_000, prepare))
        for path in migration.recordings()[:1]
    ]
    np.testing.assert_allclose(same[0], migration.by_resampy()[: len(same[0])], atol=5e-5)


def test_log_mel_of_tf_hub():
    found = abs(migration.by_tf_hub(migration.clip()) - migration.front_end(migration.clip()))
    check("TF-Hub", "log-mel, `tf.signal` in float32, largest", found.max())


def test_the_input_of_vggish_keras():
    decibels = migration.by_vggish_keras(migration.clip())
    check("vggish-keras", "mean of its input", decibels.mean())
    ours = migration.front_end(migration.clip()).mean()
    check("vggish-keras", "mean of the log-mel here", ours)


def test_rounding_of_published_embeddings(real_sound):
    torchvggish = partial(check, "torchvggish")
    embedding, published = migration.smoke_test()
    rounded = migration.whitened(embedding).round()
    of_positive = migration.whitened(np.maximum(embedding, 0)).round()
    torchvggish("bytes that rounding alone changes, by one", (rounded != published).mean())
    assert abs(rounded - published).max() == 1
    torchvggish("bytes that ReLU and rounding change", (of_positive != published).mean())
    torchvggish("by how much, on average", abs(of_positive - published).mean())
    rows = migration.whitened(migration.rows_like_music())
    changed = (rows.round() != np.floor(rows)).mean()
    torchvggish("bytes that rounding alone changes, by one, of music", changed)
    whole = (rows == 0) | (rows == 255)
    assert changed == pytest.approx((1 - whole.mean()) / 2, rel=0.01)


@pytest.fixture(scope="module")
def network(seeded_checkpoint) -> Embedder:
    return Embedder(seeded_checkpoint)


@pytest.mark.slow  # the network in its full size
class TestEmbeddings:
    @migration.needs_resampy
    def test_by_resampy(self, network, real_sound):
        by_soxr, by_resampy = (
            network.embed_examples(examples.astype(np.float32))
            for examples in (migration.by_soxr(), migration.by_resampy())
        )
        lowest = measures.cosines(by_soxr, by_resampy).min()
        check("tensorflow/models", "cosine of the embeddings, lowest", lowest)
        soxr, resampy = map(migration.published_bytes, (by_soxr, by_resampy))
        check("tensorflow/models", "bytes", (soxr != resampy).mean())

    def test_of_upstream_and_tf_hub(self, network, seeded_checkpoint, tmp_path, pca_params):
        path = tmp_path / "clip.wav"
        soundfile.write(path, migration.clip(), 16_000, "PCM_16")
        ours = network.embed_file(path).embedding
        examples = migration.by_tf_hub(migration.clip())
        with seeded.slim_session(seeded_checkpoint) as run:
            upstream = run(vggish_input.wavfile_to_examples(str(path)))
            hub = run(examples)
        check("tensorflow/models", "embedding at 16 kHz", migration.apart(upstream, ours))
        check("TF-Hub", "embedding", migration.apart(hub, ours))
        bytes_of = migration.published_bytes
        assert abs(bytes_of(hub) - bytes_of(ours)).max() == 1
        check("TF-Hub", "bytes", (bytes_of(hub) != bytes_of(ours)).mean())
        assert (bytes_of(upstream) != bytes_of(ours)).mean() <= 0.001  # none was seen

    @migration.needs_resampy
    def test_of_torchvggish(self, seeded_checkpoint, real_sound, monkeypatch, pca_params, tmp_path):
        monkeypatch.setenv("VGGISH_TF_CACHE", str(pca_params.parent))
        theirs = torchvggish(pca_params)
        embedder = Embedder(seeded_checkpoint, profile="torchvggish")
        paths = [*migration.recordings(), demo()]
        rows = [theirs(path) for path in paths]
        street, *opus, flac = differences(embedder, paths, rows)
        assert (np.concatenate([street, flac]) > 0).mean() <= 0.005
        assert max(street.max(), flac.max()) <= 1
        said = stated("torchvggish", "bytes, the same")
        share, largest = (np.concatenate(opus) > 0).mean(), np.max([each.max() for each in opus])
        # another processor rounds a few of the values that lie between two bytes the other way
        assert said in [
            f"{share + more:.0%}, by at most {largest:.0f}" for more in (-0.01, 0, 0.01)
        ]
        wav = [in_16_bits(path, tmp_path) for path in paths[1:-1]]
        mended = differences(embedder, wav, rows[1:-1])
        assert (np.concatenate(mended) > 0).mean() <= 0.005
        theirs.model.postprocess = False
        zeros = np.mean(np.concatenate([theirs(path) for path in paths]) == 0)
        check("torchvggish", "numbers that its ReLU makes 0", zeros)

    def test_of_vggish_keras(self, network):
        decibels = migration.by_vggish_keras(migration.clip()).astype(np.float32)
        ours = network.embed_examples(migration.front_end(migration.clip())[: len(decibels)])
        theirs = np.maximum(network.embed_examples(decibels), 0)
        cosine = measures.cosines(theirs, ours).mean()
        check("vggish-keras", "cosine of the embeddings, mean", cosine)

    @migration.needs_resampy
    @pytest.mark.parametrize(
        ("heading", "profile"), [("fadtk", "fadtk"), ("frechet-audio-distance", "gudgud96")]
    )
    def test_of_distances(self, heading, profile, network, seeded_checkpoint, real_sound):
        ours = migration.rows_of(network)
        theirs = migration.rows_of(Embedder(seeded_checkpoint, profile=profile))
        lowest = min(measures.cosines(*rows).min() for rows in zip(ours, theirs, strict=True))
        check(heading, "cosine of the embeddings, lowest", lowest)
        distances = migration.fad_of(ours), migration.fad_of(theirs)
        check(heading, "FAD", abs(distances[1] / distances[0] - 1))


def differences(embedder, paths, rows) -> list[np.ndarray]:
    """Of each file's rows from those of another program."""
    ours = [embedder.embed_file(path).embedding for path in paths]
    return [abs(a - b) for a, b in zip(ours, rows, strict=True)]


def in_16_bits(path: Path, folder: Path) -> Path:
    """A WAV of what libsndfile reads in 16 bits."""
    soundfile.write(folder / f"{path.stem}.wav", *soundfile.read(path, dtype="int16"))
    return folder / f"{path.stem}.wav"


def demo() -> Path:
    return Path(str(DATA / "demo.flac"))


@cache
def torchvggish(pca: Path):
    """The program itself, with seeded weights: a path → rows."""
    import other_programs

    torch = pytest.importorskip("torch")
    program = pytest.importorskip("torchvggish.torchvggish")
    with np.load(pca) as parameters:
        files = {
            "pca": dict(parameters),
            "vggish": other_programs.state_dict(seeded.seeded_weights()),
        }

    def downloaded(url: str, **options):
        return files["pca" if "pca_params" in url else "vggish"]

    with mock.patch.object(torch.hub, "load_state_dict_from_url", downloaded):
        model = program.vggish().eval()

    def rows(path):
        from torchvggish.vggish_input import wavfile_to_examples

        return model(wavfile_to_examples(str(path))).detach().numpy()

    rows.model = model
    return rows
