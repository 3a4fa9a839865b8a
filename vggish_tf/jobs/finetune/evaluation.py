"""Evaluation of a classifier: precision, recall, average precision and confusion matrix.

    evaluate(targets, scores, labels, …) → Evaluation, which str() turns into text, and draw() into
    a picture

All numbers are computed from arrays; no model is run here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vggish_tf.errors import counted, printable
from vggish_tf.jobs.finetune.progress import Progress, draw_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THRESHOLD = 0.5  # the lowest score at which a class counts as found, with multi_label
MEASURES = ("precision", "recall", "average_precision")
LONGEST_LABEL = 24  # characters of a label in a picture
INCHES_PER_CLASS, INCHES_PER_LETTER = 0.45, 0.09  # three bars and their numbers; a label


@dataclass(frozen=True)
class Evaluation:
    """Evaluation of a classifier; arrays have a number for each class, NaN for a division by zero.

    Args:
        labels: the names of the classes.
        num_clips: the number of scored clips.
        accuracy: the share of clips whose highest score is that of their class; with multi_label,
            the share of correct decisions.
        support: the number of clips of each class.
        precision, recall, average_precision: the measures of each class.
        confusion: the number of clips by class and by highest-scored class; None with multi_label.
        what: a description of the clips.
    """

    labels: Sequence[str]
    num_clips: int
    accuracy: float
    support: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    average_precision: np.ndarray
    confusion: np.ndarray | None
    what: str = ""

    def as_json(self) -> dict[str, Any]:
        """The numbers as a dictionary that JSON can hold; NaN becomes None."""
        classes = {
            label: {"support": int(self.support[place])}
            | {name: _json_number(getattr(self, name)[place]) for name in MEASURES}
            for place, label in enumerate(self.labels)
        }
        return {
            "clips": self.num_clips,
            "accuracy": _json_number(self.accuracy),
            "mean_average_precision": _json_number(_mean(self.average_precision)),
            "classes": classes,
            "confusion": None if self.confusion is None else self.confusion.tolist(),
        }

    def __str__(self):
        width = max(len("class"), *map(len, self.labels))
        head = f"{self.what}: {counted(self.num_clips, 'clip')}, accuracy {self.accuracy:.3f}, "
        head += f"mean average precision {_mean(self.average_precision):.3f}"
        lines = [head, "", f"{'class':{width}}  clips  precision  recall  average precision"]
        for place, label in enumerate(self.labels):
            measures = [_decimals(getattr(self, name)[place]) for name in MEASURES]
            text = "{:{}}  {:5d}  {:>9}  {:>6}  {:>17}"
            lines.append(text.format(label, width, self.support[place], *measures))
        if self.confusion is not None:
            title = "confusion: a row is a class, a column the class with the highest score"
            lines += ["", title, *self._confusion_lines(width)]
        return "\n".join(lines)

    def _confusion_lines(self, width: int):
        assert self.confusion is not None
        cell = max(3, len(str(self.confusion.max())), len(str(len(self.labels))))
        numbers = range(1, len(self.labels) + 1)
        yield " " * width + "".join(f" {number:>{cell}}" for number in numbers)
        for number, label, row in zip(numbers, self.labels, self.confusion, strict=True):
            cells = "".join(f" {count or '·':>{cell}}" for count in row)
            yield f"{label:{width}}{cells}  {number}"


def evaluate(
    targets: np.ndarray,
    scores: np.ndarray,
    labels: Sequence[str],
    *,
    multi_label: bool = False,
    what: str = "clips",
) -> Evaluation:
    """Compares scores with targets.

    Args:
        targets: (clips, classes), 1 if the clip has the class, otherwise 0.
        scores: (clips, classes).
        labels: the names of the classes.
        multi_label: True: a class counts as found if its score is at least 0.5. False: the class
            with the highest score counts as found.
        what: a description of the clips, for the text.

    Example:
        >>> result = evaluate(np.eye(2), np.array([[0.9, 0.1], [0.6, 0.4]]), ["cat", "dog"])
        >>> result.accuracy, result.confusion.tolist(), result.average_precision.tolist()
        (0.5, [[1, 0], [1, 0]], [1.0, 1.0])
    """
    targets = np.asarray(targets) > 0.5
    highest = np.eye(len(labels), dtype=bool)[scores.argmax(axis=1)]
    found = scores >= THRESHOLD if multi_label else highest
    right = (targets & found).sum(axis=0)
    pairs = zip(targets.T, scores.T, strict=True)
    confusion = None if multi_label else targets.T.astype(int) @ found.astype(int)
    return Evaluation(
        labels=labels,
        num_clips=len(targets),
        accuracy=float(np.mean(targets == found if multi_label else (targets & found).any(axis=1))),
        support=targets.sum(axis=0),
        precision=_divide(right, found.sum(axis=0)),
        recall=_divide(right, targets.sum(axis=0)),
        average_precision=np.array([average_precision(*pair) for pair in pairs]),
        confusion=confusion,
        what=what,
    )


def average_precision(targets: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of one class; NaN without clips of the class.

    It is the mean, over the clips of the class, of the precision among all clips with the same or a
    higher score. Clips of equal score count together, so their order does not matter.

    Example:
        >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
        0.833...
    """
    if not targets.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    right = np.cumsum(targets[order])[last_of_ties]
    precision = right / (np.flatnonzero(last_of_ties) + 1)
    return float(np.sum(np.diff(right, prepend=0) * precision) / targets.sum())


