"""The check of an export: the file in its own runtime is compared with the live model.

The test signals are made here. `vggish-tf verify`, not this check, says whether the weights are the
published ones.
"""

from dataclasses import dataclass

import numpy as np

from vggish_tf.errors import VGGishError
from vggish_tf.jobs.export.catalogue import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline

SECONDS = {
    "silence": 1.0,
    "smoke signal": 3.0,
    "noise, short": 2.5,
    "noise, long, and half of it filled up": 5.3,
}


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison of outputs."""

    largest: float  # the largest difference of a number
    allowed: float  # the largest allowed difference

    @property
    def passed(self) -> bool:
        return self.largest <= self.allowed  # False for NaN

    def __str__(self):
        difference = f"largest difference {self.largest:.2g} to the live model"
        return f"{difference}, {self.allowed:.2g} allowed"


def signals(sample_rate: int, num_samples: int | None = None) -> dict[str, np.ndarray]:
    """The test signals: name → (batch, num_samples) float32.

    They are silence, the official smoke signal (1 kHz), noise, and a batch of two clips of noise.
    The second of these ends early: for a classifier, the zeros after it are padding. With
    `num_samples`, all clips have that length, and only the second clip of the batch is used.
    """
    counts = {name: num_samples or int(seconds * sample_rate) for name, seconds in SECONDS.items()}
    silence, smoke, short, long = counts.values()
    noise = np.random.default_rng(0)
    waveforms = (
        np.zeros((1, silence)),
        np.sin(2 * np.pi * 1000 * np.arange(smoke) / sample_rate)[np.newaxis],
        noise.uniform(-0.5, 0.5, (1, short)),
        noise.uniform(-0.5, 0.5, (2, long)) * (np.arange(long) < [[long], [long // 2]]),
    )
    last = -1 if num_samples else 0
    return {
        name: waveform[last:].astype(np.float32)
        for name, waveform in zip(counts, waveforms, strict=True)
    }


def compare(pipeline: Pipeline, loaded: Loaded, tolerance: float) -> Comparison:
    """Compares the outputs of an export and of the live model on every signal.

    Args:
        pipeline: the live model.
        loaded: the export.
        tolerance: relative to the largest number in the embeddings, and to 1 for scores. Quantized
            embeddings may differ by one more step of 255, since truncation turns the smallest
            difference into a whole step.

    Raises:
        VGGishError: the outputs of the export have another shape or dtype, or the difference
            exceeds the tolerance.
    """
    # scores are in [0, 1]; on these signals all may be near 0
    largest, scale = 0.0, 1.0 if pipeline.head else 0.0
    for name, waveform in signals(pipeline.rate, pipeline.num_samples).items():
        expected, exported = pipeline.live(waveform), np.asarray(loaded.run(waveform))
        if (expected.shape, expected.dtype) != (exported.shape, exported.dtype):
            raise VGGishError(
                f"the export gives {exported.dtype} {exported.shape} for {name!r}, the live model "
                f"{expected.dtype} {expected.shape}. Nothing was written."
            )
        difference = np.abs(exported.astype(np.float64) - expected)
        largest = np.maximum(largest, difference.max(initial=0.0))  # keeps NaN, where max() may not
        scale = max(scale, float(np.abs(expected.astype(np.float64)).max(initial=0.0)))
    allowed = tolerance * 255 + 1 if expected.dtype == np.uint8 else tolerance * scale
    comparison = Comparison(float(largest), float(allowed))
    if not comparison.passed:
        raise VGGishError(
            f"the export does not agree with the live model: {comparison}. Nothing was written."
        )
    return comparison
