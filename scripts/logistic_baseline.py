"""Baseline for fine-tuning: logistic regression on each clip's mean log-mel, on the same splits.

    python scripts/logistic_baseline.py instruments/instruments.csv

The 64 means over the frames are standardized; the strength of the penalty is chosen on the
validation clips. Needs scikit-learn.
"""

import argparse

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vggish_tf.backend import compiled
from vggish_tf.jobs import finetune

STRENGTHS = 10.0 ** np.arange(-4, 5)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="a folder with one subfolder a class, or a CSV")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the splits, as in vggish-tf finetune"
    )
    args = parser.parse_args()
    data = finetune.dataset(args.data, seed=args.seed)
    features = {split: mean_log_mel(data, split) for split in ("train", "validation", "test")}
    classes = {split: data.targets(data.of(split)).argmax(axis=1) for split in features}
    models = [fitted(strength, features["train"], classes["train"]) for strength in STRENGTHS]
    best = max(models, key=lambda model: model.score(features["validation"], classes["validation"]))
    scores = best.predict_proba(features["test"])
    targets = np.eye(len(data.labels))[classes["test"]]
    print(finetune.evaluate(targets, scores, data.labels, what="test clips"))


def mean_log_mel(data: finetune.Dataset, split: str) -> np.ndarray:
    """The mean over the frames of each clip's log-mel, (clips, 64)."""
    from vggish_tf import WaveformToExamples

    run = compiled(WaveformToExamples(data.params, pad="short"), (1, None))
    waveforms = data.waveforms(data.of(split))
    return np.array([run(waveform[np.newaxis]).mean(axis=(0, 1, 2)) for waveform in waveforms])


def fitted(strength: float, features: np.ndarray, classes: np.ndarray):
    regression = LogisticRegression(C=strength, max_iter=5000)
    return make_pipeline(StandardScaler(), regression).fit(features, classes)


if __name__ == "__main__":
    main()
