"""Smoke test of the weights: Google's published figures for three seconds of a 1 kHz sine.

    python examples/smoke_test.py
    python examples/smoke_test.py vggish_model.ckpt --pca vggish_pca_params.npz

Exits with 1 if a figure differs. `vggish-tf verify` also reports which generation of published
figures a file gives.

Source: tensorflow/models research/audioset/vggish/vggish_smoke_test.py, as of July 2023.
"""

import argparse
import sys

import numpy as np

from vggish_tf import Embedder, Postprocessor, VGGishError, WaveformToExamples

PUBLISHED = {  # name: (figure, half of its last printed digit)
    "log-mel mean": (-3.4296187, 1e-5),  # the signal is rounded to float32 here
    "log-mel std": (2.1265773, 1e-5),
    "embedding mean": (0.000657, 1e-5),  # float32 kernels differ by more than the last digit
    "embedding std": (0.343, 5e-4),
    "quantized mean": (126.0, 0.5),
    "quantized std": (89.3, 0.05),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "weights", nargs="?", default="audioset", help='"audioset" (the default), or a checkpoint'
    )
    parser.add_argument(
        "--pca", default="audioset", help='"audioset" (the default), or an npz of PCA parameters'
    )
    args = parser.parse_args()

    waveform = np.sin(2 * np.pi * 1000 * np.arange(3 * 16_000) / 16_000)
    embedder, postprocessor = Embedder(args.weights), Postprocessor(weights=args.pca)
    embedding = embedder(waveform, 16_000).embedding
    stages = {
        "log-mel": WaveformToExamples()(waveform),
        "embedding": embedding,
        "quantized": postprocessor(embedding),
    }
    figures = {}
    for name, array in stages.items():
        array = np.asarray(array, np.float64)
        print(f"{name} {array.shape}")
        figures |= {f"{name} mean": array.mean(), f"{name} std": array.std()}
    wrong = [
        name for name, (figure, digit) in PUBLISHED.items() if abs(figures[name] - figure) > digit
    ]
    for name, (published, _) in PUBLISHED.items():
        print(
            f"{name:15s} {figures[name]:12.6g}   published {published:<12g} "
            f"{'DIFFERS' if name in wrong else 'ok'}"
        )
    print("NOT the published weights." if wrong else "These are the published weights.")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VGGishError as error:
        sys.exit(f"smoke_test.py: {error}")