def draw(evaluation: Evaluation, title: str = "", progress: Progress | None = None) -> "Figure":
    """Draws the confusion matrix, if there is one, the measures, and the loss over the epochs.

    Args:
        evaluation: the evaluation.
        title: the title at the top.
        progress: the history of the training; None leaves the loss out.

    Returns:
        A figure for pictures.save().
    """
    from vggish_tf.drawing import pictures

    names = INCHES_PER_LETTER * max(map(len, _short(evaluation.labels)))
    cells = max(2.8, INCHES_PER_CLASS * len(evaluation.labels))
    above = {_draw_confusion: cells + names + 0.6} if evaluation.confusion is not None else {}
    above[_draw_measures] = 4.5 + names
    heights = [cells + 1.2 + (0.0 if evaluation.confusion is None else names), 3.2]
    heights = heights if progress else heights[:1]
    with pictures.style():
        figure = pictures.empty_figure(max(8.0, sum(above.values())), sum(heights), title)
        rows = figure.add_gridspec(len(heights), 1, height_ratios=heights)
        columns = rows[0].subgridspec(1, len(above), width_ratios=list(above.values()))
        for place, draw_panel in enumerate(above):
            draw_panel(figure.add_subplot(columns[place]), evaluation)
        if progress:
            draw_loss(figure.add_subplot(rows[1]), progress)
    return figure


def _draw_confusion(ax: "Axes", evaluation: Evaluation):
    counts = evaluation.confusion
    assert counts is not None
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.5 else "black" if count else "0.6"
        ax.text(column, row, str(count), ha="center", va="center", color=color)
    names = _short(evaluation.labels)
    slanted: Any = {"rotation": 60, "ha": "right", "rotation_mode": "anchor", "parse_math": False}
    ax.set_xticks(range(len(names)), names, **slanted)
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.set(xlabel="scored highest", ylabel="class", title="clips; shade: share of class")


def _draw_measures(ax: "Axes", evaluation: Evaluation):
    places = np.arange(len(evaluation.labels))
    for offset, name in zip((-0.27, 0.0, 0.27), MEASURES, strict=True):
        values = getattr(evaluation, name)
        bars = ax.barh(places + offset, np.nan_to_num(values), 0.25, label=name.replace("_", " "))
        ax.bar_label(bars, [_decimals(value, 2) for value in values], padding=3, fontsize=7)
    counts = zip(_short(evaluation.labels), evaluation.support, strict=True)
    names = [f"{name} ({count})" for name, count in counts]
    ax.set_yticks(places, names, parse_math=False)
    ax.set_xticks(np.linspace(0.0, 1.0, 6))
    ax.axvline(0.0, color="black", linewidth=1.0)
    ax.set(xlim=(-0.01, 1.1), ylim=(len(places) - 0.5, -0.5))
    ax.set_title("each class (clips); - is undefined")
    below: Any = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "borderaxespad": 1.8}
    ax.legend(ncols=3, columnspacing=1.0, handlelength=1.0, frameon=False, **below)


def _short(labels: Sequence[str]) -> list[str]:
    most = LONGEST_LABEL
    names = map(printable, labels)
    return [name if len(name) <= most else name[: most - 1] + "…" for name in names]


def _divide(numerator, denominator) -> np.ndarray:
    return np.where(denominator, numerator / np.maximum(denominator, 1), np.nan)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _decimals(value: float, digits: int = 3) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def _json_number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
