"""The measures against scikit-learn, and their text and picture."""

import json
import os

import numpy as np
import pytest
from cases import first

from vggish_tf.drawing import pictures
from vggish_tf.jobs.finetune import evaluation
from vggish_tf.jobs.finetune.progress import Progress

metrics = pytest.importorskip(
    "sklearn.metrics", reason="scikit-learn, the oracle, is in the extra 'test'"
)
LABELS = ["cat", "dog", "owl", "pig"]
RTOL = 1e-12  # the same float64 sums of a few hundred terms


def scores_of(seed, num_clips=200):
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, 4, num_clips)
    scores = generator.uniform(size=(num_clips, 4)) + 0.7 * np.eye(4)[classes]
    # rounding makes ties
    return np.eye(4)[classes], (scores / scores.sum(axis=1, keepdims=True)).round(2)


@pytest.mark.parametrize("seed", range(3))
def test_single_label_measures(seed):
    targets, scores = scores_of(seed)
    result = evaluation.evaluate(targets, scores, LABELS)
    true, found = targets.argmax(axis=1), scores.argmax(axis=1)
    precision, recall, _, support = metrics.precision_recall_fscore_support(true, found)
    np.testing.assert_allclose(result.precision, precision, rtol=RTOL)
    np.testing.assert_allclose(result.recall, recall, rtol=RTOL)
    np.testing.assert_array_equal(result.support, support)
    np.testing.assert_array_equal(result.confusion, metrics.confusion_matrix(true, found))
    assert result.accuracy == pytest.approx(metrics.accuracy_score(true, found), rel=RTOL)
    expected = metrics.average_precision_score(targets, scores, average=None)
    np.testing.assert_allclose(result.average_precision, expected, rtol=RTOL)


def test_multi_label_measures():
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, (100, 4))
    scores = (0.3 * targets + generator.uniform(size=(100, 4)) * 0.7).round(2)
    result = evaluation.evaluate(targets, scores, LABELS, multi_label=True)
    precision, recall, _, _ = metrics.precision_recall_fscore_support(targets, scores >= 0.5)
    np.testing.assert_allclose(result.precision, precision, rtol=RTOL)
    np.testing.assert_allclose(result.recall, recall, rtol=RTOL)
    expected = metrics.average_precision_score(targets, scores, average=None)
    np.testing.assert_allclose(result.average_precision, expected, rtol=RTOL)
    assert result.confusion is None


def test_a_class_without_clips_or_never_found_has_no_number():
    targets = np.eye(4)[[0, 0, 1, 2]]
    scores = np.eye(4)[[0, 0, 0, 2]]
    result = evaluation.evaluate(targets, scores, LABELS)
    assert np.isnan(result.precision).tolist() == [False, True, False, True]
    assert np.isnan(result.recall).tolist() == [False, False, False, True]
    assert "nan" not in str(result)
    values = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert values["classes"]["pig"] == {
        "support": 0,
        "precision": None,
        "recall": None,
        "average_precision": None,
    }


def test_text_has_every_number():
    result = evaluation.evaluate(
        np.eye(4)[[0, 1, 1, 3]], np.eye(4)[[0, 1, 0, 3]], LABELS, what="test clips"
    )
    lines = str(result).splitlines()
    # cat 1/2; dog 1/2 · 1 + 1/2 · 2/4, the three scores of 0 being one step; pig 1; owl has none
    assert lines[0] == "test clips: 4 clips, accuracy 0.750, mean average precision 0.750"
    assert lines[3].split() == ["cat", "1", "0.500", "1.000", "0.500"]
    assert lines[-3].split() == ["dog", "1", "1", "·", "·", "2"]


def test_picture_shows_counts_and_names(tmp_path):
    targets, scores = scores_of(0)
    labels = ["cat", "a $dog$ of a name that has no end in sight", "owl", "pig"]
    result = evaluation.evaluate(targets, scores, labels)
    figure = evaluation.draw(result, "a title")
    confusion, bars = figure.axes
    assert [text.get_text() for text in confusion.texts] == list(map(str, result.confusion.ravel()))
    assert [label.get_text() for label in confusion.get_yticklabels()][
        1
    ] == "a $dog$ of a name that …"
    assert len(bars.patches) == 12
    assert bars.patches[0].get_width() == result.precision[0]
    pictures.save(figure, tmp_path / "report.png")
    assert (
        len(evaluation.draw(evaluation.evaluate(targets, scores, labels, multi_label=True)).axes)
        == 1
    )


