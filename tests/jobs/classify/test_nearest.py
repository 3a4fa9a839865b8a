"""Teaching by example: prototypes and scores as NumPy and scikit-learn have them; whose weights."""

import dataclasses

import numpy as np
import pytest
import signals
import small_network
import soundfile
from labelled_clips import LABELS
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import KNeighborsClassifier
from sound_files import write_noise

import vggish_tf
from vggish_tf import Params
from vggish_tf.errors import AudioError, CheckpointError, UsageError
from vggish_tf.jobs import classify
from vggish_tf.profiles import Profile

BATCHES = {"rtol": 0, "atol": 1e-6}  # other clips in the batch: other last bits of float32
pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(scope="module")
def nearest(taught):
    with small_network.shrunken():
        return classify.NearestPrototype(taught)


@pytest.fixture(scope="module")
def others(folder):
    """The clips that were not taught."""
    return [folder / label / "2.wav" for label in LABELS]


def test_a_prototype_is_the_mean_of_the_unit_length_embeddings(folder, embedder, taught):
    for label, prototype, count in zip(LABELS, taught.embedding, taught.examples, strict=True):
        rows = [embedder.embed_file(folder / label / f"{take}.wav").embedding for take in (0, 1)]
        rows = np.concatenate(rows).astype(float)
        each = [row / np.sqrt(np.sum(row**2)) for row in rows]
        np.testing.assert_allclose(prototype, sum(each) / len(each), **BATCHES)
        assert count == len(rows)
    assert len({*taught.examples}) > 1  # so that mean and sum differ
    assert (taught.labels, taught.weights) == (tuple(LABELS), embedder.identity)
    assert (taught.params, taught.precision) == (Params(), "float32")


def test_scores_of_examples_are_scikit_learn_s_cosines(nearest, taught, embedder, others):
    for path in others:
        rows, starts = embedder.embed_file(path)
        found = nearest.classify(path)
        expected = cosine_similarity(rows, taught.embedding)
        np.testing.assert_allclose(found.example_scores, expected, **BATCHES)
        np.testing.assert_array_equal(found.times, np.stack([starts, starts + 0.96], axis=1))
        assert found.seconds == pytest.approx(soundfile.info(path).duration)


@pytest.mark.filterwarnings("ignore:.*filled with silence")
def test_a_clip_too_short_for_an_example_has_one(nearest, taught, embedder, tmp_path):
    path = write_noise(tmp_path / "short.wav", 0.5)
    expected = cosine_similarity(embedder.embed_file(path).embedding, taught.embedding)
    np.testing.assert_allclose(nearest.classify(path).example_scores, expected, **BATCHES)
    assert expected.shape == (1, 3)


def test_the_nearest_is_scikit_learn_s_nearest_neighbour(nearest, taught, embedder, tmp_path):
    """On the demo clip, whose sounds differ: every prototype wins somewhere."""
    soundfile.write(tmp_path / "demo.wav", signals.demo_clip(), signals.RATE, subtype="FLOAT")
    rows = embedder(signals.demo_clip(), signals.RATE).embedding
    of_pairs = {str(k): rows[k : k + 2] for k in range(0, len(rows), 2)}
    units = {
        label: pair / np.linalg.norm(pair, axis=1)[:, None] for label, pair in of_pairs.items()
    }
    prototypes = dataclasses.replace(
        taught,
        labels=[*units],
        embedding=[unit.mean(axis=0) for unit in units.values()],
        examples=[2] * len(units),
    )
    oracle = KNeighborsClassifier(n_neighbors=1, metric="cosine")
    expected = oracle.fit(prototypes.embedding, [*units]).predict(rows)
    nearest = classify.NearestPrototype(prototypes)
    found = nearest.classify(tmp_path / "demo.wav").example_scores.argmax(axis=1)
    assert [nearest.labels[place] for place in found] == [*expected]
    assert len({*expected}) >= 5


def test_the_score_of_a_clip_is_the_mean_and_ranks_as_the_mean_direction(nearest, taught, others):
    for path in others:
        found = nearest.classify(path)
        np.testing.assert_allclose(found.scores, found.example_scores.sum(0) / len(found.times))
        rows = nearest._embedder.embed_file(path).embedding.astype(float)
        direction = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).mean(axis=0)
        by_direction = cosine_similarity(direction[None], taught.embedding)[0]
        np.testing.assert_array_equal(np.argsort(found.scores), np.argsort(by_direction))
        assert (found.scores <= by_direction + 1e-9).all()


