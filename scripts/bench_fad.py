"""Distances by other packages beside ours, of the same embeddings: values, differences, seconds.

    pip install '.[bench]'
    pip install --no-deps fadtk==1.1.0 kadtk==1.1.0 frechet-audio-distance==0.3.4 \
        torcheval==0.0.7 hypy-utils==1.0.29 torchaudio
    python scripts/bench_fad.py

They are installed without what they require: an older NumPy, and the models of others. Modules of
these are empty, as no distance needs them.

The embeddings are random, with a mean and a spectrum as music has them; files have 2 to 20 rows.
"""

import argparse
import contextlib
import importlib.metadata
import io
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
from beside.installed import EmptyModules

from vggish_tf.jobs.fad import frechet, kernel_distance
from vggish_tf.jobs.fad.statistics import Statistics

MODELS = (
    *("encodec", "hear21passt", "kapre", "laion_clap", "librosa", "msclap", "nnAudio", "numba"),
    *("resampy", "torchlibrosa", "transformers"),
)
SIZE = 128
FLOAT32 = 2e-4  # of the distance: sums of thousands of float32, and the root of their product


class Case(NamedTuple):
    """A distance of another package, ours of the same meaning, and how far apart they may be."""

    package: str
    says: str
    theirs: Callable[[], float]
    ours: Callable[[], float]
    tolerance: float  # relative
    why: str


def embeddings(count: int, seed: int) -> list[np.ndarray]:
    """The rows of each of some files."""
    generator = np.random.default_rng(seed)
    spread = 0.9 ** np.arange(SIZE) + 0.05
    sizes = generator.integers(2, 21, count)
    shift = 0.05 * generator.standard_normal(SIZE)
    return [
        ((generator.standard_normal((size, SIZE)) * spread) + shift).astype(np.float32)
        for size in sizes
    ]


def cases(reference: list[np.ndarray], candidate: list[np.ndarray]) -> Iterator[Case]:
    x, y = np.concatenate(reference), np.concatenate(candidate)
    ours = lambda: frechet.distance(Statistics.of(x).gaussian, Statistics.of(y).gaussian)  # noqa: E731
    yield Case("fadtk", "FAD of the rows", lambda: fadtk_rows(x, y), ours, 1e-6,
               "float32 mean; eigenvalues of a product that is not symmetric")  # fmt: skip
    yield Case("fadtk", "FAD of folders", lambda: fadtk_folders(reference, candidate), ours, 1e-7,
               "float32 mean and float64 scatter of each file, merged")  # fmt: skip
    yield Case("fadtk", "FAD of folders, float16",
               lambda: fadtk_folders(reference, candidate, np.float16), ours, 5e-3,
               "embeddings and means that are kept in float16")  # fmt: skip
    yield Case("fadtk", "FAD∞", lambda: fadtk_infinity(x, y), lambda: our_infinity(x, y), 1e-6,
               "the same rows drawn; float32 mean")  # fmt: skip
    yield Case("kadtk", "FAD", lambda: kadtk_fad(x, y), ours, FLOAT32, "float32 throughout")
    yield Case("frechet-audio-distance", "FAD", lambda: gudgud96(x, y), ours, 1e-6,
               "float32 mean; root of a complex product")  # fmt: skip
    yield Case("torcheval", "FAD", lambda: torcheval(x, y), ours, FLOAT32,
               "float32 sums, from which squares of the mean are taken")  # fmt: skip
    for kernel in ("gaussian", "iq", "imq"):
        yield Case("kadtk", f"KAD, {kernel}", lambda kernel=kernel: kadtk_kad(x, y, kernel),
                   lambda kernel=kernel: kernel_distance(x, y, kernel=kernel, bandwidth="kadtk"),
                   FLOAT32, "float32; the bandwidth is the candidate's median")  # fmt: skip


def fadtk_rows(x, y) -> float:
    from fadtk.fad import calc_embd_statistics, calc_frechet_distance

    return calc_frechet_distance(*calc_embd_statistics(x), *calc_embd_statistics(y))


