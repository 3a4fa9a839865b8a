"""The official smoke test: a 1 kHz sine of three seconds, and the figures in Google's script.

The signal and the log-mel are upstream's, in float64, so that only the weights and the network are
tested. data/smoke_test_output.npz has the numbers of example 0 that the official script prints with
the published weights: `embedding` (128,) float32 and `postprocessed` (128,) uint8. No weights are
loaded here.

Source: tensorflow/models research/audioset/vggish/vggish_smoke_test.py in its three states (2017,
2020, 2023); example 0 was printed by the last of them with TensorFlow 2.13 and NumPy 1.24.3.
"""

import io
import math
import os
from dataclasses import dataclass

import numpy as np

from vggish_tf.errors import VGGishError
from vggish_tf.files import DATA
from vggish_tf.params import SAMPLE_RATE
from vggish_tf.weights.pca import read as read_pca

# float32 on another processor; two CPU kernels differed by 2e-6 in an embedding
FIGURE_ATOL = 1e-5
NO_GENERATION = "none of the published figures"


@dataclass(frozen=True)
class Figures:
    """Mean and standard deviation of the smoke test's embedding, and of its quantized form."""

    mean: float
    std: float
    quantized_mean: float | None = None
    quantized_std: float | None = None

    def round_to(self, printed: "Figures") -> bool:
        """Whether the figures of the embedding, rounded to the printed digits, are `printed`."""
        return all(
            abs(figure - shown) <= 0.5 * _last_digit(shown) + FIGURE_ATOL
            for figure, shown in ((self.mean, printed.mean), (self.std, printed.std))
        )

    def __str__(self):
        return f"mean {self.mean:.3g}, std {self.std:.3g}"


# The official numbers are printed to 8 digits; another order of summation on another processor
# changes them by 1e-5. Other weights with the same mean and deviation differ by 1.
EXAMPLE_0_ATOL = 1e-4

# All are of the same published weights; the resampling and the last activation changed.
GENERATIONS = {
    "since July 2023 (no activation, no resampling)": Figures(0.000657, 0.343, 126.0, 89.3),
    "August 2020 to July 2023 (no activation, resampled from 44.1 kHz)": Figures(
        -0.0333, 0.380, 122.0, 93.5
    ),
    "the first release (with a ReLU, resampled from 44.1 kHz)": Figures(0.131, 0.238, 123.0, 75.0),
}
CURRENT = next(iter(GENERATIONS))


def examples() -> np.ndarray:
    """The log-mel examples of the official signal, (3, 96, 64) float64."""
    from vggish_tf.reference import vggish_input

    waveform = np.sin(2 * np.pi * 1000 * np.arange(0, 3, 1 / SAMPLE_RATE))
    return np.asarray(vggish_input.waveform_to_examples(waveform, SAMPLE_RATE))


def figures_of(
    embedding: np.ndarray, pca: str | os.PathLike[str] = "audioset"
) -> tuple[Figures, str]:
    """The figures of an embedding (3, 128), and the reason if the quantized ones are None.

    They are None without PCA parameters.

    Args:
        embedding: the embedding of examples(), (3, 128).
        pca: "audioset", or the path of PCA parameters.
    """
    mean, std = float(embedding.mean()), float(embedding.std())
    try:
        eigen_vectors, means = read_pca(pca)
    except VGGishError as error:
        return Figures(mean, std), str(error)
    from vggish_tf.reference import vggish_postprocess

    published = io.BytesIO()  # the reference reads only the published format
    np.savez(published, pca_eigen_vectors=eigen_vectors, pca_means=means)
    published.seek(0)
    quantized = vggish_postprocess.Postprocessor(published).postprocess(embedding)
    return Figures(mean, std, float(quantized.mean()), float(quantized.std())), ""


def generation_of(figures: Figures, with_relu: Figures) -> str:
    """The key of GENERATIONS with these figures, or NO_GENERATION.

    The published weights give the current figures. The older ones involved a resampler, so here
    only other weights could give them; a ReLU alone does not (it gives 0.137, 0.219).

    Example:
        >>> generation_of(Figures(0.00065698, 0.34302), Figures(0.13686, 0.21894))
        'since July 2023 (no activation, no resampling)'
    """
    for generation, printed in GENERATIONS.items():
        if (with_relu if "ReLU" in generation else figures).round_to(printed):
            return generation
    return NO_GENERATION


def difference_of_example_0(embedding: np.ndarray) -> float:
    """The largest difference between the first row of an embedding and the published numbers."""
    with (DATA / "smoke_test_output.npz").open("rb") as stream:
        published = np.load(stream)["embedding"]
    return float(np.abs(embedding[0] - published).max())


def _last_digit(printed: float) -> float:
    """The place value of the last of three printed digits.

    Example:
        >>> _last_digit(0.000657), _last_digit(-0.0333), _last_digit(0.38)
        (1e-06, 0.0001, 0.001)
    """
    return 10.0 ** (math.floor(math.log10(abs(printed))) - 2)
