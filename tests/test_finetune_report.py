"""The measures against scikit-learn, and their text and picture."""

import json

import numpy as np
import pytest

from vggish_tf.jobs import pictures
from vggish_tf.jobs.finetune import report

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn, the oracle, is in the extra 'test'")
LABELS = ["cat", "dog", "owl", "pig"]
RTOL = 1e-12  # the same float64 sums of a few hundred terms


def scores_of(seed, num_clips=200):
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, 4, num_clips)
    scores = generator.uniform(size=(num_clips, 4)) + 0.7 * np.eye(4)[classes]
    return np.eye(4)[classes], (scores / scores.sum(axis=1, keepdims=True)).round(2)  # rounding makes ties


@pytest.mark.parametrize("seed", range(3))
def test_single_label_measures(seed):
    targets, scores = scores_of(seed)
    result = report.evaluate(targets, scores, LABELS)
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
    result = report.evaluate(targets, scores, LABELS, multi_label=True)
    precision, recall, _, _ = metrics.precision_recall_fscore_support(targets, scores >= 0.5)
    np.testing.assert_allclose(result.precision, precision, rtol=RTOL)
    np.testing.assert_allclose(result.recall, recall, rtol=RTOL)
    expected = metrics.average_precision_score(targets, scores, average=None)
    np.testing.assert_allclose(result.average_precision, expected, rtol=RTOL)
    assert result.confusion is None


def test_a_class_without_clips_or_never_found_has_no_number():
    targets = np.eye(4)[[0, 0, 1, 2]]
    scores = np.eye(4)[[0, 0, 0, 2]]
    result = report.evaluate(targets, scores, LABELS)
    assert np.isnan(result.precision).tolist() == [False, True, False, True]
    assert np.isnan(result.recall).tolist() == [False, False, False, True]
    assert "nan" not in str(result)
    values = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert values["classes"]["pig"] == {"support": 0, "precision": None, "recall": None, "average_precision": None}


def test_text_has_every_number():
    result = report.evaluate(np.eye(4)[[0, 1, 1, 3]], np.eye(4)[[0, 1, 0, 3]], LABELS, what="test clips")
    lines = str(result).splitlines()
    # cat 1/2; dog 1/2 · 1 + 1/2 · 2/4, the three scores of 0 being one step; pig 1; owl has none
    assert lines[0] == "test clips: 4 clips, accuracy 0.750, mean average precision 0.750"
    assert lines[3].split() == ["cat", "1", "0.500", "1.000", "0.500"]
    assert lines[-3].split() == ["dog", "1", "1", "·", "·", "2"]


def test_picture_shows_counts_and_names(tmp_path):
    targets, scores = scores_of(0)
    labels = ["cat", "a $dog$ of a name that has no end in sight", "owl", "pig"]
    result = report.evaluate(targets, scores, labels)
    figure = report.draw(result, "a title")
    confusion, bars = figure.axes
    assert {text.get_text() for text in confusion.texts} == {str(count) for count in result.confusion.ravel() if count}
    assert [label.get_text() for label in confusion.get_yticklabels()][1] == "a $dog$ of a name that …"
    assert len(bars.patches) == 12
    assert bars.patches[0].get_width() == result.precision[0]
    pictures.save(figure, tmp_path / "report.png")
    assert len(report.draw(report.evaluate(targets, scores, labels, multi_label=True)).axes) == 1
