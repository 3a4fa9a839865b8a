"""Distances between sets of embeddings: Fréchet (FAD), kernel (KAD), and their statistics.

statistics    rows → count, mean, covariance; one pass, mergeable
frechet       the Fréchet distance, and FAD∞
kernel        the kernel distance, MMD²
"""

from vggish_tf.jobs.fad.frechet import frechet_distance
from vggish_tf.jobs.fad.kernel import kernel_distance
from vggish_tf.jobs.fad.statistics import Statistics

__all__ = ["Statistics", "frechet_distance", "kernel_distance"]
