"""Distances between sets of embeddings: Fréchet (FAD), kernel (KAD), and their statistics.

statistics    rows → number, mean, covariance; one pass, mergeable
frechet       the Fréchet distance, and FAD∞
kernel        the kernel distance, MMD²
sources       archives and saved statistics → sets to compare
report        compare(): all numbers of a set; a table, JSON, CSV
"""

from vggish_tf.jobs.fad.frechet import frechet_distance
from vggish_tf.jobs.fad.kernel import kernel_distance
from vggish_tf.jobs.fad.report import as_json, as_text, by_file, compare, write_by_file, write_csv
from vggish_tf.jobs.fad.sources import read, save
from vggish_tf.jobs.fad.statistics import Gaussian, Statistics

__all__ = [
    "Gaussian",
    "Statistics",
    "as_json",
    "as_text",
    "by_file",
    "compare",
    "frechet_distance",
    "kernel_distance",
    "read",
    "save",
    "write_by_file",
    "write_csv",
]