def test_each_sound_of_the_demo_clip_is_nearest_to_itself(embedder, tmp_path):
    pieces = signals.demo_clip()[: 20 * 15_360].reshape(20, 15_360)[::3]
    clips = {}
    for number, piece in enumerate(pieces):
        clips[f"piece {number}"] = [tmp_path / f"{number}.wav"]
        soundfile.write(tmp_path / f"{number}.wav", np.pad(piece, (0, 240)), signals.RATE)
    nearest = classify.NearestPrototype(classify.teach(embedder, clips))
    for label, (path,) in clips.items():
        scores = nearest.classify(path).scores
        assert nearest.labels[scores.argmax()] == label
        assert scores.max() == pytest.approx(1, abs=1e-6)


def test_the_front_end_is_that_of_the_prototypes(taught, folder):
    params = Params(example_hop_seconds=0.48)
    prototypes = dataclasses.replace(taught, params=params)
    found = classify.NearestPrototype(prototypes).classify(folder / "sine" / "1.wav")
    own = vggish_tf.Embedder(taught.weights.asked, params=params).embed_file(
        folder / "sine" / "1.wav"
    )
    np.testing.assert_array_equal(found.times[:, 0], own.timestamps)
    assert found.times[1, 0] == pytest.approx(0.48)


def test_weights_from_elsewhere_and_from_a_model_will_do(folder, taught, others, tmp_path):
    """The values decide, and not where they are or were."""
    lost = dataclasses.replace(taught.weights, asked="/lost/small.keras")
    prototypes = dataclasses.replace(taught, weights=lost)
    with pytest.raises(CheckpointError, match=r"there is no checkpoint at /lost/small\.keras"):
        classify.NearestPrototype(prototypes)
    model = vggish_tf.load_model(folder / "small.keras")
    expected = classify.NearestPrototype(taught).classify(others[0]).scores
    for weights in (folder / "small.keras", model):
        found = classify.NearestPrototype(prototypes, weights)
        np.testing.assert_array_equal(found.classify(others[0]).scores, expected)


def test_other_weights_are_refused_by_the_digests_of_both(taught):
    other = small_network.randomize(small_network.vggish(), seed=5)
    with pytest.raises(CheckpointError) as caught:
        classify.NearestPrototype(taught, other)
    message = str(caught.value)
    assert taught.weights.values_sha256 in message
    assert vggish_tf.Embedder(other).identity.values_sha256 in message
    assert "Give theirs with --weights" in message


@pytest.mark.filterwarnings("ignore:these weights are untrained")
@pytest.mark.parametrize("said", [True, False])
def test_untrained_weights_show_in_every_label_whatever_the_file_says(said, tmp_path, others):
    model = small_network.vggish()
    prototypes = classify.teach(vggish_tf.Embedder(model), {"dog": others[:1], "cat": others[1:]})
    assert prototypes.weights.untrained
    identity = dataclasses.replace(prototypes.weights, untrained=said)
    prototypes = dataclasses.replace(prototypes, weights=identity)
    found = classify.NearestPrototype(prototypes, model)
    assert found.labels == ["dog (UNTRAINED)", "cat (UNTRAINED)"]


def test_untrained_weights_of_another_run_are_refused(taught, others):
    prototypes = classify.teach(vggish_tf.Embedder(None), {"dog": others})
    other = dataclasses.replace(prototypes.weights, values_sha256="0" * 64)
    assert prototypes.weights.asked == "untrained"
    with pytest.raises(CheckpointError, match=f"{'0' * 64} in the prototypes"):
        classify.NearestPrototype(dataclasses.replace(prototypes, weights=other))


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (Profile("mine", activation="relu"), "changes activation"),
        ("fadtk", "changes resampler, resampled, rounding"),
    ],
)
def test_only_raw_embeddings_are_taught(profile, words, others, folder):
    embedder = vggish_tf.Embedder(str(folder / "small.keras"), profile=profile)
    with pytest.raises(UsageError, match=words):
        classify.teach(embedder, {"noise": others})


def test_other_examples_than_the_page_s_are_not_taught(others):
    embedder = vggish_tf.Embedder(None, params=Params(example_window_seconds=0.48))
    with pytest.raises(UsageError, match=r"must be \(96, 64\); received \(48, 64\)"):
        classify.teach(embedder, {"noise": others})


def test_a_label_without_an_example_is_refused(folder, tmp_path, embedder):
    write_noise(tmp_path / "short.wav", 0.5)
    never = vggish_tf.Embedder(str(folder / "small.keras"), pad="never")
    for clips in ([], [tmp_path / "short.wav"]):
        with pytest.raises(AudioError, match="label 'noise' has no example"):
            classify.teach(never, {"noise": clips})
    with pytest.raises(UsageError, match="labels must be one or more"):
        classify.teach(embedder, {})
    with pytest.raises(TypeError, match="paths must be a list"):
        classify.teach(embedder, {"noise": str(tmp_path / "short.wav")})
    with pytest.raises(AudioError, match=r"no\.wav does not exist"):
        classify.teach(embedder, {"noise": [tmp_path / "no.wav"]})