def test_a_class_whose_name_is_no_utf_8_is_in_the_picture(tmp_path):
    labels = [os.fsdecode(b"caf\xe9"), "b"]
    found = evaluation.evaluate(np.eye(2), np.eye(2), labels)
    pictures.save(evaluation.draw(found, labels[0]), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").exists()


def test_bars_have_their_numbers_and_zero_is_seen():
    """A measure of 0 and one that is undefined both have no bar, and are told apart."""
    result = evaluation.evaluate(np.eye(4)[[0, 0, 1, 2]], np.eye(4)[[0, 0, 0, 2]], LABELS)
    bars = evaluation.draw(result).axes[1]
    values = [*result.precision, *result.recall, *result.average_precision]
    words = ["-" if np.isnan(value) else f"{value:.2f}" for value in values]
    assert [text.get_text() for text in bars.texts] == words
    assert {"0.00", "-", "1.00"} <= set(words)
    assert bars.get_xlim()[0] < 0 < bars.get_xlim()[1]
    assert [line.get_xdata()[0] for line in bars.lines] == [0.0]


def trained(losses, val_losses):
    progress = Progress()
    for loss, val_loss in zip(losses, val_losses, strict=True):
        progress.add({"loss": loss, "val_loss": val_loss, "seconds": 1.0})
    return progress


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_loss_curve_has_both_losses_and_the_best_epoch(multi_label):
    progress = trained([2.0, 1.0, 0.5, 0.25], [1.9, 1.2, 0.9, 1.1])
    targets, scores = scores_of(0)
    result = evaluation.evaluate(targets, scores, LABELS, multi_label=multi_label)
    figure = evaluation.draw(result, "t", progress)
    assert len(figure.axes) == (2 if multi_label else 3)
    ax = figure.axes[-1]
    training, validation, rule, ring = ax.lines
    assert training.get_xydata().tolist() == [[1, 2.0], [2, 1.0], [3, 0.5], [4, 0.25]]
    assert validation.get_xydata().tolist() == [[1, 1.9], [2, 1.2], [3, 0.9], [4, 1.1]]
    assert (rule.get_xdata()[0], *ring.get_xydata()[0]) == (3, 3, 0.9)
    assert ax.get_ylim()[0] == 0.0
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "training, 0.2500 at the end",
        "validation, 1.1000 at the end",
        "best: epoch 3, validation 0.9000",
    ]


def test_one_epoch_is_a_curve_of_one_point():
    figure = evaluation.draw(evaluation.evaluate(*scores_of(0), LABELS), "t", trained([2.0], [1.9]))
    figure.draw_without_rendering()
    ax = figure.axes[-1]
    assert [tick for tick in ax.get_xticks() if 0.5 <= tick <= 1.5] == [1.0]
    assert all(line.get_marker() == "." for line in ax.lines[:2])
    assert ax.get_ylim()[1] > 2.0


@pytest.mark.parametrize("count", first(1, [2, 40, 4]))
def test_nothing_in_the_picture_is_cut_off_or_hides_another_part(count):
    generator = np.random.default_rng(0)
    targets, scores = (
        np.eye(count)[generator.integers(0, count, 90)],
        generator.uniform(size=(90, count)),
    )
    labels = [f"a long name of class {i}" for i in range(count)]
    progress = trained([2.0, 1.0], [1.9, 1.2])
    figure = evaluation.draw(evaluation.evaluate(targets, scores, labels), "title", progress)
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -0.01
    confusion, bars, loss = (ax.get_tightbbox() for ax in figure.axes)
    assert not confusion.overlaps(bars)
    assert not loss.overlaps(confusion)
    assert not loss.overlaps(bars)
    heights = [bar.get_window_extent().height for bar in figure.axes[1].patches]
    letters = figure.axes[1].texts[0].get_window_extent().height
    assert letters < 1.25 * min(heights)
