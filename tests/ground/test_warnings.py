"""Warnings name the user's line, from whichever thread they come; and the words of messages."""

import warnings

import numpy as np
import pytest
import signals
import small_network
import soundfile

import vggish_tf
from vggish_tf import Params, load_audio
from vggish_tf.errors import UsageError, counted, warn
from vggish_tf.jobs import embed, finetune
from vggish_tf.jobs.inspect.report import inspect
from vggish_tf.reference import mel_features

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture
def folder(tmp_path):
    """short.wav, under one example; loud.wav, far beyond [-1, 1]; of two classes."""
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for take in range(3):
            soundfile.write(
                tmp_path / label / f"{take}.wav",
                1000 * signals.noise(16_000),
                16_000,
                subtype="FLOAT",
            )
    soundfile.write(tmp_path / "short.wav", signals.noise(1000), signals.RATE)
    return tmp_path


@pytest.fixture(scope="module")
def embedder():
    with small_network.shrunken():
        return vggish_tf.Embedder(None)


CALLS = {
    "Embedder": lambda embedder, folder: vggish_tf.Embedder(vggish_tf.VGGish(None)),
    "a short array": lambda embedder, folder: embedder(np.zeros(1000, np.float32), 16_000),
    "a loud array": lambda embedder, folder: embedder(np.full(20_000, 1e3, np.float32), 16_000),
    "a short file": lambda embedder, folder: embedder.embed_file(folder / "short.wav"),
    "a loud file": lambda embedder, folder: embedder.embed_file(folder / "a" / "0.wav"),
    "many files": lambda embedder, folder: list(embedder.embed_files([folder / "short.wav"] * 2)),
    "a stream": lambda embedder, folder: embedder.stream(16_000).finish(),
    "an archive": lambda embedder, folder: embed.embed_archive(
        [folder / "short.wav"], folder / "out", embedder
    ),
    "Params": lambda embedder, folder: Params(num_mel_bins=500),
    "a loud clip": lambda embedder, folder: load_audio(folder / "a" / "0.wav"),
    "a report": lambda embedder, folder: inspect(folder / "a" / "0.wav"),
    "a data set": lambda embedder, folder: finetune.dataset(folder),
    "a mel matrix": lambda embedder, folder: mel_features.spectrogram_to_mel_matrix(200),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_a_warning_names_the_line_of_the_caller(name, embedder, folder):
    call = CALLS[name]
    with pytest.warns(UserWarning, match=".") as caught:
        call(embedder, folder)
    first = call.__code__.co_firstlineno
    ours = [warning for warning in caught if warning.category is UserWarning]
    assert ours
    assert {warning.filename for warning in ours} == {__file__}
    assert all(first <= warning.lineno <= first + 2 for warning in ours)


def test_a_warning_that_is_an_error_comes_out_of_the_thread(embedder, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="filled with silence"):
            embedder.embed_file(folder / "short.wav")


def test_a_warning_is_given_once_a_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            warn("the same")
    assert [str(warning.message) for warning in caught] == ["the same"]


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (20_000, "20,000 rows")]
)
def test_a_count_has_its_plural(count, words):
    assert counted(count, "row") == words


def test_a_mistake_of_usage_is_a_value_error_of_ours(folder):
    with pytest.raises(ValueError, match="do not fit") as error:
        embed.plan(["a.wav", "b.wav"], "out.npz")
    assert isinstance(error.value, UsageError)
    assert isinstance(error.value, vggish_tf.VGGishError)
