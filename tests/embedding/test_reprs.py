"""Reprs of results and of the Embedder: what matters, in a line and in a notebook."""

import hashlib
import pickle

import numpy as np
import pytest

from vggish_tf import Embedder, Embeddings, VGGish
from vggish_tf.checkpoints import read
from vggish_tf.rows import ClipRows, Stages

pytestmark = pytest.mark.usefixtures("small_networks")
LARGE = "<h2><strong>UNTRAINED WEIGHTS: these embeddings mean nothing.</strong></h2>"


def rows_of(count, hop=0.96, dtype=np.float32, **known):
    return Embeddings(np.zeros((count, 128), dtype), np.arange(count) * hop, **known)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (rows_of(3, example_seconds=0.96), "(3, 128) float32, 0 to 2.88 s, one every 0.96 s"),
        (rows_of(3, 0.5, example_seconds=0.96), "(3, 128) float32, 0 to 1.96 s, one every 0.5 s"),
        (rows_of(1, example_seconds=0.96), "(1, 128) float32, 0 to 0.96 s"),
        (rows_of(0, example_seconds=0.96), "(0, 128) float32"),
        (rows_of(2, dtype=np.uint8), "(2, 128) uint8, starts from 0 to 0.96 s, one every 0.96 s"),
        (rows_of(1, untrained=True), "(1, 128) float32, starts from 0 to 0 s, UNTRAINED"),
        (Embeddings(np.zeros((3, 128)), [0, 1, 5], 1.0), "(3, 128) float64, 0 to 6 s"),
        (Embeddings(np.zeros((3, 128)), None), "(3, 128) float64"),
    ],
)
def test_embeddings_say_their_rows_their_seconds_and_their_hop(rows, said):
    assert repr(rows) == f"Embeddings({said})"
    cells = ", ".join(rows._repr_html_().split("</td>")[:-1])
    for fact in said.replace(", UNTRAINED", "").split(", ")[2:]:
        assert fact in cells
    assert rows._repr_html_().startswith(LARGE) == rows.untrained


def test_embeddings_stay_a_tuple_of_two_and_know_what_they_knew():
    rows = rows_of(3, example_seconds=0.96, untrained=True)
    for same in (pickle.loads(pickle.dumps(rows)), rows._replace(timestamps=rows.timestamps)):
        assert (same.example_seconds, same.untrained) == (0.96, True)
        np.testing.assert_array_equal(same.embedding, rows.embedding)
    embedding, timestamps = rows
    assert rows == (embedding, timestamps)
    assert rows[:1] == (embedding,)
    assert type(rows[:]) is tuple


def test_rows_of_a_clip_and_stages_print_no_numbers():
    rows = ClipRows("a.wav", np.array([0.0, 0.96]), np.array([0.96, 1.92]), np.zeros((2, 128)))
    assert repr(rows) == "ClipRows('a.wav', (2, 128) float64, 0 to 1.92 s)"
    arrays = {name: np.zeros((2, 3)) for name in Stages._fields[:5]}
    stages = Stages(**arrays, embedding=None, quantized=None, timestamps=np.zeros(2), params=None)
    assert repr(stages).startswith("Stages(waveform (2, 3), stft_magnitude (2, 3), ")
    assert "embedding" not in repr(stages)
    assert repr(stages._replace(untrained=True)).endswith(", UNTRAINED)")


@pytest.fixture
def loaded(small_checkpoint):
    return Embedder(small_checkpoint, pad="never")


def test_an_embedder_says_its_weights_and_how_it_computes(loaded, small_checkpoint):
    digest = hashlib.sha256()
    for array in read(small_checkpoint).values():
        digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    weights = f"{str(small_checkpoint)!r}, not the published file, values {digest.hexdigest()[:8]}"
    assert repr(loaded).startswith(f"Embedder({weights}, profile='tf-2020', pad='never', ")
    assert repr(loaded).endswith(f"plan={loaded.plan}, params=Params())")
    assert "UNTRAINED" not in loaded._repr_html_()


def test_an_untrained_embedder_says_so_at_once_and_large():
    embedder = Embedder(None)
    assert repr(embedder).startswith("Embedder('untrained', UNTRAINED, values ")
    assert embedder._repr_html_().startswith(LARGE)
    assert embedder(np.ones(16_000, np.float32), 16_000).untrained
    with pytest.warns(UserWarning, match="untrained"):
        assert Embedder(VGGish(None))._repr_html_().startswith(LARGE)


def test_a_path_is_no_markup(small_checkpoint, tmp_path):
    folder = tmp_path / "<b>bold"
    folder.mkdir()
    path = folder / "mine & yours.ckpt"
    path.symlink_to(small_checkpoint)
    text = Embedder(path)._repr_html_()
    assert "&lt;b&gt;bold/mine &amp; yours.ckpt" in text
    assert "<b>bold" not in text


def test_a_copy_that_has_read_nothing_yet_says_so_and_reads_nothing(loaded, monkeypatch):
    copy = pickle.loads(pickle.dumps(loaded))
    monkeypatch.setattr(
        type(copy._network), "_load", lambda self: pytest.fail("weights were read for a repr")
    )
    assert "read when first used, profile=" in repr(copy)
    assert "read when first used" in copy._repr_html_()
