"""Distances between sets of embeddings: Fréchet (FAD), kernel (KAD), and their statistics.

statistics    rows → number, mean, covariance; in one pass, mergeable
frechet       the Fréchet distance, and FAD∞
kernel        the kernel distance, MMD²
resampling    the interval of a distance and the p-value of a difference, by resampling files
sources       archives and saved statistics → sets to compare
comparison    compare(): all numbers of a set
report        a table, JSON, CSV
picture       bars and lines
"""

from vggish_tf.jobs.fad.comparison import Comparison, by_file, compare, compare_each, p_value
from vggish_tf.jobs.fad.frechet import frechet_distance
from vggish_tf.jobs.fad.kernel import kernel_distance
from vggish_tf.jobs.fad.picture import draw
from vggish_tf.jobs.fad.report import as_json, as_text, write_by_file, write_csv
from vggish_tf.jobs.fad.sources import is_set, read, save
from vggish_tf.jobs.fad.statistics import Gaussian, Statistics

__all__ = [
    "Comparison",
    "Gaussian",
    "Statistics",
    "as_json",
    "as_text",
    "by_file",
    "compare",
    "compare_each",
    "draw",
    "frechet_distance",
    "is_set",
    "kernel_distance",
    "p_value",
    "read",
    "save",
    "write_by_file",
    "write_csv",
]
