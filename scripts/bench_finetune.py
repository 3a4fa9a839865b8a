"""Benchmark of head training: an epoch on cached embeddings and on waveforms of the same clips.

    python scripts/bench_finetune.py instruments/instruments.csv

The weights are untrained, which does not change the time. The first epoch, which compiles, is left
out; of the others the fastest is reported, which other load on the machine affects least.
"""

import argparse
import tempfile
from pathlib import Path

from vggish_tf.jobs import finetune


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="a folder with one subfolder a class, or a CSV")
    parser.add_argument("--epochs", type=int, default=3, help="timed epochs of each kind")
    args = parser.parse_args()
    data = finetune.dataset(args.data)
    model = finetune.classifier(len(data.labels), labels=data.labels, weights=None)
    waveforms = seconds(model, data, "waveform", args.epochs)
    embeddings = seconds(model, finetune.cached(data, model, "embedding"), "embedding", args.epochs)
    print(
        f"{len(data.clips)} clips; seconds an epoch: waveforms {waveforms:.2f}, cached embeddings "
        f"{embeddings:.3f}"
    )
    print(f"{waveforms / embeddings:.0f} times faster")


def seconds(model, data: finetune.Dataset, stage, epochs: int) -> float:
    """Seconds of the fastest epoch but the first."""
    with tempfile.TemporaryDirectory() as folder:
        progress = finetune.train(
            model, data, Path(folder), stage=stage, epochs=epochs + 1, patience=epochs + 1
        )
    return min(row["seconds"] for row in progress.history[1:])


if __name__ == "__main__":
    main()