def fadtk_folders(reference, candidate, dtype=np.float32) -> float:
    from fadtk.fad import calc_frechet_distance
    from fadtk.utils import calculate_embd_statistics_online

    found = list[np.ndarray]()
    with tempfile.TemporaryDirectory() as folder:
        for name, files in (("x", reference), ("y", candidate)):
            paths = [Path(folder, f"{name}{number}.npy") for number in range(len(files))]
            for path, rows in zip(paths, files, strict=True):
                np.save(path, rows.astype(dtype))
            found += calculate_embd_statistics_online(paths)
    return calc_frechet_distance(*found)


def fadtk_infinity(x, y) -> float:
    from fadtk.fad import FrechetAudioDistance

    np.random.seed(0)  # noqa: NPY002 - of what fadtk draws
    found = FrechetAudioDistance.__new__(FrechetAudioDistance)  # __init__ looks for SoX
    found.ml = mock.Mock()
    found.load_stats = lambda _: (x.mean(axis=0), np.cov(x, rowvar=False))
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "y.npy"), y)
        return found.score_inf(folder, [Path(folder, "y.npy")]).score


def our_infinity(x, y) -> float:
    drawn = np.random.RandomState(0)
    return frechet.infinity_by(drawn, Statistics.of(x).gaussian, y, replace=True).value


def kadtk_fad(x, y) -> float:
    import torch
    from kadtk.fad import calc_frechet_distance

    return float(calc_frechet_distance(torch.tensor(x), torch.tensor(y), (None, None), "cpu"))


def kadtk_kad(x, y, kernel: str) -> float:
    import torch
    from kadtk.kad import calc_kernel_audio_distance

    sets = torch.tensor(x), torch.tensor(y)
    return float(calc_kernel_audio_distance(*sets, (None, None), "cpu", kernel=kernel))


def gudgud96(x, y) -> float:
    from frechet_audio_distance.fad import FrechetAudioDistance

    fad = FrechetAudioDistance.__new__(FrechetAudioDistance)  # __init__ downloads a model
    statistics = (fad.calculate_embd_statistics(rows) for rows in (x, y))
    (mean_1, sigma_1), (mean_2, sigma_2) = statistics
    return fad.calculate_frechet_distance(mean_1, sigma_1, mean_2, sigma_2)


def torcheval(x, y) -> float:
    import torch
    from torcheval.metrics import FrechetAudioDistance

    metric = FrechetAudioDistance(lambda rows: rows, torch.nn.Identity(), SIZE)
    metric.update(torch.tensor(y)[None], torch.tensor(x)[None])
    return float(metric.compute())


def measured(case: Case) -> str:
    """A line of the table; it ends with the tolerance, or with what went wrong."""
    start = time.perf_counter()
    silence = io.StringIO()
    with warnings.catch_warnings(action="ignore"), contextlib.redirect_stderr(silence):
        theirs = float(np.real(case.theirs()))
    seconds, middle = time.perf_counter() - start, time.perf_counter()
    ours = case.ours()
    ours_seconds = time.perf_counter() - middle
    off = abs(theirs - ours) / abs(ours)
    verdict = "" if off <= case.tolerance else f" MORE THAN {case.tolerance:.0e}"
    package = f"{case.package} {importlib.metadata.version(case.package)}"
    return (
        f"{package:29} {case.says:24} {theirs:12.7f} {ours:12.7f} {off:8.1e} {seconds:7.2f} s "
        f"{ours_seconds:7.2f} s  {case.why}{verdict}"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=200, help="in each set")
    args = parser.parse_args()
    sys.meta_path.append(EmptyModules(MODELS))  # last: a package that is there is found before
    with mock.patch("pathlib.Path.glob", return_value=[]):  # without its library for GPUs
        import torchaudio  # noqa: F401
    print(f"{'package':29} {'':24} {'theirs':>12} {'ours':>12} {'apart':>8}  theirs      ours")
    lines = []
    for case in cases(embeddings(args.files, 0), embeddings(args.files, 1)):
        lines.append(measured(case))
        print(lines[-1], flush=True)
    sys.exit(any("MORE THAN" in line for line in lines))


if __name__ == "__main__":
    main()
