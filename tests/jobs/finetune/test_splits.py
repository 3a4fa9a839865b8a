"""Splits: each has a file of each class, whatever the shares."""

from collections import Counter
from pathlib import Path

import pytest

from vggish_tf.errors import VGGishError
from vggish_tf.jobs.finetune import splits
from vggish_tf.jobs.finetune.clips import Clip


def test_shares_must_be_shares():
    with pytest.raises(VGGishError, match="shares of 1"):
        splits.split([Clip(Path("a"), ("x",))], validation=0.6, test=0.5, seed=0, multi_label=False)


@pytest.mark.parametrize(
    ("takes", "validation", "test", "expected"),
    [
        (3, 0.9, 0.05, (1, 1, 1)),
        (3, 0.05, 0.9, (1, 1, 1)),
        (3, 0.5, 0.49, (1, 1, 1)),
        (2, 0.9, 0, (1, 1, 0)),
        (10, 0.95, 0.04, (1, 8, 1)),
        (10, 0.15, 0.15, (6, 2, 2)),
    ],
)
def test_every_split_has_a_file_of_each_class_whatever_the_shares(
    takes, validation, test, expected
):
    clips = [Clip(Path(f"{label}{take}"), (label,)) for label in "ab" for take in range(takes)]
    split = splits.split(clips, validation=validation, test=test, seed=0, multi_label=False)
    for label in "ab":
        counts = Counter(clip.split for clip in split if clip.labels == (label,))
        assert tuple(counts[name] for name in ("train", "validation", "test")) == expected
